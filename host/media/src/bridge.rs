//! A bridge: the packets of one leg become packets of the other leg's stream, where they lie.

use slab::Slab;

use crate::{
    Codec, PlayEnd, Time, codec, dtmf,
    leg::{Arrival, Kind, Leg},
    output::Output,
    rtp::Packet,
    session::Forward,
    stream::Order,
    tick,
};

/// Joins two legs, both ways; whatever they were joined to is parted, and what they play ends.
pub(crate) fn join(now: Time, legs: &mut Slab<Leg>, a: usize, b: usize, output: &mut Output) {
    part(legs, a);
    part(legs, b);
    for (this, other) in [(a, b), (b, a)] {
        legs[this].peer = Some(other);
        legs[this].end_play(now, PlayEnd::Stopped, output);
    }
    settle(legs, a);
}

/// Finds out whether two legs have a codec in common, once they are joined or one has another codec.
pub(crate) fn settle(legs: &mut Slab<Leg>, a: usize) {
    let Some(b) = legs[a].peer else { return };
    let codecs = legs[a].codec().zip(legs[b].codec());
    let coded = codecs.is_some_and(|(a, b)| !is_relayed(a, b));
    legs[a].coded = coded;
    legs[b].coded = coded;
}

/// Parts a leg from its peer, if it has one.
pub(crate) fn part(legs: &mut Slab<Leg>, a: usize) {
    let Some(b) = legs[a].peer else { return };
    for key in [a, b] {
        legs[key].peer = None;
        legs[key].coded = false;
        legs[key].cut();
    }
}

/// Gives a packet to `to`, rewritten where it lies. Not so audio where the legs share no codec ([`tell`] does it), nor
/// what has nothing to go there: the leg does not receive, we play to it, it did not agree to telephone events, the
/// packet is a tone that goes there as a digit, or it is late.
pub(crate) fn relay(
    now: Time,
    arrival: Arrival,
    packet: &mut Packet<&mut [u8]>,
    to: &mut Leg,
) -> Option<Forward> {
    // A tone that reaches the other side as a digit is not to be heard beside it.
    let cut = arrival.tone && !to.wants_tones();
    let target = to.target().filter(|_| !to.is_playing() && !cut);
    let payload_type = target.and_then(|target| match arrival.kind {
        Kind::Audio => Some(target.payload_type),
        Kind::Digit(_) => target.dtmf,
    });
    let (Some(target), Some(payload_type)) = (target, payload_type) else {
        to.out.skip(arrival.order);
        return None;
    };
    match (arrival.kind, is_relayed(arrival.codec, target.codec)) {
        (Kind::Audio, true) => {
            let span = arrival.codec.span(packet.payload());
            let timestamp = arrival.stamp.timestamp;
            let stamp = to.out.relay(now, arrival.stamp, arrival.order, timestamp, span)?;
            packet.restamp(stamp, payload_type);
            if let (Some(from), Some(to)) = (arrival.codec.law(), target.codec.law()) {
                codec::convert(from, to, packet.payload_mut());
            }
            to.tape_sent(now, stamp, target.codec, packet.payload());
        }
        (Kind::Audio, false) => return None,
        (Kind::Digit(digit), is_relayed) => {
            // All packets of an event have the timestamp of its begin.
            let (stamp, spent) = (arrival.stamp, digit.ticks(arrival.dtmf_clock, arrival.codec.clock()));
            let stamp = if is_relayed {
                to.out.relay(now, stamp, arrival.order, stamp.timestamp.wrapping_add(spent), 0)?
            } else {
                if matches!(arrival.order, Order::Behind(_)) {
                    return None;
                }
                to.out.passed_event(now, stamp.timestamp)
            };
            packet.restamp(stamp, payload_type);
            let digit = digit.counted(arrival.dtmf_clock, target.dtmf_clock);
            packet.payload_mut()[..dtmf::PAYLOAD].copy_from_slice(&digit.bytes());
        }
    }
    to.count_relayed(now, arrival.kind, packet.stamp().timestamp, packet.payload().len());
    Some(Forward { port: to.port, to: target.to, length: packet.length() })
}

/// The codes of one leg are, or are easily turned into, those of the other.
fn is_relayed(from: Codec, to: Codec) -> bool {
    from == to || from.law().is_some() && to.law().is_some()
}

/// Gives what a leg's peer said in the last 20 ms to the leg that it is bridged to, where they share no codec. A pause
/// stays a pause.
pub(crate) fn tell(tick: u64, legs: &mut Slab<Leg>, from: usize, output: &mut Output) {
    let Some(to) = legs[from].peer.filter(|_| legs[from].coded) else { return };
    let mut sound = [0; tick::WIDE_FRAME];
    let length = if legs[to].is_wide() { tick::WIDE_FRAME } else { tick::FRAME };
    let sound = &mut sound[..length];
    // A tone that reaches the other side as a digit is not to be heard beside it.
    let cut = legs[from].says_tone() && !legs[to].wants_tones();
    if legs[from].said(sound) && !cut {
        legs[to].tell(tick, sound, output);
    }
}
