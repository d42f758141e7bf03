//! What must be so, seen from outside: on the wire, in the media, and in what the switch writes down.

use std::collections::{BTreeMap, BTreeSet};

use jackfield_media::{self as media, Codec, LegId, Params, PortId, WorkerId};
use jackfield_sip::{Flow, FlowId};
use jackfield_switch::{CallRecord, Time};

use crate::{
    common::{Media, Sound, port_of},
    fault::Fault,
    message::Message,
    phone::{Agreed, LIFE, T1, T2},
};

#[derive(Default)]
pub(crate) struct Judge {
    /// Legs that are open at the workers.
    legs: BTreeMap<LegId, (WorkerId, PortId)>,
    ports: BTreeMap<PortId, (WorkerId, LegId, Option<Params>)>,
    /// Requests of the exchange that have had no final response: by branch and method, the Call-ID.
    asked: BTreeMap<String, String>,
    /// 2xx of the exchange without ACK, by Call-ID and CSeq.
    accepted: BTreeMap<(String, u32), Accepted>,
    acked: BTreeSet<(String, u32)>,
    calls: BTreeSet<String>,
    records: BTreeSet<String>,
    pub(crate) faults: Vec<Fault>,
}

struct Accepted {
    flow: FlowId,
    first: Time,
    last: Time,
    count: u32,
}

impl Judge {
    fn fault(&mut self, rule: &'static str, text: String) {
        self.faults.push(Fault { rule, text });
    }

    // ---- signalling

    /// The exchange says something.
    pub(crate) fn said(&mut self, now: Time, flow: &Flow, message: &Message) {
        let (cseq, method) = message.cseq();
        let call = message.call_id();
        match (message.method(), message.status()) {
            (Some("ACK"), _) => {}
            (Some(method), _) => {
                self.asked.insert(format!("{} {method}", message.branch()), call.to_owned());
                if method == "BYE" {
                    self.accepted.retain(|(of, _), _| of != call);
                }
            }
            (None, Some(200..300)) if method == "INVITE" => {
                self.accepts(now, flow.id, (call.to_owned(), cseq))
            }
            _ => {}
        }
    }

    fn accepts(&mut self, now: Time, flow: FlowId, key: (String, u32)) {
        if self.acked.contains(&key) {
            return self.fault("a 2xx is not said again after its ACK", format!("{key:?}"));
        }
        let new = Accepted { flow, first: now, last: now, count: 0 };
        let accepted = self.accepted.entry(key).or_insert(new);
        accepted.last = now;
        accepted.count += 1;
    }

    /// Something reaches the exchange.
    pub(crate) fn heard(&mut self, message: &Message) {
        let (cseq, method) = message.cseq();
        match (message.method(), message.status()) {
            (Some("ACK"), _) => {
                let key = (message.call_id().to_owned(), cseq);
                if self.accepted.remove(&key).is_some() {
                    self.acked.insert(key);
                }
            }
            (Some("BYE"), _) => self.accepted.retain(|(call, _), _| call != message.call_id()),
            (None, Some(200..)) => drop(self.asked.remove(&format!("{} {method}", message.branch()))),
            _ => {}
        }
    }

    pub(crate) fn closed(&mut self, flow: FlowId) {
        self.accepted.retain(|_, accepted| accepted.flow != flow);
    }

    /// RFC 3261 13.3.1.4: a 2xx is said again, at T1, then twice as late up to T2, until its ACK or 64*T1.
    pub(crate) fn look_at_answers(&mut self, now: Time) {
        let mut late = Vec::new();
        self.accepted.retain(|key, accepted| {
            let wait = T2.min(T1 * 2u32.pow(accepted.count.clamp(1, 5) - 1));
            let is_late = now > accepted.last + wait && now < accepted.first + LIFE;
            if is_late {
                late.push(format!("{key:?}: {} times, last at {:?}", accepted.count, accepted.last));
            }
            now < accepted.first + LIFE
        });
        late.into_iter().for_each(|text| self.fault("a 2xx is said again until its ACK", text));
    }

    /// Nobody waits for an answer of the call's phone, or for its ACK.
    pub(crate) fn is_at_rest(&self, call: &str) -> bool {
        !self.asked.values().any(|of| of == call) && !self.accepted.keys().any(|(of, _)| of == call)
    }

    // ---- media

