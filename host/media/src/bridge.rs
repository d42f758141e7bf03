//! A bridge: the packets of one leg become packets of the other leg's stream, where they lie.

use slab::Slab;

use crate::{
    PlayEnd, Time, codec,
    leg::{Arrival, Kind, Leg},
    output::Output,
    rtp::Packet,
    session::Forward,
};

/// Joins two legs, both ways; whatever they were joined to is parted, and what they play ends.
pub(crate) fn join(now: Time, legs: &mut Slab<Leg>, a: usize, b: usize, output: &mut Output) {
    part(legs, a);
    part(legs, b);
    for (this, other) in [(a, b), (b, a)] {
        legs[this].peer = Some(other);
        legs[this].end_play(now, PlayEnd::Stopped, output);
    }
}

/// Parts a leg from its peer, if it has one.
pub(crate) fn part(legs: &mut Slab<Leg>, a: usize) {
    let Some(b) = legs[a].peer else { return };
    for key in [a, b] {
        legs[key].peer = None;
        legs[key].out.cut();
    }
}

/// Rewrites a packet for `to`. `None` when it has nothing to go there: the leg does not receive, we play to it,
/// it did not agree to telephone events, or the packet is late.
pub(crate) fn relay(
    now: Time,
    arrival: Arrival,
    packet: &mut Packet<&mut [u8]>,
    to: &mut Leg,
) -> Option<Forward> {
    let Arrival { stamp, order, kind } = arrival;
    let target = to.target().filter(|_| !to.is_playing());
    let payload_type = target.and_then(|target| match kind {
        Kind::Audio(_) => Some(target.payload_type),
        Kind::Digit(_) => target.dtmf,
    });
    let (Some(target), Some(payload_type)) = (target, payload_type) else {
        to.out.skip(order);
        return None;
    };
    let (current, span) = match kind {
        Kind::Audio(_) => (stamp.timestamp, packet.payload().len() as u32),
        // All packets of an event have the timestamp of its begin.
        Kind::Digit(payload) => (stamp.timestamp.wrapping_add(payload.duration.into()), 0),
    };
    let stamp = to.out.relay(now, stamp, order, current, span)?;
    packet.restamp(stamp, payload_type);
    if let Kind::Audio(codec) = kind {
        codec::convert(codec, target.codec, packet.payload_mut());
        to.tape_sent(now, stamp, target.codec, packet.payload());
    }
    to.count_relayed(now, kind, stamp.timestamp, packet.payload().len());
    Some(Forward { port: to.port, to: target.to, length: packet.length() })
}
