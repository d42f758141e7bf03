//! The configuration of the stories.

use std::{collections::BTreeMap, time::Duration};

use jackfield_media::Codec;
use jackfield_sip::{Digests, Offered};
use jackfield_switch::{
    Dtmf, LaunchLimits, Pattern, Peer, PluginSettings, Route, RouteTo, Settings, SrtpPolicy, User,
};

pub(crate) const REALM: &str = "jackfield";

pub(crate) fn settings() -> Settings {
    let users = [("alice", "101"), ("bob", "102"), ("carol", "103")];
    Settings {
        realm: REALM.to_owned(),
        users: users.map(|(name, number)| (name.to_owned(), user(name, number))).into_iter().collect(),
        peers: Vec::new(),
        routes: Vec::new(),
        plugins: BTreeMap::new(),
        ring: Duration::from_secs(25),
        after_hangup: Duration::from_secs(5),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        music: [jackfield_media::Source::Tone(jackfield_media::tone::music())].into(),
        max_calls: 100,
        session_expires: Duration::from_secs(1800),
        expires: (60, 3600),
        max_contacts: 3,
        advertised: Default::default(),
    }
}

pub(crate) fn user(name: &str, number: &str) -> User {
    User {
        number: Some(number.to_owned()),
        display_name: name[..1].to_uppercase() + &name[1..],
        offered: Offered::Md5,
        digests: Digests::of(name, REALM, &password(name)),
        record: false,
        dtmf: Dtmf::Auto,
        srtp: SrtpPolicy::default(),
    }
}

pub(crate) fn password(user: &str) -> String {
    format!("secret of {user}")
}

pub(crate) fn route(pattern: &str, to: RouteTo) -> Route {
    Route { pattern: Pattern::parse(pattern).unwrap(), to, ring: None, fallback: None, record: false }
}

pub(crate) fn to_users(names: &[&str]) -> RouteTo {
    RouteTo::Users(names.iter().map(|name| (*name).to_owned()).collect())
}

pub(crate) fn to_plugin(name: &str) -> RouteTo {
    RouteTo::Plugin(name.to_owned())
}

/// A route that says where its calls go when nobody takes them.
pub(crate) fn with_fallback(mut route: Route, fallback: &str) -> Route {
    route.fallback = Some(fallback.to_owned());
    route
}

/// Where the phones of the provider are.
pub(crate) const PROVIDER: &str = "198.51.100.1:5060";

pub(crate) fn provider() -> Peer {
    Peer {
        name: "provider".to_owned(),
        addresses: vec![("198.51.100.0".parse().unwrap(), 24)],
        dtmf: Dtmf::Auto,
        srtp: SrtpPolicy::default(),
    }
}

pub(crate) fn launching(at_once: u32, per_second: u32) -> PluginSettings {
    PluginSettings { launch: Some(LaunchLimits { at_once, per_second }) }
}