    pub(crate) fn media(&mut self, event: &Media) -> Option<Sound> {
        match event {
            Media::Command(worker, command) => self.commanded(*worker, command),
            Media::Move(leg, from, to) => self.handed_over(*leg, *from, *to),
            Media::Sound(sound) => {
                if self.ports.get(&sound.port).is_none_or(|(worker, ..)| *worker != sound.worker) {
                    self.fault(
                        "no packet leaves by the socket of a leg that is closed, or of another worker",
                        format!("{sound:?}"),
                    );
                }
                return Some(*sound);
            }
        }
        None
    }

    fn commanded(&mut self, worker: WorkerId, command: &media::Command) {
        use media::Command::*;
        match command {
            Open { leg, port, params } => {
                if self.legs.insert(*leg, (worker, *port)).is_some() {
                    self.fault("a leg is opened once", format!("{leg:?}"));
                }
                if let Some((_, other, _)) = self.ports.insert(*port, (worker, *leg, params.clone())) {
                    self.fault("a socket has one leg", format!("{port:?}: {other:?} and {leg:?}"));
                }
            }
            Update { leg, params } => match self.place(*leg, worker) {
                Some(port) => drop(self.ports.insert(port, (worker, *leg, Some(params.clone())))),
                None => self.fault("only open legs are told of media", format!("{command:?}")),
            },
            Close { leg } => match self.place(*leg, worker) {
                Some(port) => {
                    self.legs.remove(leg);
                    self.ports.remove(&port);
                }
                None => self.fault("a leg is closed once", format!("{leg:?}")),
            },
            Bridge { a, b } if self.place(*a, worker).is_none() || self.place(*b, worker).is_none() => {
                self.fault("only open legs of one worker are bridged", format!("{command:?}"));
            }
            _ => {}
        }
    }

    /// The port of a leg that this worker has.
    fn place(&self, leg: LegId, worker: WorkerId) -> Option<PortId> {
        let (of, port) = self.legs.get(&leg)?;
        (*of == worker).then_some(*port)
    }

    fn handed_over(&mut self, leg: LegId, from: WorkerId, to: WorkerId) {
        match self.place(leg, from) {
            Some(port) => {
                self.legs.insert(leg, (to, port));
                self.ports.entry(port).and_modify(|(worker, ..)| *worker = to);
            }
            None => self.fault("a worker hands over what it has", format!("{leg:?} from {from:?} to {to:?}")),
        }
    }

    pub(crate) fn open_legs(&self) -> usize {
        self.legs.len()
    }

    /// The phone and the exchange believe the same (RFC 3264).
    pub(crate) fn compare(&mut self, line: usize, agreed: &Agreed) {
        let port = port_of(agreed.theirs.rtp.port());
        let (leg, params) = match self.ports.get(&port) {
            Some((_, leg, Some(params))) => (*leg, params.clone()),
            other => {
                let text = format!("line {line} is up, and the exchange has {other:?} at {port:?}");
                return self.fault("a phone that is up has a leg", text);
            }
        };
        let codec = match agreed.payload {
            0 => Some(Codec::Pcmu),
            8 => Some(Codec::Pcma),
            _ => None,
        };
        let phone = (
            codec,
            agreed.payload,
            agreed.events,
            Some(agreed.ours.rtp),
            (agreed.may_hear(), agreed.may_speak()),
        );
        let exchange = (
            Some(params.codec),
            params.payload_type,
            params.dtmf,
            params.remote,
            (params.send, params.receive),
        );
        if phone != exchange {
            let text = format!(
                "codec, payload type, events, address of the phone, what the phone may hear and speak:\n  line {line}: {phone:?}\n  {leg:?}: {exchange:?}"
            );
            self.fault("offer and answer agree on both sides", text);
        }
    }

    // ---- what is written down

    pub(crate) fn calls(&mut self, calls: impl Iterator<Item = String>) {
        self.calls.extend(calls);
    }

    pub(crate) fn record(&mut self, record: &CallRecord) {
        if !self.records.insert(record.id.clone()) {
            self.fault("a call has one record", format!("{record:?}"));
        }
        if record.ended_at < record.started_at || record.answered_at.is_some_and(|at| at < record.started_at)
        {
            self.fault("a record is in the order of time", format!("{record:?}"));
        }
    }

    /// Every call that there was has been written down.
    pub(crate) fn look_at_records(&mut self) {
        let missing: Vec<_> = self.calls.difference(&self.records).cloned().collect();
        if !missing.is_empty() {
            self.fault("every call has a record", missing.join(", "));
        }
    }
}
