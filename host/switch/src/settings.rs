//! The configuration as the switch needs it: users, peers, routes and what plugins may launch.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use jackfield_media::Source;
use jackfield_sip::{Advertised, Digests, Offered};

use crate::{route::Pattern, users::Users};

#[derive(Clone, Debug)]
pub struct Settings {
    /// The digest realm; fixed at first start.
    pub realm: String,
    pub users: Users,
    pub peers: Vec<Peer>,
    pub routes: Vec<Route>,
    pub plugins: BTreeMap<String, PluginSettings>,
    /// How long a route rings when it does not say.
    pub ring: Duration,
    /// After the last leg of an instance has gone.
    pub after_hangup: Duration,
    /// Codecs in order of preference.
    pub codecs: Vec<jackfield_media::Codec>,
    /// What a party hears that is held, over and over.
    pub music: Arc<[Source]>,
    /// Calls at once; more are answered 503.
    pub max_calls: u32,
    /// A session without sign of life for so long is over (RFC 4028); zero: never.
    pub session_expires: Duration,
    /// Seconds that a registration may last: least, most.
    pub expires: (u32, u32),
    /// Contacts per user.
    pub max_contacts: usize,
    /// What peers are told to reach us at.
    pub advertised: Advertised,
}

#[derive(Clone, Debug)]
pub struct User {
    pub number: Option<String>,
    pub display_name: String,
    pub offered: Offered,
    pub digests: Digests,
    /// Every call from or to this user is recorded.
    pub record: bool,
    pub dtmf: Dtmf,
    pub srtp: SrtpPolicy,
}

/// How digits go to a user or a peer. They are taken however they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dtmf {
    /// As telephone events (RFC 4733) where the phone has them, else as tones.
    #[default]
    Auto,
    /// As telephone events; tones are never taken for digits.
    Rfc4733,
    /// As SIP INFO.
    Info,
    /// As tones.
    Inband,
}

/// Whether the audio of a user or peer is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SrtpPolicy {
    /// Never.
    Off,
    /// Where the other side can.
    #[default]
    Offered,
    /// Always: what is not encrypted is refused.
    Required,
}

/// Hosts whose requests need no digest.
#[derive(Clone, Debug)]
pub struct Peer {
    pub name: String,
    /// Address and prefix length.
    pub addresses: Vec<(IpAddr, u8)>,
    pub dtmf: Dtmf,
    pub srtp: SrtpPolicy,
}

#[derive(Clone, Debug)]
pub struct Route {
    pub pattern: Pattern,
    pub to: RouteTo,
    pub ring: Option<Duration>,
    /// A user or a number, tried when `to` does not take the call.
    pub fallback: Option<String>,
    /// Every call by this route is recorded.
    pub record: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTo {
    /// Whoever has the dialled number.
    AnyUser,
    /// One or several users; all their phones ring.
    Users(Vec<String>),
    Plugin(String),
    /// A `sip:` URI; `{number}` is what was dialled, `{rest}` what `*` stood for.
    Sip(String),
}

#[derive(Clone, Debug, Default)]
pub struct PluginSettings {
    pub launch: Option<LaunchLimits>,
}

/// The pace that the host enforces for `dialer.launch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchLimits {
    pub at_once: u32,
    pub per_second: u32,
}
