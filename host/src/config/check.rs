//! What no single value shows: names that lead nowhere, numbers given twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use jackfield_switch::{Pattern, route};

use super::{
    Config, To,
    media::read_clip,
    problem::{Problem, did_you_mean, suggest},
    settings::to_routes,
    source::Source,
};
use crate::bundle::Key;

/// Every fault of a file whose sections could be read; turns [`To::Named`] into what it names.
pub(super) fn all(config: &mut Config, source: &Source<'_>, numbers_known: bool) -> Vec<Problem> {
    let mut check = Check { source, problems: Vec::new(), numbers_known };
    check.exchange(config);
    check.listen(config);
    check.media(config);
    check.store(config);
    check.users(config);
    check.peers(config);
    check.routes(config);
    check.helpers(config);
    check.journal(config);
    check.plugins(config);
    check.signatures(config);
    check.problems
}

struct Check<'s, 'a> {
    source: &'s Source<'a>,
    problems: Vec<Problem>,
    /// Every user and route could be read, so a number that leads nowhere is a fault.
    numbers_known: bool,
}

impl Check<'_, '_> {
    fn report(&mut self, path: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(self.source.problem_at(path, message, help));
    }

    fn exchange(&mut self, config: &Config) {
        let realm = &config.exchange.realm;
        if realm.is_empty() || realm.contains(['"', '\\']) || realm.chars().any(char::is_control) {
            let help = "write a short name, such as \"la-plateforme\"";
            self.report(&["exchange", "realm"], "the realm must be a name without quotes", help);
        }
        if config.exchange.calls == 0 {
            self.report(
                &["exchange", "calls"],
                "with 0 calls nobody can call",
                "write a number such as 1000",
            );
        }
        let registrar = &config.registrar;
        if registrar.min_expires > registrar.max_expires {
            let help = "`min-expires` must not be longer than `max-expires`";
            self.report(
                &["registrar", "min-expires"],
                "the shortest registration is longer than the longest",
                help,
            );
        }
        if registrar.contacts == 0 {
            self.report(
                &["registrar", "contacts"],
                "with 0 contacts no phone can register",
                "write a number such as 10",
            );
        }
    }

    fn listen(&mut self, config: &Config) {
        let listen = &config.listen;
        if listen.udp.is_empty() && listen.tcp.is_empty() && listen.tls.is_empty() {
            self.report(&["listen"], "there is no address to listen on", "add `udp = \"0.0.0.0:5060\"`");
        }
        let mut tcp = BTreeSet::new();
        for (key, address) in [("tcp", &listen.tcp), ("tls", &listen.tls)]
            .into_iter()
            .flat_map(|(key, addresses)| addresses.iter().map(move |address| (key, address)))
        {
            if address.port() != 0 && !tcp.insert(address) {
                let help = "TCP and TLS need ports of their own, usually 5060 and 5061";
                self.report(&["listen", key], format!("`{address}` is listened on twice"), help);
            }
        }
        if let Some(address) = listen.udp.iter().find(|address| config.media.ports.contains(address.port())) {
            let message = format!("the UDP port {} is also one of `[media] ports`", address.port());
            self.report(&["listen", "udp"], message, "choose other media ports");
        }
        if listen.stun.is_some() && !listen.external.is_empty() {
            let help = "keep `external` if the address is always the same, else `stun`";
            self.report(&["listen", "stun"], "the external address is both given and asked for", help);
        }
        if listen.stun.as_deref().is_some_and(|server| !is_host_and_port(server)) {
            let help = "write \"HOST\" or \"HOST:PORT\", such as \"stun.example.org:3478\"";
            self.report(&["listen", "stun"], "this is not the address of a server", help);
        }
        for family in [IpAddr::is_ipv4, IpAddr::is_ipv6] {
            if listen.external.iter().filter(|address| family(address)).count() > 1 {
                let help = "an exchange has one address of a family; keep the one that the world sees";
                self.report(&["listen", "external"], "there are two external addresses of one family", help);
            }
        }
        match (&listen.certificate, &listen.key) {
            (Some(_), None) => {
                self.report(&["listen", "certificate"], "the certificate has no key", "add `key = \"FILE\"`")
            }
            (None, Some(_)) => {
                self.report(&["listen", "key"], "the key has no certificate", "add `certificate = \"FILE\"`")
            }
            _ => {}
        }
    }

