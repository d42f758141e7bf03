//! `[routes]`: from a number or a pattern to who takes the call.

use std::{fmt, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor, value::MapAccessDeserializer},
};

use super::{Record, value};

/// `"PATTERN" = ...`: where a call to matching numbers goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who takes it.
    pub to: To,
    /// How long it rings; `[exchange] ring` when not said.
    pub ring: Option<Duration>,
    /// A user or a number, tried when `to` does not take the call.
    pub fallback: Option<String>,
    /// Whether its calls are recorded.
    pub record: Record,
}

/// Who takes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Whoever has the dialled number (`user = "*"`).
    AnyUser,
    /// One or several users; all their phones ring.
    Users(Vec<String>),
    /// A plugin.
    Plugin(String),
    /// A `sip:` URI; `{number}` is what was dialled, `{rest}` what `*` stood for.
    Sip(String),
    /// The short form `"200" = "alice"`: a user or a plugin; [`parse`](super::parse) turns it into one of the others.
    Named(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    user: Option<String>,
    users: Option<Vec<String>>,
    plugin: Option<String>,
    sip: Option<String>,
    #[serde(default, deserialize_with = "value::duration")]
    ring: Option<Duration>,
    fallback: Option<String>,
    #[serde(default)]
    record: Record,
}

impl Table {
    fn into_route(self) -> Result<Route, &'static str> {
        let to = match (self.user, self.users, self.plugin, self.sip) {
            (Some(user), None, None, None) if user == "*" => To::AnyUser,
            (Some(user), None, None, None) => To::Users(vec![user]),
            (None, Some(users), None, None) => To::Users(users),
            (None, None, Some(plugin), None) => To::Plugin(plugin),
            (None, None, None, Some(uri)) => To::Sip(uri),
            (None, None, None, None) => {
                return Err("the route leads nowhere; add one of `user`, `users`, `plugin`, `sip`");
            }
            _ => {
                return Err(
                    "the route leads to several places; keep one of `user`, `users`, `plugin`, `sip`",
                );
            }
        };
        Ok(Route { to, ring: self.ring, fallback: self.fallback, record: self.record })
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RouteVisitor;

        impl<'de> Visitor<'de> for RouteVisitor {
            type Value = Route;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "the name of a user or a plugin, a `sip:` URI, or a table such as { plugin = \"ivr\" }",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Route, E> {
                let to = match text {
                    "*" => To::AnyUser,
                    uri if uri.starts_with("sip:") => To::Sip(uri.to_owned()),
                    name => To::Named(name.to_owned()),
                };
                Ok(Route { to, ring: None, fallback: None, record: Record::OnDemand })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Route, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map))?.into_route().map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(RouteVisitor)
    }
}
