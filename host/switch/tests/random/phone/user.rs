//! What people do with the random phones. Each act falls to one of the lines that it makes sense on, and
//! to none if there is none.

use std::{net::SocketAddr, time::Duration};

use super::{EXCHANGE, Line, Phones, Stage, outgoing::Purpose, session::Audio};
use crate::message::Draft;

impl Phones {
    /// One of the lines that `fits`.
    pub(crate) fn pick(&self, number: usize, fits: impl Fn(&Line) -> bool) -> Option<usize> {
        let lines: Vec<usize> = (0..self.lines.len()).filter(|line| fits(&self.lines[*line])).collect();
        lines.get(number % lines.len().max(1)).copied()
    }

    pub(crate) fn ringing(&self, number: usize) -> Option<usize> {
        self.pick(number, |line| !line.is_caller && line.stage == Stage::Calling)
    }

    pub(crate) fn up(&self, number: usize) -> Option<usize> {
        self.pick(number, |line| line.stage == Stage::Up)
    }

    // ---- callers

    /// Dials, with an offer of these payload types, or without one.
    pub(crate) fn dial(&mut self, phone: usize, number: &str, payloads: Option<&[u8]>) {
        let at = self.lines.len();
        let state = &self.all[phone];
        let target = format!("sip:{}@{EXCHANGE}", number.replace('#', "%23"));
        let local_tag = format!("caller{at}");
        let rtp = SocketAddr::new(state.flow.remote.ip(), 30_000 + 2 * at as u16);
        self.lines.push(Line {
            phone,
            is_caller: true,
            call_id: format!("call{at}"),
            local: format!("\"{0}\" <sip:{0}@{EXCHANGE}>;tag={local_tag}", state.user),
            remote: format!("<{target}>"),
            local_tag,
            remote_tag: None,
            target,
            cseq: 0,
            their_cseq: None,
            stage: Stage::Calling,
            invite: None,
            has_logged_in: false,
            server: None,
            wants_end: false,
            ack_after: Duration::ZERO,
            unacked: None,
            retry: None,
            audio: Audio::new(rtp),
            is_excused: state.is_unplugged,
        });
        let offer = payloads.map(|payloads| self.lines[at].audio.offer(payloads));
        let key = self.ask(at, "INVITE", Purpose::Call, offer.as_ref(), &[]);
        self.lines[at].invite = Some(key);
    }

    /// Gives up a call that has not been answered: now, or as soon as that is allowed.
    pub(crate) fn cancel(&mut self, number: usize) {
        let Some(line) = self.pick(number, |line| line.is_caller && line.stage == Stage::Calling) else {
            return;
        };
        self.lines[line].wants_end = true;
        self.cancel_now(line);
    }

    pub(super) fn cancel_now(&mut self, line: usize) {
        let state = &self.lines[line];
        let Some(invite) = state.invite else { return };
        let is_sent = self.clients.contains_key(&(invite.0, "CANCEL"));
        if is_sent || !self.clients.get(&invite).is_some_and(|client| client.is_cancellable()) {
            return;
        }
        let cancel = Draft::request("CANCEL", &state.target)
            .header("Via", self.via(state.phone, invite.0))
            .header("Max-Forwards", 70)
            .header("From", &state.local)
            .header("To", &state.remote)
            .header("Call-ID", &state.call_id)
            .header("CSeq", format_args!("{} CANCEL", state.cseq))
            .bytes(None);
        self.open((state.phone, Some(line)), (invite.0, "CANCEL"), Purpose::Other, cancel);
    }

    // ---- callees

    pub(crate) fn ring(&mut self, number: usize) {
        let server = self.ringing(number).and_then(|line| self.lines[line].server);
        if let Some(server) = server {
            self.respond(server, 180, None);
        }
    }

    /// 183 or 200, with the answer.
    pub(crate) fn answer(&mut self, number: usize, status: u16) {
        let Some(line) = self.ringing(number) else { return };
        let Some(server) = self.lines[line].server else { return };
        let said = self.lines[line].audio.agreed.as_ref().map(|agreed| agreed.ours.clone());
        let answer = said.or_else(|| {
            let invite = self.servers[server].request.clone();
            let theirs = self.see(line, &invite)?;
            self.lines[line].audio.answer(&theirs)
        });
        let Some(answer) = answer else {
            self.lines[line].stage = Stage::Over;
            return self.respond(server, 488, None);
        };
        if status >= 200 {
            self.lines[line].stage = Stage::Up;
        }
        self.respond(server, status, Some(&answer));
    }

    pub(crate) fn refuse(&mut self, number: usize, status: u16) {
        let Some(line) = self.ringing(number) else { return };
        self.lines[line].stage = Stage::Over;
        if let Some(server) = self.lines[line].server {
            self.respond(server, status, None);
        }
    }

    // ---- both

    pub(crate) fn hang_up(&mut self, number: usize) {
        if let Some(line) = self.up(number) {
            self.bye(line);
        }
    }

