//! What a plugin may do: asked for in its manifest, granted by the operator. Both must hold.

use jackfield_switch::Error;
use serde::{Deserialize, Serialize};

/// `[capabilities]` of a manifest. What is not named is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Capabilities {
    /// Numbers (`10X`, `9*`), users by name, `sip:` URIs (`sip:*@office`); `*`: whatever is granted.
    pub dial: Vec<String>,
    /// Calls that another plugin handles.
    pub launch: Option<LaunchWish>,
    /// What callers say may be kept.
    pub record: bool,
    /// URLs that requests begin with; `*`: whatever is granted.
    pub http: Vec<String>,
    /// By name; `*`: whatever is granted.
    pub helper: Vec<String>,
    /// Plugins that messages may go to; `*`: whatever is granted.
    pub bus: Vec<String>,
    /// Folder of its audio files, below the plugin's own; `prompts` when not named.
    pub prompts: Option<String>,
}

impl Capabilities {
    /// Each right that is asked for, by its key in the manifest, with what it is asked for.
    pub fn rights(&self) -> Vec<(&'static str, Vec<String>)> {
        let none = LaunchWish::default();
        let launch = self.launch.as_ref().unwrap_or(&none);
        let lists = [
            ("dial", &self.dial),
            ("launch.to", &launch.to),
            ("launch.app", &launch.app),
            ("http", &self.http),
            ("helper", &self.helper),
            ("bus", &self.bus),
        ];
        let lists = lists.into_iter().filter(|(_, wishes)| !wishes.is_empty());
        let lists = lists.map(|(right, wishes)| (right, wishes.clone()));
        lists.chain(self.record.then(|| ("record", Vec::new()))).collect()
    }
}

/// `launch` of [`Capabilities`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LaunchWish {
    /// As [`Capabilities::dial`].
    pub to: Vec<String>,
    /// Plugins that may get the answered call; `*`: whatever is granted.
    pub app: Vec<String>,
}

/// `grant` of `[plugins.NAME]`: the upper bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are those of `Capabilities`")]
pub struct Grant {
    /// `*` grants every target.
    pub dial: Vec<String>,
    pub launch: Option<LaunchGrant>,
    pub record: bool,
    pub http: Vec<String>,
    pub helper: Vec<String>,
    pub bus: Vec<String>,
}

/// `launch` of a [`Grant`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are those of `LaunchWish`")]
pub struct LaunchGrant {
    pub to: Vec<String>,
    pub app: Vec<String>,
    /// Kept by the switch.
    #[serde(default = "one")]
    pub at_once: u32,
    /// Kept by the switch.
    #[serde(default = "one")]
    pub per_second: u32,
}

fn one() -> u32 {
    1
}

impl Grant {
    /// All that is asked for; of launches one at a time.
    pub fn of_all(asked: &Capabilities) -> Grant {
        let launch = |wish: LaunchWish| LaunchGrant { to: wish.to, app: wish.app, at_once: 1, per_second: 1 };
        let asked = asked.clone();
        Grant {
            dial: asked.dial,
            launch: asked.launch.map(launch),
            record: asked.record,
            http: asked.http,
            helper: asked.helper,
            bus: asked.bus,
        }
    }

    /// What is asked for beyond this grant, each as it would be granted.
    pub fn covers(&self, asked: &Capabilities) -> Result<(), Vec<String>> {
        let mut missing = Vec::new();
        let mut check =
            |right: &str, granted: &[String], asked: &[String], covers: fn(&str, &str) -> bool| {
                let lacks = |wish: &&String| match wish.as_str() {
                    "*" => granted.is_empty(),
                    wish => !granted.iter().any(|grant| covers(grant, wish)),
                };
                let lacking: Vec<_> = asked.iter().filter(lacks).map(|wish| format!("\"{wish}\"")).collect();
                if !lacking.is_empty() {
                    missing.push(format!("{right} = [{}]", lacking.join(", ")));
                }
            };
        check("dial", &self.dial, &asked.dial, target_covers);
        check("http", &self.http, &asked.http, url_covers);
        check("helper", &self.helper, &asked.helper, name_covers);
        check("bus", &self.bus, &asked.bus, name_covers);
        if let Some(wish) = &asked.launch {
            let (to, app) = self.launch.as_ref().map_or((&[][..], &[][..]), |grant| (&grant.to, &grant.app));
            check("launch.to", to, &wish.to, target_covers);
            check("launch.app", app, &wish.app, name_covers);
        }
        if asked.record && !self.record {
            missing.push("record = true".into());
        }
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }
}

/// The rights of one version.
#[derive(Clone, Copy)]
pub(crate) struct Rights<'a> {
    /// Key in `jackfield.toml`.
    pub(crate) plugin: &'a str,
    pub(crate) asked: &'a Capabilities,
    pub(crate) granted: &'a Grant,
}

