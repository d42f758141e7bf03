//! `pjsip.conf`: who has a phone, which exchanges are beside this one, where it listens.

mod transport;

use super::{
    file::{Entry, Section, shortened},
    phones::{Phones, Trunk},
};
use crate::{
    config::{Network, is_name, is_number},
    import::{
        plan::{Plan, User},
        report::Report,
    },
};

/// Shorter passwords are guessed.
const SHORTEST_PASSWORD: usize = 10;

/// Settings of an endpoint that Jackfield sees to by itself, or that mean nothing to it.
#[rustfmt::skip]
const BY_ITSELF: &[&str] = &[
    "type", "transport", "context", "auth", "aors", "outbound_auth", "disallow", "allow", "callerid",
    "dtmf_mode", "media_encryption", "media_encryption_optimistic", "direct_media", "rtp_symmetric",
    "force_rport", "rewrite_contact", "ice_support", "identify_by", "timers", "timers_sess_expires",
    "timers_min_se", "trust_id_inbound", "send_pai", "send_rpid", "from_user", "from_domain", "language",
    "rtp_timeout", "use_avpf", "rtcp_mux", "allow_transfer", "send_connected_line", "user_eq_phone",
    "inband_progress",
];

/// Reads the sections into phones, and the rest into the plan.
pub fn read(sections: &[Section], plan: &mut Plan, report: &mut Report) -> Phones {
    let phones = Phones { has_file: true, ..Phones::default() };
    let mut reader = Reader { sections, plan, report, phones };
    for section in sections {
        reader.section(section);
    }
    reader.codecs();
    reader.audio_in_clear();
    reader.phones
}

struct Reader<'a> {
    sections: &'a [Section],
    plan: &'a mut Plan,
    report: &'a mut Report,
    phones: Phones,
}

impl<'a> Reader<'a> {
    fn section(&mut self, section: &'a Section) {
        let place = &section.place;
        let Some(kind) = section.text("type") else {
            let text = format!("[{}] has no `type`: Asterisk does not read it", section.name);
            self.report.defect(place, text);
            return;
        };
        match kind.to_ascii_lowercase().as_str() {
            "endpoint" => self.endpoint(section),
            "transport" => self.transport(section),
            "auth" => self.auth(section),
            "registration" => {
                let server = section.text("server_uri").unwrap_or("a provider");
                let text =
                    format!("the registration at {server}: Jackfield takes calls of [peers] by address");
                self.report.not_carried(place, text);
            }
            "identify" => self.identify(section),
            "aor" | "global" | "system" | "contact" => {}
            other => self.report.not_carried(place, format!("[{}], of the type {other}", section.name)),
        }
    }

