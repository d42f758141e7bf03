//! The configuration in the shapes of the other rooms: the one place that knows both.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jackfield_media::{Source, tone};
use jackfield_plugin::{LaunchGrant, Limits};
use jackfield_sip::{Advertised, Digests, Offered};
use jackfield_switch as switch;
use tracing::warn;

use super::{Codec, Config, Digest, Dtmf, Peer, Plugin, Record, Route, Srtp, To, User, media::read_clip};

/// What the switch needs. `digests` come from the store, by user name; a user without
/// digests cannot log in.
pub fn to_settings(config: &Config, digests: &BTreeMap<String, Digests>) -> switch::Settings {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let entry = |(name, user): (&String, &User)| {
        (name.clone(), to_user(name, user, digests.get(name).cloned().unwrap_or_default()))
    };
    switch::Settings {
        realm: config.exchange.realm.clone(),
        users: config.users.iter().map(entry).collect(),
        peers: config.peers.iter().map(|(name, peer)| to_peer(name, peer)).collect(),
        routes: to_routes(config),
        plugins: config.plugins.iter().map(|(name, plugin)| (name.clone(), to_plugin(plugin))).collect(),
        ring: config.exchange.ring,
        after_hangup: Limits::default().after_hangup,
        codecs: config.media.codecs.iter().copied().map(to_codec).collect(),
        music: music(config),
        max_calls: config.exchange.calls,
        session_expires: config.exchange.session_expires,
        expires: (seconds(config.registrar.min_expires), seconds(config.registrar.max_expires)),
        max_contacts: config.registrar.contacts,
        advertised: Advertised {
            external: config.listen.external.clone(),
            local: config.listen.local_nets().iter().map(|net| (net.address, net.prefix)).collect(),
        },
    }
}

/// The operator's file, or the melody that everybody has.
fn music(config: &Config) -> Arc<[Source]> {
    let melody = || Source::Tone(tone::music());
    let file = config.media.music_on_hold.as_ref().map(|file| read_clip(&config.resolve(file)));
    let source = file.map_or_else(melody, |clip| match clip {
        Ok(clip) => Source::Clip(Arc::new(clip)),
        // `check` has read it: it has gone since.
        Err(error) => {
            warn!("[media] music-on-hold: {error}; the melody is played instead");
            melody()
        }
    });
    Arc::new([source])
}

fn to_user(name: &str, user: &User, digests: Digests) -> switch::User {
    switch::User {
        number: user.number.clone(),
        display_name: user.name.clone().unwrap_or_else(|| name.to_owned()),
        offered: match user.digest {
            Digest::Md5 => Offered::Md5,
            Digest::Sha256 => Offered::Sha256,
            Digest::Both => Offered::Both,
        },
        digests,
        record: user.record == Record::Always,
        dtmf: to_dtmf(user.dtmf),
        srtp: to_policy(user.srtp),
    }
}

fn to_dtmf(dtmf: Dtmf) -> switch::Dtmf {
    match dtmf {
        Dtmf::Auto => switch::Dtmf::Auto,
        Dtmf::Rfc4733 => switch::Dtmf::Rfc4733,
        Dtmf::Info => switch::Dtmf::Info,
        Dtmf::Inband => switch::Dtmf::Inband,
    }
}

fn to_policy(srtp: Srtp) -> switch::SrtpPolicy {
    match srtp {
        Srtp::Offered => switch::SrtpPolicy::Offered,
        Srtp::Required => switch::SrtpPolicy::Required,
        Srtp::Off => switch::SrtpPolicy::Off,
    }
}

fn to_peer(name: &str, peer: &Peer) -> switch::Peer {
    let addresses = peer.addresses.iter().map(|network| (network.address, network.prefix)).collect();
    switch::Peer { name: name.to_owned(), addresses, dtmf: to_dtmf(peer.dtmf), srtp: to_policy(peer.srtp) }
}

pub(super) fn to_routes(config: &Config) -> Vec<switch::Route> {
    config.routes.iter().filter_map(|(pattern, route)| to_route(pattern, route)).collect()
}

/// None: not a route; `check` lets none of those pass.
fn to_route(pattern: &str, route: &Route) -> Option<switch::Route> {
    let to = match &route.to {
        To::AnyUser => switch::RouteTo::AnyUser,
        To::Users(users) => switch::RouteTo::Users(users.clone()),
        To::Plugin(plugin) => switch::RouteTo::Plugin(plugin.clone()),
        To::Sip(uri) => switch::RouteTo::Sip(uri.clone()),
        To::Named(_) => return None,
    };
    let pattern = switch::Pattern::parse(pattern).ok()?;
    let record = route.record == Record::Always;
    Some(switch::Route { pattern, to, ring: route.ring, fallback: route.fallback.clone(), record })
}

fn to_plugin(plugin: &Plugin) -> switch::PluginSettings {
    let launch = plugin.grant.launch.as_ref();
    let limits = |launch: &LaunchGrant| switch::LaunchLimits {
        at_once: launch.at_once,
        per_second: launch.per_second,
    };
    switch::PluginSettings { launch: launch.map(limits) }
}

fn to_codec(codec: Codec) -> jackfield_media::Codec {
    match codec {
        Codec::Pcma => jackfield_media::Codec::Pcma,
        Codec::Pcmu => jackfield_media::Codec::Pcmu,
        Codec::G722 => jackfield_media::Codec::G722,
        Codec::Opus => jackfield_media::Codec::Opus,
    }
}