    fn journal(&mut self, config: &Config) {
        let journal = &config.journal;
        let help = "write `record = false` to record nothing";
        if journal.keep.is_zero() {
            self.report(&["journal", "keep"], "nothing would be kept", help);
        }
        if journal.calls == 0 {
            self.report(&["journal", "calls"], "with 0 calls nothing would be kept", help);
        }
        if journal.call.0 == 0 {
            self.report(&["journal", "call"], "nothing would be kept of a call", help);
        }
        if journal.disk.0 / 16 < journal.call.0 {
            let least = jackfield_plugin::Size(journal.call.0.saturating_mul(16));
            let text = format!("the disk has no room for 16 calls of {}", journal.call);
            self.report(
                &["journal", "disk"],
                text,
                format!("write at least \"{least}\", or a smaller `call`"),
            );
        }
    }

    fn media(&mut self, config: &Config) {
        if config.media.codecs.is_empty() {
            self.report(
                &["media", "codecs"],
                "without a codec nobody can talk",
                "write [\"pcma\", \"pcmu\"]",
            );
        }
        let music = config.media.music_on_hold.as_ref().map(|file| read_clip(&config.resolve(file)));
        if let Some(Err(error)) = music {
            let help = "name a WAV file (PCM, mono or stereo), or leave the key out";
            self.report(&["media", "music-on-hold"], error, help);
        }
    }

    fn store(&mut self, config: &Config) {
        let url = &config.store.url;
        let file = url.strip_prefix("sqlite:").unwrap_or_default();
        if file.trim_start_matches('/').is_empty() || file.contains(['?', '#']) {
            let message = format!("`{url}` is not a store that this version knows");
            self.report(&["store", "url"], message, "write \"sqlite:jackfield.db\"");
        }
    }