    fn named(&self, name: &str, kind: &str) -> Option<&'a Section> {
        let is = |section: &&Section| {
            section.name == name && section.text("type").is_some_and(|own| own.eq_ignore_ascii_case(kind))
        };
        self.sections.iter().rfind(is)
    }

    fn endpoint(&mut self, section: &'a Section) {
        let name = &section.name;
        if let Some(context) = section.get("context") {
            self.phones.contexts.push((context.value.clone(), context.place.clone()));
        }
        if self.phones.users.contains_key(name) || self.phones.trunks.contains_key(name) {
            let text = format!("there is an endpoint [{name}] already: Asterisk does not read this one");
            self.report.defect(&section.place, text);
            return;
        }
        let aors = section.text("aors").unwrap_or_default().split(',').map(str::trim);
        let aors: Vec<&Section> = aors.filter_map(|aor| self.named(aor, "aor")).collect();
        let contact = aors.iter().find_map(|aor| aor.get("contact"));
        let identified = self
            .sections
            .iter()
            .any(|other| other.text("type") == Some("identify") && other.text("endpoint") == Some(name));
        let is_trunk = contact.is_some() || section.get("outbound_auth").is_some() || identified;
        if is_trunk && section.get("auth").is_none() {
            self.trunk(section, contact);
        } else {
            self.user(section, !aors.is_empty());
        }
    }

    fn trunk(&mut self, section: &Section, contact: Option<&Entry>) {
        let name = &section.name;
        let host = contact.map(|contact| {
            let uri = contact.value.trim_start_matches("sips:").trim_start_matches("sip:");
            let host = uri.rsplit_once('@').map_or(uri, |(_, host)| host);
            host.split([';', '?']).next().unwrap_or(host).to_owned()
        });
        if let Some(auth) = section.get("outbound_auth") {
            let text = format!("the login of the trunk `{name}` elsewhere: it must know us by our address");
            self.report.not_carried(&auth.place, text);
        }
        self.report.carried(&section.place, format!("the trunk `{name}`, as far as routes lead to it"));
        self.phones.trunks.insert(name.clone(), Trunk { host });
    }

    fn user(&mut self, section: &'a Section, has_aor: bool) {
        let (name, place) = (&section.name, &section.place);
        if !is_name(name) {
            self.report.not_carried(place, format!("`{}` cannot be the name of a user", shortened(name)));
            return;
        }
        if !has_aor {
            let aor = section.text("aors").map_or("no `aors`".to_owned(), |aor| format!("no aor [{aor}]"));
            let text = format!("the endpoint `{name}` has {aor}: its phone cannot register in Asterisk");
            self.report.defect(place, text);
        }
        let (display, number) = section.text("callerid").map_or((None, None), caller);
        let password = self.password(section);
        let user = User {
            number: number.filter(|number| is_number(number)),
            display,
            dtmf: section.get("dtmf_mode").and_then(|entry| self.dtmf(entry)),
            srtp: section.get("media_encryption").and_then(|entry| self.srtp(section, entry)),
            password,
        };
        for entry in &section.entries {
            if !BY_ITSELF.iter().any(|known| entry.name.eq_ignore_ascii_case(known)) {
                self.report.not_carried(&entry.place, format!("`{}` of `{name}`", shortened(&entry.name)));
            }
        }
        self.report.carried(place, format!("the user `{name}`"));
        self.phones.places.insert(name.clone(), place.clone());
        self.phones.users.insert(name.clone(), user);
    }

    /// The plain-text password of an endpoint.
    fn password(&mut self, section: &'a Section) -> Option<String> {
        let name = &section.name;
        let Some(auth) = section.get("auth") else {
            let text =
                format!("the endpoint `{name}` has no `auth`: whoever knows its name calls as `{name}`");
            self.report.defect(&section.place, text + "; here it gets a password");
            return None;
        };
        let Some(found) = self.named(auth.value.trim(), "auth") else {
            let text = format!("there is no auth [{}]: `{name}` cannot log in", auth.value);
            self.report.defect(&auth.place, text);
            return None;
        };
        if let Some(login) = found.get("username").filter(|login| login.value != *name) {
            let text = format!("`{name}` logs in as `{}` in Asterisk, and as `{name}` here", login.value);
            self.report.changed(&login.place, text);
        }
        if let Some(digest) = found.get("md5_cred").or_else(|| found.get("password_digest")) {
            let text =
                format!("the password of `{name}`: its digest is of another realm, so a new one is made");
            self.report.not_carried(&digest.place, text);
        }
        found.text("password").filter(|password| !password.is_empty()).map(str::to_owned)
    }

    fn auth(&mut self, section: &Section) {
        let Some(password) = section.get("password").filter(|password| !password.value.is_empty()) else {
            if section.get("md5_cred").is_none() && section.get("password_digest").is_none() {
                let text = format!("the auth [{}] has no password", section.name);
                self.report.defect(&section.place, text);
            }
            return;
        };
        let text = "a password in plain text: whoever reads the file can call; Jackfield keeps digests only";
        self.report.defect(&password.place, text);
        let login = section.text("username").unwrap_or_default();
        let value = password.value.as_str();
        if value.len() < SHORTEST_PASSWORD || value == login || value == section.name {
            let text =
                format!("the password of [{}] is easily guessed; `jackfield user add NAME`", section.name);
            self.report.defect(&password.place, text + " makes a new one");
        }
    }

    fn dtmf(&mut self, entry: &Entry) -> Option<&'static str> {
        match entry.value.to_ascii_lowercase().as_str() {
            "info" => Some("info"),
            "inband" => Some("inband"),
            "rfc4733" | "rfc2833" => Some("rfc4733"),
            "auto" | "auto_info" => None,
            other => {
                self.report.defect(&entry.place, format!("`{}` is no dtmf_mode", shortened(other)));
                None
            }
        }
    }

    fn srtp(&mut self, section: &Section, entry: &Entry) -> Option<&'static str> {
        let is_optional = section.text("media_encryption_optimistic").is_some_and(is_yes);
        match entry.value.to_ascii_lowercase().as_str() {
            "sdes" if is_optional => None,
            "sdes" => Some("required"),
            "no" => None,
            "dtls" => {
                let text = "media_encryption=dtls, of browsers: SRTP is offered with keys in the signalling";
                self.report.not_carried(&entry.place, text);
                None
            }
            other => {
                self.report.defect(&entry.place, format!("`{}` is no media_encryption", shortened(other)));
                None
            }
        }
    }

    /// `match` of an endpoint's addresses.
    fn identify(&mut self, section: &Section) {
        let name = section.text("endpoint").unwrap_or(&section.name).to_owned();
        for entry in section.entries.iter().filter(|entry| entry.name.eq_ignore_ascii_case("match")) {
            for address in entry.value.split(',').map(str::trim) {
                let known = self.plan.peers.values().flatten();
                match address.parse::<Network>() {
                    Ok(network) if known.into_iter().any(|known| *known == network) => {
                        let text = format!("`{address}` is the address of another endpoint already");
                        self.report.defect(&entry.place, text);
                    }
                    Ok(network) => {
                        self.plan.peers.entry(name.clone()).or_default().push(network);
                        let text = format!("calls from {address}, as those of the peer `{name}`");
                        self.report.carried(&entry.place, text);
                        let text = format!(
                            "whoever calls from {address} needs no password and may dial every number here, those \
                             that lead outside too: in Asterisk only those of its context"
                        );
                        self.report.changed(&entry.place, text);
                    }
                    Err(_) => {
                        let text = format!("`{address}` is no address; name it in [peers.{name}] addresses");
                        self.report.not_carried(&entry.place, text);
                    }
                }
            }
        }
    }
}

fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "on" | "1")
}

/// `"Name" <number>`: what is shown, and the number.
pub fn caller(text: &str) -> (Option<String>, Option<String>) {
    let plain = |text: &str| {
        let text = text.trim().trim_matches('"').trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    match text.split_once('<') {
        Some((name, number)) => (plain(name), plain(number.split('>').next().unwrap_or_default())),
        None if text.trim().chars().all(|c| c.is_ascii_digit() || c == '+') => (None, plain(text)),
        None => (plain(text), None),
    }
}

#[cfg(test)]
mod tests;
