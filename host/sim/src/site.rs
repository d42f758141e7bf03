//! What is simulated: users, routes and plugins, as `jackfield.toml` would name them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use jackfield_media::Codec;
use jackfield_plugin::{HttpRequest, HttpResponse, Limits};
use jackfield_sip::{Digests, Offered};
use jackfield_switch::{
    Dtmf, Error, LaunchLimits, Pattern, Peer, PluginSettings, Route, RouteTo, Settings, SrtpPolicy, User,
};

use crate::{
    Plugin,
    clock::NEW_YEAR,
    error::SimError,
    link::Weather,
    services::{Helper, Web},
};

pub(crate) const REALM: &str = "sim";
/// Where phones of the outside are: 172.16.0.0/12.
pub(crate) const OUTSIDE: (Ipv4Addr, u8) = (Ipv4Addr::new(172, 16, 0, 0), 12);

/// The exchange to be simulated, in the making. [`World::new`](crate::World::new) begins it.
pub struct Site {
    pub(crate) seed: u64,
    pub(crate) weather: Weather,
    pub(crate) began_unix: Duration,
    pub(crate) media_timeout: Duration,
    pub(crate) web: Option<Web>,
    pub(crate) helpers: BTreeMap<String, Helper>,
    /// Bytes for each call that is recorded.
    pub(crate) journal: Option<usize>,
    pub(crate) plugins: Vec<(String, Plugin)>,
    users: Vec<(String, String)>,
    routes: Vec<(String, To)>,
    ring: Duration,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct To {
    to: RouteTo,
    ring: Option<Duration>,
    fallback: Option<String>,
}

impl To {
    /// An app plugin, by its name at the [`Site`].
    pub fn plugin(name: impl Into<String>) -> To {
        To::new(RouteTo::Plugin(name.into()))
    }

    /// All phones of a user.
    pub fn user(name: impl Into<String>) -> To {
        To::new(RouteTo::Users(vec![name.into()]))
    }

    /// All phones of several users.
    pub fn users<T: Into<String>>(names: impl IntoIterator<Item = T>) -> To {
        To::new(RouteTo::Users(names.into_iter().map(Into::into).collect()))
    }

    /// Whoever has the number.
    pub fn any_user() -> To {
        To::new(RouteTo::AnyUser)
    }

    /// A `sip:` URI; its host is the number of a phone [outside](crate::World::outside), or an address.
    pub fn sip(uri: impl Into<String>) -> To {
        To::new(RouteTo::Sip(uri.into()))
    }

    /// How long it rings.
    pub fn ring(self, time: Duration) -> To {
        To { ring: Some(time), ..self }
    }

    /// A user or number, tried when nobody takes the call.
    pub fn fallback(self, number: impl Into<String>) -> To {
        To { fallback: Some(number.into()), ..self }
    }

    fn new(to: RouteTo) -> To {
        To { to, ring: None, fallback: None }
    }
}

impl Default for Site {
    fn default() -> Self {
        Site::new()
    }
}

impl Site {
    /// Nobody and nothing, in [fair weather](Weather::FAIR), at the beginning of 2026.
    pub fn new() -> Site {
        Site {
            seed: 0,
            weather: Weather::FAIR,
            began_unix: NEW_YEAR,
            media_timeout: Duration::from_secs(60),
            web: None,
            helpers: BTreeMap::new(),
            journal: None,
            plugins: Vec::new(),
            users: Vec::new(),
            routes: Vec::new(),
            ring: Duration::from_secs(30),
        }
    }

    /// A user and his number.
    pub fn user(mut self, name: impl Into<String>, number: impl Into<String>) -> Site {
        self.users.push((name.into(), number.into()));
        self
    }

    /// Where a number leads: digits, `X` for any digit, `*` at the end.
    pub fn route(mut self, pattern: impl Into<String>, to: To) -> Site {
        self.routes.push((pattern.into(), to));
        self
    }

