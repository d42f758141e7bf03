//! A phone that sends its call elsewhere (RFC 3261 21.3): followed as far as the caller may call.

use jackfield_media::LegId;
use jackfield_sip::{Message, NameAddr, SessionId, Uri};

use super::{
    CallKey,
    callee::Callee,
    dial::{Dial, Purpose},
    routing::Whereto,
};
use crate::{
    io::Level,
    route::{dialled, is_number},
    switch::Switch,
};

/// Contacts of one redirection that are called.
const MAX_CONTACTS: usize = 8;
/// Redirections that one dial follows.
pub(crate) const MAX_REDIRECTIONS: u32 = 5;

/// Where a contact of a redirection leads.
enum Onwards {
    Callees(Vec<Callee>),
    /// To a number that a plugin serves.
    Number(String),
}

impl Switch {
    /// 3xx from a phone; true if the call goes on elsewhere.
    pub(crate) fn redirected(&mut self, id: LegId, session: SessionId, response: &Message) -> bool {
        let Some(leg) = self.legs.get_mut(&id) else { return false };
        let key = leg.call;
        let Some(dial) = leg.dial.as_mut().filter(|dial| dial.is_calling(session)) else { return false };
        if dial.redirections == MAX_REDIRECTIONS {
            return false;
        }
        dial.redirections += 1;
        let is_route = dial.purpose == Purpose::Route;
        let mut callees = Vec::new();
        for contact in contacts(response) {
            match self.onwards(key, &contact) {
                Some(Onwards::Callees(found)) => {
                    callees.extend(
                        found.into_iter().filter(|callee| is_route || matches!(callee, Callee::User(_))),
                    );
                }
                Some(Onwards::Number(number)) if is_route && callees.is_empty() => {
                    return self.redirected_to_plugin(id, key, number);
                }
                _ => {}
            }
        }
        let added = self.add_branches(id, session, &callees);
        if !added {
            let name = self.legs.get(&id).map(|leg| leg.info.id.clone());
            self.notice(Level::Info, "a redirection leads nowhere that may be called".to_owned(), name);
        }
        added
    }

    /// The number is dialled as if the caller had; any other host must be one of the configured peers.
    fn onwards(&self, key: CallKey, contact: &Uri) -> Option<Onwards> {
        let number = contact.user().and_then(dialled).filter(|number| is_number(number));
        let host = contact.host().trim_matches(['[', ']']).parse().ok();
        if host.is_some_and(|host| self.settings.peer_at(host).is_some()) {
            return Some(Onwards::Callees(vec![Callee::Sip(contact.as_str().to_owned())]));
        }
        let number = number?;
        let may_dial_users = self.calls.get(&key)?.caller.is_user;
        match self.settings.resolve(&number, may_dial_users)?.to {
            Whereto::Callees(callees) => Some(Onwards::Callees(callees)),
            Whereto::Plugin(_) => Some(Onwards::Number(number)),
        }
    }

    /// Plugins are not dialled: the call goes there when this phone was the last one that rang.
    fn redirected_to_plugin(&mut self, id: LegId, key: CallKey, number: String) -> bool {
        let is_last = self.legs.get(&id).and_then(|leg| leg.dial.as_ref()).is_some_and(Dial::is_last);
        if let Some(call) = self.calls.get_mut(&key).filter(|_| is_last) {
            call.onward.send_to(number);
        }
        false
    }
}

/// Best first (`q`), without what is no SIP address.
fn contacts(response: &Message) -> Vec<Uri> {
    let mut contacts = response.contacts().unwrap_or_default();
    contacts.retain(|contact| contact.uri().is_sip() && contact.uri().headers().is_empty());
    let q = |contact: &NameAddr| {
        let q = contact.param("q").and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        (q.clamp(0.0, 1.0) * 1000.0) as u32
    };
    contacts.sort_by_key(|contact| std::cmp::Reverse(q(contact)));
    contacts.truncate(MAX_CONTACTS);
    contacts.into_iter().map(|contact| contact.uri().clone()).collect()
}
