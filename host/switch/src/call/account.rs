//! What the record of a call says, from its first moment to its last packet.

use std::collections::BTreeMap;

use jackfield_media::{LegId, Stats};

use super::{Call, CallKey, encryption::security_name, leg::Leg};
use crate::{
    command::{Cause, HangupInfo},
    io::Output,
    record::{CallRecord, LegRecord, MediaRecord},
    switch::Switch,
    trace::Happened,
};

impl Switch {
    /// The call as it stands, for the store: if nothing more is written of it, it was interrupted.
    pub(crate) fn note_open_call(&mut self, key: CallKey) {
        let Some(call) = self.calls.get(&key) else { return };
        let record = self.record_of(call, HangupInfo::new(Cause::Interrupted, 0));
        self.outputs.push_back(Output::Underway(record));
    }

    /// Writes the record of a call that nobody has any more, once the workers have told how its media was.
    pub(crate) fn finish_call(&mut self, key: CallKey) {
        let over = |call: &Call| call.legs.is_empty() && call.closing.is_empty() && call.instance.is_none();
        if !self.calls.get(&key).is_some_and(over) {
            return;
        }
        let Some(call) = self.calls.remove(&key) else { return };
        let end = call.end.unwrap_or(HangupInfo::new(Cause::Other, 0));
        let record = self.record_of(&call, end);
        if let Some(launch) = call.launch {
            self.launch_ended(launch, record.answered_at, end, call.results);
        }
        self.outputs.push_back(Output::Record(record));
        self.watch_all_paces();
    }

    fn record_of(&self, call: &Call, end: HangupInfo) -> CallRecord {
        let legs: BTreeMap<LegId, LegRecord> = call.ended_legs.iter().cloned().collect();
        CallRecord {
            id: call.id.clone(),
            linked: call.linked.clone(),
            direction: call.direction,
            caller: call.caller.number.clone(),
            caller_name: call.caller.name.clone(),
            callee: call.callee.clone(),
            connected: call.connected.clone(),
            started_at: self.unix_at(call.started),
            answered_at: call.answered.map(|at| self.unix_at(at)),
            ended_at: self.unix_at(self.now),
            end,
            results: call.results.clone(),
            legs: legs.into_values().collect(),
            recording: call.recording(),
        }
    }

    /// A leg has ended: what its call's record says of it.
    pub(crate) fn note_ended_leg(&mut self, id: LegId, leg: &Leg, info: HangupInfo) {
        let stats = leg.audio.closed;
        let mut record = self.leg_record(leg, info);
        record.media = stats.map(media_record).unwrap_or_default();
        self.trace_of(leg.call, leg.info.id.clone(), Happened::Ended { info });
        let Some(call) = self.calls.get_mut(&leg.call) else { return };
        call.ended_legs.push((id, record));
        // How its media was is told when the worker has closed it.
        if stats.is_none() {
            call.closing.insert(id);
            self.closing.insert(id, leg.call);
        }
    }

    fn leg_record(&self, leg: &Leg, info: HangupInfo) -> LegRecord {
        let caller = self.calls.get(&leg.call).map(|call| call.caller.trunk.clone());
        let label = match leg.is_inbound() {
            true => caller.unwrap_or_default(),
            false => leg.info.callee.clone(),
        };
        let params = leg.audio.params.as_ref();
        LegRecord {
            id: leg.info.id.clone(),
            label,
            direction: leg.info.direction,
            address: leg.flow.map(|flow| flow.remote.to_string()).unwrap_or_default(),
            transport: leg.flow.map(|flow| flow.transport.as_str().to_owned()).unwrap_or_default(),
            codec: params.map(|params| format!("{:?}", params.codec).to_uppercase()),
            security: params.map(|params| security_name(&params.security)),
            media: MediaRecord::default(),
            started_at: leg.info.started_at,
            answered_at: leg.answered.map(|at| self.unix_at(at)),
            ended_at: self.unix_at(self.now),
            end: info,
        }
    }

    /// The worker has closed a leg, and says how its media was.
    pub(crate) fn media_accounted(&mut self, id: LegId, stats: Stats) {
        // Closed by the worker itself, which had no room: the leg knows, and does not wait for it.
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.audio.closed = Some(stats);
        }
        let Some(key) = self.closing.remove(&id) else { return };
        let Some(call) = self.calls.get_mut(&key) else { return };
        call.closing.remove(&id);
        if let Some((_, leg)) = call.ended_legs.iter_mut().find(|(of, _)| *of == id) {
            leg.media = media_record(stats);
        }
        self.finish_call(key);
    }
}

fn media_record(stats: Stats) -> MediaRecord {
    let expected = stats.packets_received + stats.packets_lost;
    let loss = (expected > 0).then(|| stats.packets_lost as f32 * 100.0 / expected as f32);
    MediaRecord {
        packets_sent: stats.packets_sent,
        packets_received: stats.packets_received,
        loss,
        jitter: (stats.packets_received > 0).then_some(stats.jitter.as_secs_f32() * 1000.0),
        mos: stats.mos.map(|hundredths| f32::from(hundredths) / 100.0),
    }
}