impl Rights<'_> {
    pub(crate) fn dial(self, target: &str) -> Result<(), Error> {
        self.check("dial", target, &self.asked.dial, &self.granted.dial, target_matches)
    }

    pub(crate) fn launch(self, target: &str, app: &str) -> Result<(), Error> {
        self.launch_to(target)?;
        let asked = self.asked.launch.as_ref().map_or(&[][..], |wish| &wish.app);
        let granted = self.granted.launch.as_ref().map_or(&[][..], |grant| &grant.app);
        self.check("launch.app", app, asked, granted, name_covers)
    }

    pub(crate) fn launch_to(self, target: &str) -> Result<(), Error> {
        let asked = self.asked.launch.as_ref().map_or(&[][..], |wish| &wish.to);
        let granted = self.granted.launch.as_ref().map_or(&[][..], |grant| &grant.to);
        self.check("launch.to", target, asked, granted, target_matches)
    }

    pub(crate) fn http(self, url: &str) -> Result<(), Error> {
        self.check("http", url, &self.asked.http, &self.granted.http, url_covers)
    }

    pub(crate) fn helper(self, name: &str) -> Result<(), Error> {
        self.check("helper", name, &self.asked.helper, &self.granted.helper, name_covers)
    }

    pub(crate) fn bus(self, plugin: &str) -> Result<(), Error> {
        self.check("bus", plugin, &self.asked.bus, &self.granted.bus, name_covers)
    }

    pub(crate) fn record(self) -> Result<(), Error> {
        if !self.asked.record {
            return Err(Error::Denied(
                "record: ask for it with `record = true` in [capabilities] of plugin.toml".into(),
            ));
        }
        if !self.granted.record {
            let plugin = self.plugin;
            return Err(Error::Denied(format!(
                "record: grant it with `record = true` in `grant` of [plugins.{plugin}] in jackfield.toml"
            )));
        }
        Ok(())
    }

    fn check(
        self,
        right: &str,
        thing: &str,
        asked: &[String],
        granted: &[String],
        matches: fn(&str, &str) -> bool,
    ) -> Result<(), Error> {
        if !asked.iter().any(|pattern| pattern == "*" || matches(pattern, thing)) {
            return Err(Error::Denied(format!(
                "{right} \"{thing}\": ask for it with `{right} = [\"{thing}\"]` in [capabilities] of plugin.toml"
            )));
        }
        if !granted.iter().any(|pattern| matches(pattern, thing)) {
            return Err(Error::Denied(format!(
                "{right} \"{thing}\": grant it with `{right} = [\"{thing}\"]` in `grant` of [plugins.{}] in \
                 jackfield.toml",
                self.plugin
            )));
        }
        Ok(())
    }
}

/// Names match themselves; `*` is every name.
fn name_covers(grant: &str, wish: &str) -> bool {
    grant == "*" || grant == wish
}

fn target_matches(pattern: &str, target: &str) -> bool {
    if is_number(pattern) {
        return pattern == "*"
            || (is_number(target) && !target.contains('X') && number_covers(pattern, target));
    }
    glob(pattern.as_bytes(), target.as_bytes())
}

/// Whether all that `wish` matches is matched by `grant` too.
fn target_covers(grant: &str, wish: &str) -> bool {
    match (is_number(grant), is_number(wish)) {
        (true, _) if grant == "*" => true,
        (true, true) => number_covers(grant, wish),
        (false, false) => glob(grant.as_bytes(), wish.as_bytes()),
        _ => false,
    }
}

fn is_number(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.bytes().all(|b| b.is_ascii_digit() || b"X*#+".contains(&b))
}

/// As the routes' patterns: `X` is any digit, `*` at the end any rest, and elsewhere the key.
fn number_covers(pattern: &str, number: &str) -> bool {
    if let Some(start) = pattern.strip_suffix('*') {
        let Some(head) = number.get(..start.len()) else { return false };
        return number_covers(start, head);
    }
    pattern.len() == number.len()
        && std::iter::zip(pattern.bytes(), number.bytes()).all(|(p, n)| match p {
            b'X' => n.is_ascii_digit() || n == b'X',
            p => p == n,
        })
}

/// A `*` stands for any characters within one part of a URI: it never passes an `@`, a parameter or a bracket,
/// behind which another host could follow.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => {
            let reach = text
                .iter()
                .position(|b| !b.is_ascii_graphic() || b"@;?<>\"\\".contains(b))
                .unwrap_or(text.len());
            (0..=reach).any(|n| glob(rest, &text[n..]))
        }
        Some((p, rest)) => text.first().is_some_and(|t| t.eq_ignore_ascii_case(p)) && glob(rest, &text[1..]),
    }
}

