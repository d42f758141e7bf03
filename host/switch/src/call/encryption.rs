//! SRTP of a leg: with which m= line a phone is called, and the keys, which are for it alone.

use std::{collections::BTreeMap, net::SocketAddr};

use jackfield_media::{LegId, MasterKey, Security, Suite};
use jackfield_sip::{self as sip, Crypto, CryptoSuite, Encrypted, Flow, Profile, SessionId, Transport};
use rand::Rng;

use super::callee::Callee;
use crate::{settings::SrtpPolicy, switch::Switch, user::Caller};

/// Phones of which we know what they take; beyond, all is forgotten and learnt anew.
const MAX_LEARNED: usize = 65_536;

/// Which m= line the phones took that want another one than [`usual`].
#[derive(Debug, Default)]
pub(crate) struct Learned(BTreeMap<SocketAddr, Profile>);

impl Learned {
    fn first(&self, flow: &Flow) -> Profile {
        self.0.get(&flow.remote).copied().unwrap_or(usual(flow))
    }

    fn note(&mut self, flow: &Flow, agreed: Profile) {
        // A plain answer was one to keys in RTP/AVP.
        let taken = if agreed == Profile::Secure { Profile::Secure } else { Profile::BestEffort };
        if taken == usual(flow) {
            self.0.remove(&flow.remote);
            return;
        }
        if self.0.len() >= MAX_LEARNED {
            self.0.clear();
        }
        self.0.insert(flow.remote, taken);
    }
}

/// A phone whose signalling is encrypted is set up for SRTP and may insist on RTP/SAVP; one on UDP or TCP may
/// never have heard of it.
fn usual(flow: &Flow) -> Profile {
    if flow.transport == Transport::Tls { Profile::Secure } else { Profile::BestEffort }
}

/// The m= lines to offer, one after the other until the phone does not refuse it by 488.
#[derive(Clone, Debug)]
pub(crate) struct Attempts(Vec<Profile>);

impl Attempts {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Option<Profile> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
}

impl Switch {
    /// How a phone on this flow is to be asked for SRTP.
    pub(crate) fn attempts(&self, policy: SrtpPolicy, flow: &Flow) -> Attempts {
        Attempts(match (policy, self.learned.first(flow)) {
            (SrtpPolicy::Off, _) => vec![Profile::Plain],
            (SrtpPolicy::Required, _) => vec![Profile::Secure],
            (SrtpPolicy::Offered, Profile::Secure) => vec![Profile::Secure, Profile::BestEffort],
            (SrtpPolicy::Offered, _) => vec![Profile::BestEffort, Profile::Secure],
        })
    }

    /// What we say to one phone, with keys that no other one has seen.
    pub(crate) fn new_srtp(&mut self, policy: SrtpPolicy, profile: Profile) -> sip::Srtp {
        let suites = CryptoSuite::ALL.into_iter().filter(|_| policy != SrtpPolicy::Off);
        let random = &mut self.random;
        let key = |(suite, tag): (CryptoSuite, u32)| {
            let mut key = vec![0; suite.key_length()];
            random.fill_bytes(&mut key);
            Crypto { tag, suite, key }
        };
        let keys = suites.zip(1..).map(key).collect();
        sip::Srtp { profile, required: policy == SrtpPolicy::Required, keys }
    }

    /// For a caller; the m= line counts where the offer is ours.
    pub(crate) fn srtp_of_caller(&mut self, caller: &Caller, flow: &Flow) -> sip::Srtp {
        let policy = match caller.is_user {
            true => self.settings.users.get(&caller.trunk).map(|user| user.srtp),
            false => self.settings.peer_at(flow.remote.ip()).map(|peer| peer.srtp),
        };
        let policy = policy.unwrap_or_default();
        let first = self.attempts(policy, flow).next().unwrap_or_default();
        self.new_srtp(policy, first)
    }

    pub(crate) fn srtp_policy(&self, callee: &Callee, flow: &Flow) -> SrtpPolicy {
        let policy = match callee {
            Callee::User(name) => self.settings.users.get(name).map(|user| user.srtp),
            Callee::Sip(_) => self.settings.peer_at(flow.remote.ip()).map(|peer| peer.srtp),
        };
        policy.unwrap_or_default()
    }

    /// From now on a leg that is being called speaks to this phone.
    pub(crate) fn speak_to(&mut self, id: LegId, session: SessionId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(dial) = leg.dial.as_mut() else { return };
        if let Some(srtp) = dial.srtp_of(session) {
            leg.audio.srtp = srtp;
            leg.audio.sent = dial.speak_to(session, leg.audio.sent.take());
        }
    }

    /// Remembers the m= line of a phone, for its next call and for the next offer of this one.
    pub(crate) fn note_profile(&mut self, id: LegId, agreed: Profile) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.audio.srtp.profile = agreed;
        if let Some(flow) = &leg.flow
            && !leg.audio.srtp.keys.is_empty()
        {
            self.learned.note(flow, agreed);
        }
    }
}

/// The keys of both directions, for the media.
pub(crate) fn security(encrypted: Option<Encrypted>) -> Option<Security> {
    let Some(Encrypted { ours, theirs }) = encrypted else { return Some(Security::Plain) };
    let key = |crypto: &Crypto| MasterKey::new(suite(crypto.suite), &crypto.key);
    Some(Security::Srtp { send: key(&ours)?, receive: key(&theirs)? })
}

/// For the call record.
pub(crate) fn security_name(security: &Security) -> String {
    match security {
        Security::Srtp { send, .. } => send.suite().name().to_owned(),
        _ => "RTP".to_owned(),
    }
}

fn suite(suite: CryptoSuite) -> Suite {
    match suite {
        CryptoSuite::AesCm128Sha1_80 => Suite::AesCm128Sha1_80,
        CryptoSuite::AesCm128Sha1_32 => Suite::AesCm128Sha1_32,
        CryptoSuite::AesCm256Sha1_80 => Suite::AesCm256Sha1_80,
        CryptoSuite::AeadAes128Gcm => Suite::AeadAes128Gcm,
        CryptoSuite::AeadAes256Gcm => Suite::AeadAes256Gcm,
    }
}
