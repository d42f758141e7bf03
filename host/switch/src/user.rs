//! Who is who: peers by address, users by digest.

use std::net::IpAddr;

use jackfield_sip::{
    Answer, Authenticator, Digests, Flow, Message, Name, NameAddr, Offered, Verdict, flow::contains,
};

use crate::{
    route::{dialled, is_number},
    settings::{Dtmf, Peer, Settings},
    switch::Switch,
};

/// Characters of a display name that are passed on.
const MAX_DISPLAY: usize = 64;

/// Who makes a call, as the callee is to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// A number, or a name that can be dialled.
    pub(crate) number: String,
    pub(crate) name: String,
    /// The user or peer of the configuration.
    pub(crate) trunk: String,
    /// Logged in: may dial users without a route.
    pub(crate) is_user: bool,
}

impl Settings {
    /// How digits go to a user or a peer of that name.
    pub(crate) fn dtmf_of(&self, name: &str) -> Dtmf {
        let user = self.users.get(name).map(|user| user.dtmf);
        let peer = || self.peers.iter().find(|peer| peer.name == name).map(|peer| peer.dtmf);
        user.or_else(peer).unwrap_or_default()
    }
}

impl Switch {
    /// The caller of an INVITE, or the response that it gets instead.
    pub(crate) fn identify(&mut self, flow: &Flow, request: &Message) -> Result<Caller, Answer> {
        if let Some(peer) = self.settings.peer_at(flow.remote.ip()) {
            let from = request.from().ok();
            let number = from.as_ref().and_then(user_part);
            return Ok(Caller {
                number: number.unwrap_or_else(|| "anonymous".to_owned()),
                name: from
                    .as_ref()
                    .and_then(NameAddr::display)
                    .map(|name| display(&name))
                    .unwrap_or_default(),
                trunk: peer.name.clone(),
                is_user: false,
            });
        }
        let name = self.authenticate(request, request.from().ok().as_ref())?;
        // The digest proved who it is, even if a reload took the user away in this moment.
        let user = self.settings.users.get(&name);
        Ok(Caller {
            number: user.and_then(|user| user.number.clone()).unwrap_or_else(|| name.clone()),
            name: user.map(|user| display(&user.display_name)).unwrap_or_default(),
            trunk: name,
            is_user: true,
        })
    }

    /// The user whose password made this request's credentials; he must be the one whom
    /// `address` (From, or To of a REGISTER) names. Everybody is challenged alike, so that
    /// nobody learns which users there are.
    pub(crate) fn authenticate(
        &mut self,
        request: &Message,
        address: Option<&NameAddr>,
    ) -> Result<String, Answer> {
        let settings = self.settings.clone();
        let claimed = Authenticator::user_of(request);
        let known = claimed.as_deref().and_then(|name| Some((name, settings.users.get(name)?)));
        let named = address.and_then(user_part).and_then(|named| settings.users.find(&named));
        let nobody = Digests::default();
        let (digests, offered) = match (known, named) {
            (Some((_, user)), _) => (&user.digests, user.offered),
            (None, Some((_, user))) => (&nobody, user.offered),
            (None, None) => (&nobody, Offered::Md5),
        };
        let verdict = self.authenticator.check(self.now, request, digests, offered);
        match (verdict, known) {
            (Verdict::Ok, Some((name, _))) if named.is_some_and(|(named, _)| named == name) => {
                Ok(name.to_owned())
            }
            // He is who he says, but speaks for somebody else.
            (Verdict::Ok, _) => Err(Answer::status(403)),
            (Verdict::Missing | Verdict::Wrong, _) => Err(self.challenge(offered, false)),
            (Verdict::Stale | Verdict::Replayed, _) => Err(self.challenge(offered, true)),
        }
    }

    fn challenge(&mut self, offered: Offered, stale: bool) -> Answer {
        let challenges = self.authenticator.challenge(self.now, offered, stale);
        challenges
            .into_iter()
            .fold(Answer::status(401), |answer, value| answer.header(Name::WwwAuthenticate, value))
    }
}

impl Settings {
    /// The peer to which an address belongs.
    pub(crate) fn peer_at(&self, address: IpAddr) -> Option<&Peer> {
        let address = address.to_canonical();
        self.peers
            .iter()
            .find(|peer| peer.addresses.iter().any(|&(net, prefix)| contains(net, prefix, address)))
    }
}

/// The user part of an address, if it is a number or name.
pub(crate) fn user_part(address: &NameAddr) -> Option<String> {
    dialled(address.uri().user()?)
}

/// A display name without what could break out of its quotes or its line.
pub(crate) fn display(name: &str) -> String {
    name.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).take(MAX_DISPLAY).collect()
}

/// An address as the host of a URI.
pub(crate) fn host_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) => format!("[{host}]"),
    }
}

/// A From or To value, without tag.
pub(crate) fn name_addr(name: &str, number: &str, host: IpAddr) -> String {
    let number = if is_number(number) { number } else { "anonymous" };
    let host = host_of(host);
    let number = crate::route::escape(number);
    match name {
        "" => format!("<sip:{number}@{host}>"),
        name => format!("\"{}\" <sip:{number}@{host}>", display(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_cannot_break_out_of_its_quotes() {
        let host = "192.0.2.1".parse().unwrap();
        assert_eq!(
            name_addr("Al\"<sip:x>\r\nEvil: 1", "101", host),
            "\"Al<sip:x>Evil: 1\" <sip:101@192.0.2.1>"
        );
        assert_eq!(name_addr("", "10>1", host), "<sip:anonymous@192.0.2.1>");
    }
}
