//! Whom a dial calls.

use jackfield_sip::Uri;

use super::routing::Whereto;
use crate::{command::Error, io::Target, switch::Switch};

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Callee {
    User(String),
    /// A `sip:` URI.
    Sip(String),
}

impl Switch {
    /// Whom the targets of a dial name: users, numbers (through the routes), `sip:` URIs.
    pub(crate) fn callees(&self, targets: &[String]) -> Result<Vec<Callee>, Error> {
        let mut callees = Vec::new();
        for target in targets {
            if is_sip(target) {
                target_of(target)
                    .ok_or_else(|| Error::Invalid(format!("{target:?} is no usable address")))?;
                callees.push(Callee::Sip(target.clone()));
                continue;
            }
            let found = self.settings.resolve(target, true).map(|destination| destination.to);
            match found {
                Some(Whereto::Callees(found)) => callees.extend(found),
                // Plugins are not dialled: they get calls by routes and launches.
                Some(Whereto::Plugin(_)) | None => {
                    callees.push(Callee::User(target.clone()));
                }
            }
        }
        Ok(callees)
    }
}

impl Callee {
    /// For records and call information.
    pub(crate) fn label(&self) -> &str {
        match self {
            Callee::User(name) => name,
            Callee::Sip(uri) => uri,
        }
    }
}

fn is_sip(target: &str) -> bool {
    let scheme = target.split(':').next().unwrap_or_default();
    target.contains(':') && (scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips"))
}

/// Where requests for a `sip:` URI go (the driver resolves its host).
pub(crate) fn target_of(uri: &str) -> Option<Target> {
    use jackfield_sip::Transport::{Tcp, Tls, Udp};

    let uri = Uri::parse(uri).ok().filter(Uri::is_sip)?;
    let transport = match uri.param("transport") {
        _ if uri.is_secure() => Tls,
        None => Udp,
        Some(named) if named.eq_ignore_ascii_case("udp") => Udp,
        Some(named) if named.eq_ignore_ascii_case("tcp") => Tcp,
        Some(named) if named.eq_ignore_ascii_case("tls") => Tls,
        Some(_) => return None,
    };
    let port = uri.port().unwrap_or(if transport == Tls { 5061 } else { 5060 });
    let host = uri.host().trim_matches(['[', ']']).to_owned();
    Some(Target { transport, host, port })
}