    fn users(&mut self, config: &Config) {
        let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, user) in &config.users {
            if !is_name(name) {
                let help = "use letters, digits, `.`, `_` and `-`, at most 64";
                self.report(&["users", name], format!("`{name}` cannot be the name of a user"), help);
            }
            let Some(number) = &user.number else { continue };
            let path = ["users", name, "number"];
            if !is_number(number) {
                let help = "write digits, such as \"101\"";
                self.report(&path, format!("`{number}` is not a number"), help);
            } else if let Some(other) = numbers.insert(number, name) {
                let message = format!("`{name}` has the number {number}, which `{other}` has already");
                self.report(&path, message, "give each user a number of their own");
            }
        }
    }

    fn peers(&mut self, config: &Config) {
        let mut networks = BTreeMap::new();
        for (name, peer) in &config.peers {
            if peer.addresses.is_empty() {
                self.report(
                    &["peers", name, "addresses"],
                    format!("the peer `{name}` has no address"),
                    "add one, such as \"192.0.2.10\"",
                );
            }
            for (index, network) in peer.addresses.iter().enumerate() {
                if let Some(other) = networks.insert(network, name) {
                    let message = format!("`{network}` belongs to the peer `{other}` already");
                    self.report(
                        &["peers", name, "addresses", &index.to_string()],
                        message,
                        "keep it in one place",
                    );
                }
            }
        }
    }

    fn routes(&mut self, config: &mut Config) {
        let users = self.source.names("users");
        let plugins = self.source.names("plugins");
        let mut resolved = Vec::new();
        for (pattern, route) in &config.routes {
            self.pattern(&["routes", pattern], pattern);
            match &route.to {
                To::AnyUser => {}
                To::Users(names) => self.route_users(pattern, names, &users),
                To::Plugin(plugin) => {
                    if !plugins.contains(&plugin.as_str()) {
                        let message = format!("there is no plugin `{plugin}`");
                        self.report(
                            &["routes", pattern, "plugin"],
                            message,
                            suggest(plugin, plugins.iter().copied()),
                        );
                    }
                }
                To::Sip(uri) => self.sip_uri(pattern, uri),
                To::Named(name) => match (users.contains(&name.as_str()), plugins.contains(&name.as_str())) {
                    (true, false) => resolved.push((pattern.clone(), To::Users(vec![name.clone()]))),
                    (false, true) => resolved.push((pattern.clone(), To::Plugin(name.clone()))),
                    (true, true) => {
                        let help = format!("write {{ user = \"{name}\" }} or {{ plugin = \"{name}\" }}");
                        self.report(&["routes", pattern], format!("`{name}` is a user and a plugin"), help);
                    }
                    (false, false) => {
                        let help = suggest(name, users.iter().chain(&plugins).copied());
                        self.report(
                            &["routes", pattern],
                            format!("there is no user and no plugin `{name}`"),
                            help,
                        );
                    }
                },
            }
        }
        for (pattern, to) in resolved {
            if let Some(route) = config.routes.get_mut(&pattern) {
                route.to = to;
            }
        }
        self.fallbacks(config);
    }

    fn route_users(&mut self, pattern: &str, names: &[String], users: &[&str]) {
        if names.is_empty() {
            self.report(&["routes", pattern, "users"], "the list of users is empty", "name at least one");
        }
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !users.contains(&name.as_str())) {
            let index = index.to_string();
            // One of the two exists; the path ends at the table for the other.
            let in_list = ["routes", pattern, "users", &index];
            let alone = ["routes", pattern, "user"];
            let path: &[&str] = if names.len() > 1 { &in_list } else { &alone };
            self.report(path, format!("there is no user `{name}`"), suggest(name, users.iter().copied()));
        }
    }

    fn sip_uri(&mut self, pattern: &str, uri: &str) {
        let host = uri.strip_prefix("sip:").map(|rest| rest.rsplit_once('@').map_or(rest, |(_, host)| host));
        if host.is_none_or(str::is_empty) || uri.contains(char::is_whitespace) {
            let help = "write \"sip:{number}@HOST:PORT\"";
            self.report(&["routes", pattern, "sip"], format!("`{uri}` is not a SIP address"), help);
        }
        if uri.contains("{rest}") && !pattern.ends_with('*') {
            let help = "use `{number}`, or end the pattern with `*`";
            self.report(
                &["routes", pattern, "sip"],
                "`{rest}` is what `*` stood for, and the pattern has none",
                help,
            );
        }
    }

    fn pattern(&mut self, path: &[&str], pattern: &str) {
        if let Err(error) = Pattern::parse(pattern) {
            let help = "write digits, `X` for any digit, `*` at the end";
            self.report(path, format!("`{pattern}` is not a pattern: {error}"), help);
        } else if pattern.contains('x') && pattern.chars().all(|c| c == 'x' || c == '*' || c.is_ascii_digit())
        {
            let help = format!("write `{}`", pattern.replace('x', "X"));
            self.report(path, format!("in `{pattern}` a small `x` does not stand for a digit"), help);
        }
    }

    fn fallbacks(&mut self, config: &Config) {
        let map = Numbers::of(config);
        let users = self.source.names("users");
        for (pattern, route) in &config.routes {
            let Some(fallback) = &route.fallback else { continue };
            let path = ["routes", pattern.as_str(), "fallback"];
            if users.contains(&fallback.as_str()) {
                continue;
            }
            if config.plugins.contains_key(fallback) && map.route(fallback).is_none() {
                let help =
                    match config.routes.iter().find(|(_, route)| route.to == To::Plugin(fallback.clone())) {
                        Some((number, _)) => format!("write the number that leads to it: `{number}`"),
                        None => "add a route to it, and write that route's number".to_owned(),
                    };
                self.report(
                    &path,
                    format!("a fallback is a user or a number, and `{fallback}` is a plugin"),
                    help,
                );
            } else if !map.leads_somewhere(fallback) {
                if self.numbers_known {
                    let names = users.iter().copied().chain(map.fixed());
                    let message = format!("the fallback `{fallback}` leads nowhere");
                    self.report(&path, message, did_you_mean(fallback, names));
                }
            } else if let Some(circle) = map.circle(pattern) {
                self.report(
                    &path,
                    format!("the fallbacks go round in a circle: {circle}"),
                    "let one of them end at a user",
                );
            }
        }
    }

    fn helpers(&mut self, config: &Config) {
        for (name, helper) in &config.helpers {
            if helper.command.first().is_none_or(String::is_empty) {
                let help = "write the program and its arguments, such as [\"espeak-ng\", \"--stdout\"]";
                self.report(
                    &["helpers", name, "command"],
                    format!("the helper `{name}` has no program"),
                    help,
                );
            }
        }
    }

    fn plugins(&mut self, config: &Config) {
        let plugins = self.source.names("plugins");
        let helpers = self.source.names("helpers");
        for provider in &config.speech.provider {
            if !plugins.contains(&provider.as_str()) {
                let message = format!("there is no plugin `{provider}`");
                self.report(&["speech", "provider"], message, suggest(provider, plugins.iter().copied()));
            }
        }
        for (name, plugin) in &config.plugins {
            if name.is_empty()
                || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            {
                let help = "use small letters, digits and `-`";
                self.report(&["plugins", name], format!("`{name}` cannot be the name of a plugin"), help);
            }
            let grant = &plugin.grant;
            let mut patterns = |path: &[&str], patterns: &[String]| {
                let numbers = patterns.iter().enumerate().filter(|(_, target)| !target.starts_with("sip"));
                for (index, pattern) in numbers {
                    self.pattern(
                        &[&["plugins", name, "grant"], path, &[&index.to_string()]].concat(),
                        pattern,
                    );
                }
            };
            patterns(&["dial"], &grant.dial);
            if let Some(launch) = &grant.launch {
                patterns(&["launch", "to"], &launch.to);
                self.granted(name, &["launch", "app"], "plugin", &launch.app, &plugins);
            }
            self.granted(name, &["helper"], "helper", &grant.helper, &helpers);
            self.granted(name, &["bus"], "plugin", &grant.bus, &plugins);
            self.urls(name, &grant.http);
        }
    }

    fn signatures(&mut self, config: &Config) {
        let signatures = &config.signatures;
        for (index, key) in signatures.trusted_keys.iter().enumerate() {
            if let Err(error) = Key::parse(key) {
                let help = "write the last line of a `minisign.pub`, which begins with RW";
                self.report(&["signatures", "trusted-keys", &index.to_string()], error, help);
            }
        }
        if signatures.required && signatures.trusted_keys.is_empty() {
            let help = "add `trusted-keys = [\"RW...\"]`, the public keys of those who sign";
            self.report(&["signatures", "required"], "nobody is trusted, so no plugin could run", help);
        }
    }

    fn granted(&mut self, plugin: &str, key: &[&str], what: &str, names: &[String], known: &[&str]) {
        let unknown = |name: &String| name != "*" && !known.contains(&name.as_str());
        for (index, name) in names.iter().enumerate().filter(|(_, name)| unknown(name)) {
            let mut help = suggest(name, known.iter().copied());
            if help.is_empty() {
                help = format!("add [{what}s.{name}]");
            }
            let index = index.to_string();
            let path = [&["plugins", plugin, "grant"], key, &[&index]].concat();
            self.report(&path, format!("there is no {what} `{name}` to grant"), help);
        }
    }

    fn urls(&mut self, plugin: &str, urls: &[String]) {
        for (index, url) in urls.iter().enumerate() {
            if url == "*" {
                continue;
            }
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
                let path = ["plugins", plugin, "grant", "http", &index.to_string()];
                self.report(&path, format!("`{url}` is not a web address"), "write \"https://HOST/\"");
            }
        }
    }
}

