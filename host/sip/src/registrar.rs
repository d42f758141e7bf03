//! The binding rules of a registrar (RFC 3261 10.3), as functions over the bindings of one address.

use std::{net::IpAddr, time::Duration};

use crate::message::{HeaderError, Message, Name, NameAddr, Uri, reason_phrase, syntax};
use crate::{Flow, Time};

/// Where an address of record is reached for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The contact's URI as it was given.
    pub contact: String,
    /// The path that the REGISTER came on; behind a NAT the only one that leads back.
    pub flow: Flow,
    /// The binding is gone from this time on.
    pub expires: Time,
    /// Of the REGISTER that made or refreshed it.
    pub call_id: String,
    /// Of the REGISTER that made or refreshed it.
    pub cseq: u32,
    /// Preference in thousandths, 0 to 1000.
    pub q: u16,
    /// `+sip.instance`, which names the phone itself (RFC 5626 4.1), with its angle brackets.
    pub instance: Option<String>,
    /// `reg-id`: which of the phone's flows this is (RFC 5626 4.2).
    pub reg_id: Option<u32>,
    /// A NAT is between: the phone names an address that is not the one it came from.
    pub is_translated: bool,
    /// The Path values, nearest proxy first (RFC 3327).
    pub path: Vec<String>,
}

/// The operator's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Shorter registrations are refused with 423.
    pub min: Duration,
    /// For a phone that asks for no time.
    pub default: Duration,
    /// Longer registrations are shortened.
    pub max: Duration,
    /// Bindings that one address may have.
    pub max_bindings: usize,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            min: Duration::from_secs(60),
            default: Duration::from_secs(3600),
            max: Duration::from_secs(3600),
            max_bindings: 10,
        }
    }
}

/// The response to a REGISTER that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}")]
pub struct Refusal {
    /// The status to answer.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Headers for the response.
    pub headers: Vec<(Name, String)>,
}

impl Refusal {
    fn new(status: u16, reason: &str) -> Refusal {
        let reason = if reason.is_empty() { reason_phrase(status) } else { reason };
        Refusal { status, reason: reason.to_owned(), headers: Vec::new() }
    }
}

impl From<HeaderError> for Refusal {
    fn from(error: HeaderError) -> Refusal {
        Refusal::new(400, &error.to_string())
    }
}

/// The bindings of an address after `request`: all of its contacts, or none. Expired ones are left out; a
/// request without contacts only asks.
pub fn register(
    rules: &Rules,
    now: Time,
    flow: &Flow,
    request: &Message,
    bindings: &[Binding],
) -> Result<Vec<Binding>, Refusal> {
    let mut live: Vec<Binding> = bindings.iter().filter(|binding| binding.expires > now).cloned().collect();
    let contacts = request.contacts()?;
    let call_id = request.call_id().ok_or(HeaderError::Missing(Name::CallId))?;
    let (cseq, _) = request.cseq()?;
    // RFC 3261 10.3, 6 and 7: an overtaken REGISTER must not undo the newer one.
    let overtaken = |old: &Binding| old.call_id == call_id && old.cseq >= cseq;

    if contacts.iter().any(NameAddr::is_star) {
        if contacts.len() > 1 || request.expires() != Some(0) {
            return Err(Refusal::new(400, "Contact * needs Expires 0 and no other Contact"));
        }
        return if live.iter().any(overtaken) { Err(Refusal::new(500, "")) } else { Ok(Vec::new()) };
    }

    let before = live.clone();
    let path: Vec<String> = request.values(&Name::Path).map(|value| value.into_owned()).collect();
    for contact in &contacts {
        if !contact.uri().is_sip() {
            return Err(Refusal::new(400, "Contact is not a SIP address"));
        }
        let expires = expiry(rules, request, contact)?;
        let instance = contact.param("+sip.instance").filter(|instance| !instance.is_empty());
        let reg_id = reg_id(request, contact);
        if reg_id.is_some() && !knows_outbound(request) {
            return Err(Refusal::new(439, "First Hop Lacks Outbound Support"));
        }
        let same = |old: &Binding| match (reg_id, old.reg_id) {
            // Two flows of one phone may well have the same contact (RFC 5626 6).
            (Some(_), Some(_)) => old.reg_id == reg_id && old.instance.as_deref() == instance,
            _ => {
                instance.is_some() && old.instance.as_deref() == instance
                    || Uri::parse(&old.contact).is_ok_and(|uri| uri == *contact.uri())
            }
        };
        if before.iter().any(|old| same(old) && overtaken(old)) {
            return Err(Refusal::new(500, ""));
        }
        let place = live.iter().position(same).unwrap_or(live.len());
        live.retain(|old| !same(old));
        if !expires.is_zero() {
            let binding = Binding {
                contact: contact.uri().to_string(),
                flow: *flow,
                expires: now + expires,
                call_id: call_id.to_owned(),
                cseq,
                q: preference(contact),
                instance: instance.map(str::to_owned),
                reg_id,
                is_translated: is_translated(request, flow, contact),
                path: path.clone(),
            };
            live.insert(place, binding);
        }
    }
    if live.len() > rules.max_bindings && live.len() > before.len() {
        return Err(Refusal::new(403, "Too Many Contacts"));
    }
    Ok(live)
}

