//! `jackfield.toml`, and the settings of the plugins `tts` and `campaign`.

use std::{collections::BTreeSet, fmt::Write};

use jackfield_plugin::CONTRACT;

use super::{
    super::plan::{Plan, Route, RouteTo, compressed},
    menus::dialled,
    toml::{key, list, text, time},
};
use crate::config::Media;

/// `jackfield.toml`
pub(super) fn exchange(plan: &Plan) -> String {
    let mut file = String::from(
        "# Imported; report.txt beside it says what was changed on the way.\n[exchange]\nrealm = \"jackfield\"\n",
    );
    file += &listen(plan);
    file += &media(plan);
    for (name, user) in &plan.users {
        let _ = write!(file, "\n[users.{}]\n", key(name));
        let fields = [
            ("number", user.number.as_deref()),
            ("name", user.display.as_deref()),
            ("dtmf", user.dtmf),
            ("srtp", user.srtp),
        ];
        for (field, value) in fields.into_iter().filter_map(|(field, value)| Some(field).zip(value)) {
            let _ = writeln!(file, "{field} = {}", text(value));
        }
    }
    for (name, addresses) in &plan.peers {
        let addresses = addresses.iter().map(ToString::to_string);
        let _ = write!(file, "\n[peers.{}]\naddresses = {}\n", key(name), list(addresses));
    }
    if !plan.routes.is_empty() {
        file += "\n[routes]\n";
    }
    for (pattern, route) in &plan.routes {
        let _ = writeln!(file, "{} = {}", text(pattern), route_of(route));
    }
    file + &plugins(plan)
}

fn listen(plan: &Plan) -> String {
    let listen = &plan.listen;
    if listen.udp.is_empty() && listen.tcp.is_empty() && listen.tls.is_empty() {
        return "\n[listen]\nudp = \"0.0.0.0:5060\"\ntcp = \"0.0.0.0:5060\"\ntls = \"0.0.0.0:5061\"\n"
            .to_owned();
    }
    let mut lines = String::from("\n[listen]\n");
    for (transport, addresses) in [("udp", &listen.udp), ("tcp", &listen.tcp), ("tls", &listen.tls)] {
        if !addresses.is_empty() {
            let _ = writeln!(lines, "{transport} = {}", list(addresses.iter().map(ToString::to_string)));
        }
    }
    if !listen.external.is_empty() {
        let _ = writeln!(lines, "external = {}", list(listen.external.iter().map(ToString::to_string)));
    }
    if !listen.local_nets.is_empty() {
        let _ = writeln!(lines, "local-nets = {}", list(listen.local_nets.iter().map(ToString::to_string)));
    }
    lines
}

fn media(plan: &Plan) -> String {
    let usual = Media::default().ports;
    let is_taken = plan.listen.udp.iter().any(|address| usual.contains(address.port()));
    let mut lines = String::new();
    if !plan.codecs.is_empty() {
        let _ = writeln!(lines, "codecs = {}", list(&plan.codecs));
    }
    if is_taken {
        lines += "ports = \"30000-39999\"\n";
    }
    if lines.is_empty() { lines } else { format!("\n[media]\n{lines}") }
}

fn route_of(route: &Route) -> String {
    let mut parts = vec![match &route.to {
        RouteTo::AnyUser => "user = \"*\"".to_owned(),
        RouteTo::Users(users) => match &users[..] {
            [user] => format!("user = {}", text(user)),
            users => format!("users = {}", list(users)),
        },
        RouteTo::App(name) => format!("plugin = {}", text(name)),
        RouteTo::Sip(uri) => format!("sip = {}", text(uri)),
    }];
    parts.extend(route.ring.map(|ring| format!("ring = {}", time(ring))));
    parts.extend(route.fallback.as_ref().map(|fallback| format!("fallback = {}", text(fallback))));
    format!("{{ {} }}", parts.join(", "))
}