/// Where numbers lead, by the switch's own rules.
struct Numbers<'c> {
    config: &'c Config,
    routes: Vec<jackfield_switch::Route>,
}

impl<'c> Numbers<'c> {
    fn of(config: &'c Config) -> Self {
        Numbers { config, routes: to_routes(config) }
    }

    /// The pattern of the route that a call to that number takes.
    fn route(&self, number: &str) -> Option<&'c str> {
        let (route, _) = route::find(&self.routes, number)?;
        let (pattern, _) = self.config.routes.get_key_value(&route.pattern.to_string())?;
        Some(pattern)
    }

    fn leads_somewhere(&self, number: &str) -> bool {
        let is_users = self.config.users.values().any(|user| user.number.as_deref() == Some(number));
        let taken = |pattern| self.config.routes.get(pattern).is_some_and(|route| route.to != To::AnyUser);
        is_users || self.route(number).is_some_and(taken)
    }

    /// Numbers that are written out.
    fn fixed(&self) -> impl Iterator<Item = &'c str> {
        let numbers = self.config.users.values().filter_map(|user| user.number.as_deref());
        self.config.routes.keys().map(String::as_str).chain(numbers)
    }

    /// `200 -> 100 -> 200`, when the fallbacks from that route come back to it.
    fn circle(&self, start: &'c str) -> Option<String> {
        let mut walked = vec![start];
        loop {
            let here = *walked.last()?;
            let next = self.route(self.config.routes.get(here)?.fallback.as_deref()?)?;
            walked.push(next);
            if next == start {
                return Some(walked.join(" -> "));
            }
            // Another circle, reported where it begins.
            if walked.len() > self.config.routes.len() + 1 {
                return None;
            }
        }
    }
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    !host.is_empty() && !host.contains(['/', ' ']) && is_port
}

/// May be the user part of a SIP address and of a digest.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// May be dialled on a phone.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    !digits.is_empty()
        && text.len() <= 32
        && digits.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#')
}