/// The same scheme and authority, and a path below the granted one.
fn url_covers(grant: &str, url: &str) -> bool {
    let (Some(grant), Some(url)) = (split_url(grant), split_url(url)) else { return false };
    let path = url.2.split(['?', '#']).next().unwrap_or_default();
    let climbs = path.to_ascii_lowercase().replace("%2e", ".").split('/').any(|part| part == "..");
    let below = match url.2.strip_prefix(grant.2) {
        Some(rest) => grant.2.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?', '#']),
        None => false,
    };
    grant.0.eq_ignore_ascii_case(url.0) && grant.1.eq_ignore_ascii_case(url.1) && below && !climbs
}

/// Scheme, authority and the rest from its slash on. None for what no URL of ours needs: user names, backslashes,
/// spaces.
fn split_url(url: &str) -> Option<(&str, &str, &str)> {
    if url.bytes().any(|b| !b.is_ascii_graphic() || b == b'\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    Some((scheme, authority, if path.is_empty() { "/" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_match_as_in_routes() {
        for (pattern, number) in
            [("101", "101"), ("10X", "109"), ("9*", "9"), ("9*", "91234"), ("*", "alice"), ("+33X*", "+331")]
        {
            assert!(target_matches(pattern, number), "{pattern} {number}");
        }
        for (pattern, number) in
            [("10X", "1011"), ("10X", "10X"), ("9*", "8"), ("10X", "sip:101@evil"), ("101", "0101")]
        {
            assert!(!target_matches(pattern, number), "{pattern} {number}");
        }
    }

    #[test]
    fn a_star_in_a_uri_does_not_reach_another_host() {
        assert!(target_matches("sip:*@office", "sip:200@office"));
        assert!(target_matches("sip:*@office", "SIP:200@Office"));
        assert!(target_matches("alice", "alice"));
        for target in [
            "sip:200@evil",
            "sip:200@evil;x=@office",
            "sip:200@evil?x=@office",
            "sip:200@evil@office",
            "sips:200@office",
        ] {
            assert!(!target_matches("sip:*@office", target), "{target}");
        }
        assert!(!target_matches("sip:200@office", "sip:200@office;maddr=evil"));
    }

    #[test]
    fn urls_are_granted_by_origin_and_path() {
        assert!(url_covers("https://api.example.com", "https://API.example.com/v1?x=1"));
        assert!(url_covers("https://api.example.com/v1", "https://api.example.com/v1/users"));
        for url in [
            "http://api.example.com/v1",
            "https://api.example.com.evil.org/v1",
            "https://api.example.com@evil.org/v1",
            "https://api.example.com/v12",
            "https://api.example.com/v1/../v2",
            "https://api.example.com/v1/%2E%2e/v2",
            "https://api.example.com:8443/v1",
        ] {
            assert!(!url_covers("https://api.example.com/v1", url), "{url}");
        }
    }

    #[test]
    fn a_grant_says_what_is_missing() {
        let grant = Grant { dial: vec!["10X".into()], ..Grant::default() };
        let asks = |dial: &[&str]| Capabilities {
            dial: dial.iter().map(|d| d.to_string()).collect(),
            ..Capabilities::default()
        };
        assert_eq!(grant.covers(&asks(&["10X", "103", "*"])), Ok(()));
        assert_eq!(grant.covers(&asks(&["1XX", "alice"])), Err(vec!["dial = [\"1XX\", \"alice\"]".into()]));
        assert_eq!(Grant::default().covers(&asks(&["*"])), Err(vec!["dial = [\"*\"]".into()]));
        let all = Capabilities {
            record: true,
            launch: Some(LaunchWish { to: vec!["9*".into()], app: vec!["ivr".into()] }),
            ..asks(&[])
        };
        let missing = grant.covers(&all).unwrap_err();
        assert_eq!(missing, ["launch.to = [\"9*\"]", "launch.app = [\"ivr\"]", "record = true"]);
    }

    #[test]
    fn a_refusal_names_the_right_and_where_to_grant_it() {
        let asked = Capabilities { dial: vec!["10X".into()], ..Capabilities::default() };
        let granted = Grant { dial: vec!["101".into()], ..Grant::default() };
        let rights = Rights { plugin: "ivr", asked: &asked, granted: &granted };
        assert_eq!(rights.dial("101"), Ok(()));
        let text = |target| rights.dial(target).unwrap_err().to_string();
        assert!(text("102").contains("`dial = [\"102\"]` in `grant` of [plugins.ivr]"), "{}", text("102"));
        assert!(text("200").contains("[capabilities] of plugin.toml"), "{}", text("200"));
    }
}
