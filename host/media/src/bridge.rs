//! A bridge: the packets of one leg become packets of the other leg's stream, where they lie.

use slab::Slab;

use crate::{
    Codec, PlayEnd, Time,
    codec::{self, MAX_PAYLOAD},
    dtmf,
    leg::{Arrival, Kind, Leg, Target},
    output::Output,
    rtp::Packet,
    session::Forward,
    stream::Order,
    tick,
    transcode::Transcoder,
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
        legs[key].cut();
    }
}

/// Gives a packet to `to`: rewritten where it lies, or coded anew where the legs share no codec. Neither when it has
/// nothing to go there: the leg does not receive, we play to it, it did not agree to telephone events, the
/// packet is a tone that goes there as a digit, or it is late.
pub(crate) fn relay(
    now: Time,
    arrival: Arrival,
    packet: &mut Packet<&mut [u8]>,
    to: &mut Leg,
    output: &mut Output,
) -> Option<Forward> {
    // A tone that reaches the other side as a digit is not to be heard beside it.
    let cut = arrival.tone && !to.wants_tones();
    let target = to.target().filter(|_| !to.is_playing() && !cut);
    let payload_type = target.and_then(|target| match arrival.kind {
        Kind::Audio => Some(target.payload_type),
        Kind::Digit(_) => target.dtmf,
    });
    let (Some(target), Some(payload_type)) = (target, payload_type) else {
        to.skip(arrival.order);
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
        (Kind::Audio, false) => {
            transcode(now, arrival, packet.payload(), to, target, output);
            return None;
        }
        (Kind::Digit(digit), is_relayed) => {
            // All packets of an event have the timestamp of its begin.
            let (stamp, spent) = (arrival.stamp, digit.ticks(arrival.dtmf_clock, arrival.codec.clock()));
            let stamp = if is_relayed {
                to.out.relay(now, stamp, arrival.order, stamp.timestamp.wrapping_add(spent), 0)?
            } else {
                if matches!(arrival.order, Order::Behind(_)) {
                    return None;
                }
                let place = transcoder(to, arrival, target.codec).place(stamp.timestamp);
                let current = place.wrapping_add(digit.ticks(arrival.dtmf_clock, target.codec.clock()));
                let made = to.out.coded(now, place, current, 0, 0);
                crate::rtp::Stamp { marker: made.marker || stamp.marker, ..made }
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

/// What turns the packets of this arrival's leg into those of `to`.
fn transcoder(to: &mut Leg, arrival: Arrival, codec: Codec) -> &mut Transcoder {
    let fits = to.transcoder.as_ref().is_some_and(|transcoder| {
        transcoder.is_for(arrival.codec, codec) && !transcoder.is_over(arrival.stamp, arrival.order)
    });
    if !fits {
        to.cut();
    }
    to.transcoder.get_or_insert_with(|| Box::new(Transcoder::new(arrival.codec, codec)))
}

/// Sends the frames that are full with this packet.
fn transcode(now: Time, arrival: Arrival, payload: &[u8], to: &mut Leg, target: Target, output: &mut Output) {
    transcoder(to, arrival, target.codec);
    let Some(mut transcoder) = to.transcoder.take() else { return };
    transcoder.hear(arrival.stamp, arrival.order, payload, |frame| {
        let mut payload = [0; MAX_PAYLOAD];
        let length = to.mouth.say(target.codec, target.opus, frame.sound, &mut payload);
        let span = tick::frame(target.codec.clock());
        let stamp = to.out.coded(now, frame.place, frame.place, span, frame.lost);
        to.send_made(now, stamp, target, &payload[..length], output);
    });
    to.transcoder = Some(transcoder);
}