    /// A plugin under the name that routes call it by.
    pub fn plugin(mut self, name: impl Into<String>, plugin: Plugin) -> Site {
        self.plugins.push((name.into(), plugin));
        self
    }

    /// Everything random follows from this: tags, RTP numbers, the weather, the guests' random numbers.
    pub fn seed(self, seed: u64) -> Site {
        Site { seed, ..self }
    }

    /// What the network between phones and exchange does.
    pub fn weather(self, weather: Weather) -> Site {
        Site { weather, ..self }
    }

    /// How long a route rings that does not say; 30 s unless set.
    pub fn ring(self, time: Duration) -> Site {
        Site { ring: time, ..self }
    }

    /// Unix time at the beginning.
    pub fn begins_at(self, unix: Duration) -> Site {
        Site { began_unix: unix, ..self }
    }

    /// Who answers what plugins ask for over HTTP.
    pub fn web(
        mut self,
        web: impl Fn(&HttpRequest) -> Result<HttpResponse, Error> + Send + Sync + 'static,
    ) -> Site {
        self.web = Some(Box::new(web));
        self
    }

    /// What a helper program makes of its arguments and its input.
    pub fn helper(
        mut self,
        name: impl Into<String>,
        helper: impl Fn(&[String], &[u8]) -> Result<Vec<u8>, Error> + Send + Sync + 'static,
    ) -> Site {
        self.helpers.insert(name.into(), Box::new(helper));
        self
    }

    /// Records what apps ask and get, in so many bytes for each call: see [`World::journal`](crate::World::journal).
    pub fn journal(self, room: usize) -> Site {
        Site { journal: Some(room), ..self }
    }

    pub(crate) fn settings(&self) -> Result<Settings, SimError> {
        let routes = self.routes.iter().map(|(pattern, to)| {
            let parsed = Pattern::parse(pattern)
                .map_err(|error| SimError::Route { pattern: pattern.clone(), error })?;
            let To { to, ring, fallback } = to.clone();
            Ok(Route { pattern: parsed, to, ring, fallback, record: false })
        });
        let plugins = self.plugins.iter().map(|(name, plugin)| (name.clone(), plugin_settings(plugin)));
        let (address, prefix) = OUTSIDE;
        let outside = Peer {
            name: "outside".to_owned(),
            addresses: vec![(IpAddr::V4(address), prefix)],
            dtmf: Dtmf::Auto,
            srtp: SrtpPolicy::Off,
        };
        Ok(Settings {
            realm: REALM.to_owned(),
            users: self.users.iter().map(|(name, number)| (name.clone(), user(name, number))).collect(),
            peers: vec![outside],
            routes: routes.collect::<Result<_, SimError>>()?,
            plugins: plugins.collect(),
            ring: self.ring,
            after_hangup: Limits::default().after_hangup,
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            music: [jackfield_media::Source::Tone(jackfield_media::tone::music())].into(),
            max_calls: 1000,
            session_expires: Duration::from_secs(1800),
            expires: (60, 3600),
            max_contacts: 10,
            advertised: Default::default(),
        })
    }
}

pub(crate) fn password(user: &str) -> String {
    format!("password of {user}")
}

pub(crate) fn plugin_settings(plugin: &Plugin) -> PluginSettings {
    let limits = |launch: &jackfield_plugin::LaunchGrant| LaunchLimits {
        at_once: launch.at_once,
        per_second: launch.per_second,
    };
    PluginSettings { launch: plugin.launches().map(limits) }
}

fn user(name: &str, number: &str) -> User {
    let mut letters = name.chars();
    let capital = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    User {
        number: Some(number.to_owned()),
        display_name: capital + letters.as_str(),
        offered: Offered::Md5,
        digests: Digests::of(name, REALM, &password(name)),
        record: false,
        dtmf: Dtmf::Auto,
        srtp: SrtpPolicy::Off,
    }
}