    /// BYE: now, or after the ACK that is due (RFC 3261 15).
    pub(super) fn bye(&mut self, line: usize) {
        let state = &mut self.lines[line];
        if state.stage == Stage::Over {
            return;
        }
        state.wants_end = true;
        let waits_for_ack = state.server.is_some_and(|server| !self.servers[server].is_acked);
        let state = &mut self.lines[line];
        if waits_for_ack || state.unacked.is_some() {
            return;
        }
        state.stage = Stage::Over;
        state.audio.offered = None;
        // A 2xx to a re-INVITE that was lost is not said again once the dialog is over.
        for ((_, method), client) in &mut self.clients {
            client.is_excused |= client.line == Some(line) && *method == "INVITE";
        }
        self.ask(line, "BYE", Purpose::Bye, None, &[]);
    }

    /// BYE in a call that is over and of which nothing is under way.
    pub(crate) fn bye_again(&mut self, number: usize, is_quiet: impl Fn(&Line) -> bool) {
        let over = |line: &Line| {
            line.stage == Stage::Over && line.remote_tag.is_some() && !line.is_excused && is_quiet(line)
        };
        let line = self.pick(number, over);
        if let Some(line) = line.filter(|line| self.is_at_rest(*line)) {
            self.ask(line, "BYE", Purpose::SecondBye, None, &[]);
        }
    }

    /// A re-INVITE or UPDATE, with an offer of the direction that the user wants.
    pub(super) fn reoffer(&mut self, line: usize, is_update: bool) {
        let waits_for_ack = self.lines[line].server.is_some_and(|server| !self.servers[server].is_acked);
        if self.lines[line].stage != Stage::Up || waits_for_ack || !self.is_at_rest(line) {
            return;
        }
        let offer = self.lines[line].audio.offer(&[8, 0, 101]);
        let method = if is_update { "UPDATE" } else { "INVITE" };
        self.ask(line, method, Purpose::Reoffer(Some(offer.clone())), Some(&offer), &[]);
    }

    /// Holds, resumes, or moves to another port.
    pub(crate) fn change(&mut self, number: usize, is_update: bool, direction: &'static str, moves: bool) {
        let Some(line) = self.up(number).filter(|line| self.is_at_rest(*line)) else { return };
        let audio = &mut self.lines[line].audio;
        audio.direction = direction;
        if moves {
            let port = audio.rtp.port();
            audio.rtp.set_port(port ^ 0x1000);
        }
        self.reoffer(line, is_update);
    }

    /// A re-INVITE without an offer: the exchange is to make one.
    pub(crate) fn ask_for_offer(&mut self, number: usize) {
        let Some(line) = self.up(number).filter(|line| self.is_at_rest(*line)) else { return };
        let waits_for_ack = self.lines[line].server.is_some_and(|server| !self.servers[server].is_acked);
        if !waits_for_ack {
            self.ask(line, "INVITE", Purpose::Reoffer(None), None, &[]);
        }
    }

    /// INFO, OPTIONS or an UPDATE without offer.
    pub(crate) fn inquire(&mut self, number: usize, method: &'static str) {
        if let Some(line) = self.up(number).filter(|line| self.is_at_rest(*line)) {
            self.ask(line, method, Purpose::Other, None, &[]);
        }
    }

    /// REFER to a number, or to whoever is on the other end of another line of the phone.
    pub(crate) fn refer(&mut self, number: usize, other: Option<usize>, target: &str) {
        let Some(line) = self.up(number).filter(|line| self.is_at_rest(*line)) else { return };
        let (phone, call_id) = (self.lines[line].phone, self.lines[line].call_id.clone());
        let second = other.and_then(|other| {
            self.pick(other, |second| {
                second.phone == phone && second.stage != Stage::Over && second.call_id != call_id
            })
        });
        let refer_to = match second.map(|second| &self.lines[second]) {
            Some(Line { call_id, local_tag, remote_tag: Some(theirs), .. }) => format!(
                "<sip:whoever@{EXCHANGE}?Replaces={call_id}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{local_tag}>"
            ),
            _ => format!("<sip:{}@{EXCHANGE}>", target.replace('#', "%23")),
        };
        self.ask(line, "REFER", Purpose::Other, None, &[("Refer-To", refer_to)]);
    }

    /// Every user hangs up, and nobody rings any more.
    pub(crate) fn all_hang_up(&mut self) {
        for line in 0..self.lines.len() {
            match (self.lines[line].stage, self.lines[line].is_caller) {
                (Stage::Up, _) => self.bye(line),
                (Stage::Calling, true) => {
                    self.lines[line].wants_end = true;
                    self.cancel_now(line);
                }
                (Stage::Calling, false) => {
                    self.lines[line].stage = Stage::Over;
                    if let Some(server) = self.lines[line].server {
                        self.respond(server, 480, None);
                    }
                }
                (Stage::Over, _) => {}
            }
        }
    }

    /// Requests that have had no final response, and responses without ACK.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let clients = self.clients.iter().filter(|(_, client)| client.status.is_none() && !client.is_excused);
        clients
            .map(|(key, client)| format!("{key:?} of phone {} ({:?})", client.phone, client.purpose))
            .collect()
    }
}