/// The Contact values of the 200 to a REGISTER; remaining times are rounded up to seconds.
pub fn contact_headers(now: Time, bindings: &[Binding]) -> Vec<String> {
    bindings
        .iter()
        .filter(|binding| binding.expires > now)
        .map(|binding| {
            let left = (binding.expires - now).as_millis().div_ceil(1000);
            let mut value = format!("<{}>;expires={left}", binding.contact);
            if binding.q < 1000 {
                value.push_str(&format!(";q=0.{:03}", binding.q));
            }
            if let Some(instance) = &binding.instance {
                value.push_str(&format!(";+sip.instance=\"{instance}\""));
            }
            if let Some(reg_id) = binding.reg_id {
                value.push_str(&format!(";reg-id={reg_id}"));
            }
            value
        })
        .collect()
}

/// The request registers a flow of its own (RFC 5626 6): the 200 to it says `Require: outbound`.
pub fn uses_outbound(request: &Message) -> bool {
    let contacts = request.contacts().unwrap_or_default();
    contacts.iter().any(|contact| reg_id(request, contact).is_some())
}

/// Counts with an instance only, and from a phone that says that it means it.
fn reg_id(request: &Message, contact: &NameAddr) -> Option<u32> {
    let is_named = contact.param("+sip.instance").is_some_and(|instance| !instance.is_empty());
    let is_meant = request.values(&Name::Supported).any(|option| option.eq_ignore_ascii_case("outbound"));
    if !is_named || !is_meant {
        return None;
    }
    contact.param("reg-id")?.parse().ok().filter(|id| (1..1 << 31).contains(id))
}

/// We are the first hop, or that proxy knows what a flow is and says `ob` in its Path, the last one.
fn knows_outbound(request: &Message) -> bool {
    let path = request.values(&Name::Path).last();
    match path.and_then(|path| NameAddr::parse(&path).ok()) {
        Some(proxy) => proxy.uri().param("ob").is_some(),
        None => request.values(&Name::Via).count() == 1,
    }
}

fn is_translated(request: &Message, flow: &Flow, contact: &NameAddr) -> bool {
    let host = contact.uri().host().trim_matches(['[', ']']).parse::<IpAddr>();
    let is_elsewhere = host.is_ok_and(|host| host.to_canonical() != flow.remote.ip().to_canonical());
    is_elsewhere || request.via().is_ok_and(|via| via.is_translated(flow.remote))
}

/// The contact's own parameter goes over the Expires header, that over the default; what cannot be read
/// counts as not there (RFC 3261 10.2.1.1).
fn expiry(rules: &Rules, request: &Message, contact: &NameAddr) -> Result<Duration, Refusal> {
    let asked = contact.param("expires").and_then(syntax::delta_seconds).or_else(|| request.expires());
    let asked = asked.map_or(rules.default, |seconds| Duration::from_secs(seconds.into()));
    if !asked.is_zero() && asked < rules.min {
        let mut refusal = Refusal::new(423, "");
        refusal.headers.push((Name::MinExpires, rules.min.as_secs().to_string()));
        return Err(refusal);
    }
    Ok(asked.min(rules.max))
}

/// `q` in thousandths; 1000 if it is missing or malformed (RFC 3261 25.1 qvalue).
fn preference(contact: &NameAddr) -> u16 {
    let thousandths = |q: &str| {
        let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
        if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match whole {
            "0" => format!("{fraction:0<3}").parse().ok(),
            _ => None,
        }
    };
    contact.param("q").and_then(thousandths).unwrap_or(1000)
}
