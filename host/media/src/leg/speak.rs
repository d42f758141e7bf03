//! What we send to the peer of a leg: digits, prompts, and what others say.

use super::{Kind, Leg, Target};
use crate::{
    Codec, Event, PlayEnd, Time,
    codec::MAX_PAYLOAD,
    dtmf::Beat,
    output::{Made, Output},
    rtp::{self, Stamp},
    tick, tone,
};

impl Leg {
    /// 20 ms are over. Digits come before the prompt, which waits for them.
    pub(crate) fn tick(&mut self, tick: u64, output: &mut Output) {
        match self.keypad.step(tick) {
            Some(beat) => self.send_beat(tick, beat, output),
            None => self.play_frame(tick, output),
        }
    }

    fn play_frame(&mut self, tick: u64, output: &mut Output) {
        let Some(player) = self.player.as_mut().filter(|player| player.from <= tick) else { return };
        let empty = player.is_finished();
        // A prompt goes on, unheard, while nothing is agreed or nobody is to be sent to.
        let codec = self.params.as_ref().map_or(Codec::Pcmu, |params| params.codec);
        let (mut frame, mut sound) = ([0; tick::FRAME], [0; tick::WIDE_FRAME]);
        match codec.law() {
            Some(law) => player.fill(law, &mut frame),
            None => player.fill_wide(&mut sound),
        }
        let finished = player.is_finished();
        match codec.law() {
            _ if empty => {}
            Some(_) => self.send_audio(tick, &frame, output),
            None => self.send_sound(tick, &sound, output),
        }
        if finished {
            self.end_play(tick::time(tick + 1), PlayEnd::Finished, output);
        }
    }

    fn send_beat(&mut self, tick: u64, beat: Beat, output: &mut Output) {
        if beat.is_first() {
            self.keypad.timestamp = self.out.timestamp(tick::time(tick));
        }
        if let Some(target) = self.target() {
            match target.dtmf {
                Some(payload_type) => self.send_event(beat, target, payload_type, output),
                None => self.send_tone(tick, beat, target.codec, output),
            }
        }
        self.report_digits(output);
    }

    fn send_event(&mut self, beat: Beat, target: Target, payload_type: u8, output: &mut Output) {
        let Some(payload) = beat.payload() else { return };
        let payload = payload.counted(8000, target.dtmf_clock);
        let stamp = self.out.event(self.keypad.timestamp, beat.is_first());
        let packet =
            Made::new(&mut self.protection, self.port, target.to, stamp, payload_type, &payload.bytes());
        self.send(packet, output);
    }

    /// For a peer without telephone events.
    fn send_tone(&mut self, tick: u64, beat: Beat, codec: Codec, output: &mut Output) {
        let Some(begin) = beat.tone() else { return };
        let hz = tone::dtmf(beat.event);
        if codec.is_wide() {
            let sound: [i16; tick::WIDE_FRAME] =
                std::array::from_fn(|n| tone::wide_sample(hz, 2 * begin + n as u64));
            self.send_sound(tick, &sound, output);
        } else if let Some(law) = codec.law() {
            let frame: [u8; tick::FRAME] =
                std::array::from_fn(|n| law.encode(tone::sample(hz, begin + n as u64)));
            self.send_audio(tick, &frame, output);
        }
    }

    /// What the others of a mix or the other one of a bridge say: 20 ms, at the rate of the mix or of this leg. A prompt
    /// covers it.
    pub(crate) fn tell(&mut self, tick: u64, sound: &[i16], output: &mut Output) {
        if self.is_playing() {
            return;
        }
        let fits = sound.len() == tick::FRAME || self.is_wide();
        match &mut self.mixed {
            Some(halver) if !fits => {
                let mut narrow = [0; tick::FRAME];
                halver.halve(sound, &mut narrow);
                self.send_sound(tick, &narrow, output);
            }
            _ => self.send_sound(tick, sound, output),
        }
    }

    /// Sends 20 ms of sound at the rate of the leg's codec.
    fn send_sound(&mut self, tick: u64, sound: &[i16], output: &mut Output) {
        if let Some(target) = self.target() {
            let mut payload = [0; MAX_PAYLOAD];
            let length = self.mouth.say(target.codec, target.opus, sound, &mut payload);
            self.send_audio(tick, &payload[..length], output);
        }
    }

    /// Sends audio of ours that is due at `now`.
    pub(crate) fn send_made(
        &mut self,
        now: Time,
        stamp: Stamp,
        target: Target,
        payload: &[u8],
        output: &mut Output,
    ) {
        self.count_audio(now, stamp.timestamp);
        self.tape_sent(now, stamp, target.codec, payload);
        let (port, payload_type) = (self.port, target.payload_type);
        let packet = Made::new(&mut self.protection, port, target.to, stamp, payload_type, payload);
        self.send(packet, output);
    }

    fn send_audio(&mut self, tick: u64, frame: &[u8], output: &mut Output) {
        if let Some(target) = self.target() {
            let stamp = self.out.audio(tick::time(tick));
            self.send_made(tick::time(tick), stamp, target, frame, output);
        }
    }

    fn send(&mut self, packet: Option<Made>, output: &mut Output) {
        if let Some(packet) = packet {
            self.count_sent(packet.bytes().len() - rtp::HEADER);
            output.packets.push_back(packet);
        }
    }

    /// A packet with so many bytes of payload goes to the peer.
    fn count_sent(&mut self, octets: usize) {
        self.stats.packets_sent += 1;
        self.sent.count(octets);
    }

    /// A packet of the bridged leg goes to the peer.
    pub(crate) fn count_relayed(&mut self, now: Time, kind: Kind, timestamp: u32, octets: usize) {
        self.count_sent(octets);
        if kind == Kind::Audio {
            self.count_audio(now, timestamp);
        }
    }

    /// Audio with `timestamp` goes out at `now`.
    pub(crate) fn count_audio(&mut self, now: Time, timestamp: u32) {
        self.sent.audio(now, timestamp, self.out.clock());
    }

    pub(super) fn report_digits(&mut self, output: &mut Output) {
        while self.keypad.take_done() {
            output.events.push_back(Event::DigitsSent { leg: self.id });
        }
    }
}
