//! Where an exchange listens, and what is so for all of its phones.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::{
    super::file::{Entry, Section, shortened},
    Reader,
};
use crate::{config::Network, import::report::Place};

impl Reader<'_> {
    pub(super) fn transport(&mut self, section: &Section) {
        let place = &section.place;
        let protocol = section.text("protocol").unwrap_or("udp").to_ascii_lowercase();
        let port = if protocol == "tls" { 5061 } else { 5060 };
        let bind = section.text("bind").unwrap_or("0.0.0.0");
        let Some(address) = address(bind, port) else {
            self.report.defect(place, format!("`{bind}` is no address to listen on"));
            return;
        };
        let listen = &mut self.plan.listen;
        let is_taken = match protocol.as_str() {
            "tcp" => listen.tls.contains(&address),
            "tls" => listen.tcp.contains(&address),
            _ => false,
        };
        if is_taken {
            let text = format!("TCP and TLS both listen on {address}: this one cannot");
            self.report.defect(place, text);
            return;
        }
        let list = match protocol.as_str() {
            "udp" => &mut listen.udp,
            "tcp" => &mut listen.tcp,
            "tls" => &mut listen.tls,
            other => {
                self.report.not_carried(place, format!("the transport [{}]: {other}", section.name));
                return;
            }
        };
        if !list.contains(&address) {
            list.push(address);
        }
        self.report.carried(place, format!("listening on {address}, {protocol}"));
        for entry in &section.entries {
            match entry.name.to_ascii_lowercase().as_str() {
                "external_media_address" | "external_signaling_address" => self.external(entry),
                "local_net" => match entry.value.parse::<Network>() {
                    Ok(net) if self.plan.listen.local_nets.contains(&net) => {}
                    Ok(net) => self.plan.listen.local_nets.push(net),
                    Err(why) => self.report.defect(&entry.place, why),
                },
                "cert_file" => {
                    let text =
                        "the certificate: name it in [listen] certificate and key, or an own one is made";
                    self.report.not_carried(&entry.place, text);
                }
                _ => {}
            }
        }
    }

    fn external(&mut self, entry: &Entry) {
        let external = &mut self.plan.listen.external;
        match entry.value.parse::<IpAddr>() {
            Ok(address) if external.contains(&address) => {}
            Ok(address) if external.iter().all(|other| other.is_ipv4() != address.is_ipv4()) => {
                external.push(address);
            }
            Ok(_) => self.report.not_carried(&entry.place, "a second external address"),
            Err(_) => {
                let text = "an external address by name: write the address, or `stun` in [listen]";
                self.report.not_carried(&entry.place, text);
            }
        }
    }

    /// Codecs are those of the whole exchange here: whatever any endpoint allows.
    pub(super) fn codecs(&mut self) {
        let mut unknown: BTreeMap<String, &Place> = BTreeMap::new();
        let endpoints = self.sections.iter().filter(|section| section.text("type") == Some("endpoint"));
        for entry in endpoints.flat_map(|section| &section.entries) {
            if !entry.name.eq_ignore_ascii_case("allow") {
                continue;
            }
            for codec in entry.value.split(',').map(|codec| codec.trim().to_ascii_lowercase()) {
                let name = match codec.trim_start_matches('!') {
                    "alaw" => "pcma",
                    "ulaw" => "pcmu",
                    "g722" => "g722",
                    "opus" => "opus",
                    "all" | "" => continue,
                    other => {
                        unknown.entry(other.to_owned()).or_insert(&entry.place);
                        continue;
                    }
                };
                if !codec.starts_with('!') && !self.plan.codecs.contains(&name) {
                    self.plan.codecs.push(name);
                }
            }
        }
        for (codec, place) in unknown {
            self.report.not_carried(place, format!("the codec {}", shortened(&codec)));
        }
    }

    /// TLS protects the signalling alone.
    pub(super) fn audio_in_clear(&mut self) {
        let is_tls = |section: &&Section| section.text("protocol").is_some_and(|protocol| protocol == "tls");
        let Some(tls) = self.sections.iter().find(is_tls) else { return };
        let is_clear = |section: &Section| {
            section.text("type") == Some("endpoint")
                && section.text("media_encryption").is_none_or(|value| value.eq_ignore_ascii_case("no"))
        };
        let clear = self.sections.iter().filter(|section| is_clear(section)).count();
        if clear > 0 {
            let text = format!(
                "TLS without SRTP: the voices of {clear} endpoints go in clear (media_encryption=no); here SRTP is \
                 offered to every phone, and `srtp = \"required\"` asks for it"
            );
            self.report.defect(&tls.place, text);
        }
    }
}

/// `0.0.0.0`, `0.0.0.0:5060`, `[::]:5060`
fn address(text: &str, port: u16) -> Option<SocketAddr> {
    let ip = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let ip = ip.or_else(|| text.is_empty().then_some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    text.parse().ok().or_else(|| ip.map(|ip| SocketAddr::new(ip, port)))
}