fn plugins(plan: &Plan) -> String {
    if plan.apps.is_empty() {
        return String::new();
    }
    let mut lines = String::from(
        "\n[speech]\nprovider = \"tts\"\n\n[helpers.espeak-ng]\ncommand = [\"espeak-ng\", \"--stdin\", \"--stdout\"]\n",
    );
    for (name, flow) in &plan.apps {
        let _ = write!(lines, "\n[plugins.{}]\npath = {}\n", key(name), text(&format!("plugins/{name}")));
        let dialled = dialled(flow);
        if !dialled.is_empty() {
            let _ = writeln!(lines, "grant = {{ dial = {} }}", list(dialled));
        }
    }
    lines += "\n[plugins.tts]\npath = \"plugins/tts\"\ngrant = { helper = [\"espeak-ng\"] }\n";
    if !plan.campaigns.is_empty() {
        let apps: BTreeSet<&str> = plan.campaigns.values().map(|campaign| campaign.app.as_str()).collect();
        let _ = write!(
            lines,
            "\n[plugins.campaign]\npath = \"plugins/campaign\"\n\
             grant = {{ launch = {{ to = {}, app = {}, at-once = 2, per-second = 1 }} }}\n",
            list(called(plan)),
            list(apps)
        );
    }
    lines
}

/// Whom campaigns may call: their contacts, or the users where no contact is known yet.
fn called(plan: &Plan) -> Vec<String> {
    let numbers: Vec<String> =
        plan.campaigns.values().flat_map(|campaign| &campaign.numbers).cloned().collect();
    let numbers = compressed(&numbers);
    if !numbers.is_empty() {
        return numbers;
    }
    let users: Vec<String> = plan.users.values().filter_map(|user| user.number.clone()).collect();
    if users.is_empty() { vec!["10X".to_owned()] } else { compressed(&users) }
}

/// `plugin.toml` of the voice.
pub(super) fn tts(plan: &Plan) -> String {
    let language =
        plan.apps.values().map(|flow| flow.language.as_str()).find(|language| !language.is_empty());
    format!(
        "# The voice: espeak-ng, as jackfield.toml defines it.\n[plugin]\nname = \"tts\"\nversion = \"1.0.0\"\n\
         wit = \"{CONTRACT}\"\ncomponent = \"tts.wasm\"\nkind = [\"tts\"]\n\n[capabilities]\nhelper = [\"espeak-ng\"]\n\n\
         [limits]\ncpu-event = \"200ms\"\n\n[config]\nhelper = \"espeak-ng\"\nlanguage = {}\nrate = 150\n\
         voices = {{ fr = \"fr\", en = \"en-gb\" }}\n",
        text(language.unwrap_or("en"))
    )
}

/// `plugin.toml` of the dialler.
pub(super) fn campaigns(plan: &Plan) -> String {
    let apps: BTreeSet<&str> = plan.campaigns.values().map(|campaign| campaign.app.as_str()).collect();
    let mut file = format!(
        "# The campaigns: jackfield campaign start NAME campaigns/NAME.csv\n[plugin]\nname = \"campaign\"\n\
         version = \"1.0.0\"\nwit = \"{CONTRACT}\"\ncomponent = \"campaign.wasm\"\nkind = [\"service\"]\n\n\
         [capabilities]\nlaunch = {{ to = [\"*\"], app = {} }}\n",
        list(apps)
    );
    for (name, campaign) in &plan.campaigns {
        let _ = write!(file, "\n[config.campaigns.{}]\napp = {}\n", key(name), text(&campaign.app));
        if let Some(caller) = &campaign.caller {
            let _ = writeln!(file, "caller = {}", text(caller));
        }
        if let Some(name) = &campaign.caller_name {
            let _ = writeln!(file, "caller-name = {}", text(name));
        }
        let _ = writeln!(file, "retries = {}", campaign.retries);
        let _ = writeln!(file, "retry-time = {}   # from start to start", time(campaign.retry_time));
        let _ = writeln!(file, "wait-time = {}   # how long it rings", time(campaign.wait_time));
    }
    file
}
