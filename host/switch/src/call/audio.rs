//! SDP of a leg and the parameters of its media.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use jackfield_media::{self as media, Codec, Lease, LegId, OpusFormat, Params, Rtcp, Stats, Tones};
use jackfield_sip::{self as sip, Agreed, Content, Local, LocalCodec, Message};

use super::{
    encryption::security,
    leg::{Leg, Phase},
};
use crate::{io::Output, settings::Dtmf, switch::Switch};

pub(crate) const SDP: &str = "application/sdp";

/// The audio of a leg: its socket, and how far its offer and answer have come.
#[derive(Debug)]
pub(crate) struct Audio {
    pub(crate) lease: Lease,
    /// Ours, as the peer sees it.
    pub(crate) address: IpAddr,
    session_id: u64,
    /// The peer's offer, until it is answered.
    pub(crate) offer: Option<sip::Session>,
    /// Our last description, be it offer or answer.
    pub(crate) sent: Option<Bytes>,
    /// Our offer is in a 2xx; the answer comes with the ACK.
    pub(crate) offered: bool,
    pub(crate) params: Option<Params>,
    /// How digits go to the peer.
    pub(crate) dtmf: Dtmf,
    /// What we say to the peer about SRTP.
    pub(crate) srtp: sip::Srtp,
    /// The worker has closed it by itself: nothing more comes.
    pub(crate) closed: Option<Stats>,
}

impl Audio {
    pub(crate) fn new(lease: Lease, address: IpAddr, session_id: u64) -> Audio {
        Audio {
            lease,
            address,
            session_id,
            offer: None,
            sent: None,
            offered: false,
            params: None,
            dtmf: Dtmf::Auto,
            srtp: sip::Srtp::default(),
            closed: None,
        }
    }

    /// The peer took us off its ear.
    pub(crate) fn is_held(&self) -> bool {
        self.params.as_ref().is_some_and(|params| !params.send)
    }

    /// The offer has nothing that we speak.
    pub(crate) fn refuses(&self, offer: &sip::Session, codecs: &[Codec]) -> bool {
        sip::answer(&self.local(self.address, codecs), offer).is_err()
    }

    /// All that is missing in the offer is SRTP, which is required.
    pub(crate) fn misses_srtp(&self, offer: &sip::Session, codecs: &[Codec]) -> bool {
        let mut local = self.local(self.address, codecs);
        std::mem::take(&mut local.srtp.required) && sip::answer(&local, offer).is_ok()
    }

    /// The description as it goes out: the version grows only when something changed.
    fn describe(&mut self, local: &mut Local, made: Vec<u8>) -> Bytes {
        let body: Bytes = match &self.sent {
            Some(sent) => local.revise(&made, sent).into(),
            None => made.into(),
        };
        self.sent = Some(body.clone());
        body
    }

    fn local(&self, address: IpAddr, codecs: &[Codec]) -> Local {
        Local {
            address,
            port: self.lease.number,
            codecs: codecs.iter().map(|&codec| local_codec(codec)).collect(),
            session_id: self.session_id,
            version: 1,
            direction: sip::Direction::SendRecv,
            dtmf: matches!(self.dtmf, Dtmf::Auto | Dtmf::Rfc4733),
            srtp: self.srtp.clone(),
        }
    }
}

/// Ours, and the peer's.
#[derive(Clone, Copy, Debug)]
struct Hosts {
    local: Option<IpAddr>,
    peer: Option<IpAddr>,
}

/// The other side's SDP does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoAgreement;

impl Switch {
    /// Our codecs for a leg, best first: what `like` speaks or offers comes first, so that
    /// both legs of a bridge have the same codec where they can.
    pub(crate) fn codecs_like(&self, like: Option<LegId>) -> Vec<Codec> {
        let ours = &self.settings.codecs;
        let theirs = like.and_then(|leg| self.legs.get(&leg)).map(|leg| match &leg.audio {
            Audio { params: Some(params), .. } => vec![params.codec],
            Audio { offer: Some(offer), .. } => codecs_of(offer),
            _ => Vec::new(),
        });
        let mut codecs = theirs.unwrap_or_default();
        codecs.retain(|codec| ours.contains(codec));
        for &codec in ours {
            if !codecs.contains(&codec) {
                codecs.push(codec);
            }
        }
        codecs
    }

    /// Our offer, for a peer that sees us at `address`.
    pub(crate) fn offer(&mut self, leg: LegId, address: IpAddr, codecs: &[Codec]) -> Option<Bytes> {
        let audio = &mut self.legs.get_mut(&leg)?.audio;
        let mut local = audio.local(address, codecs);
        let made = sip::offer(&local);
        Some(audio.describe(&mut local, made))
    }

    /// Answers the offer of the peer and starts the media: with the codec of `like` where the
    /// peer has it, else with the peer's first choice.
    pub(crate) fn answer_offer(
        &mut self,
        id: LegId,
        offer: &sip::Session,
        like: Option<LegId>,
    ) -> Result<Bytes, NoAgreement> {
        let wanted = like.and_then(|leg| self.legs.get(&leg)).and_then(|leg| leg.audio.params.as_ref());
        let wanted: Vec<Codec> = wanted.map(|params| params.codec).into_iter().collect();
        let audio = &mut self.legs.get_mut(&id).ok_or(NoAgreement)?.audio;
        let mut local = audio.local(audio.address, &wanted);
        let (made, agreed) = sip::answer(&local, offer)
            .or_else(|_| {
                local = audio.local(audio.address, &self.settings.codecs);
                sip::answer(&local, offer)
            })
            .map_err(|_| NoAgreement)?;
        let body = audio.describe(&mut local, made);
        self.agree(id, agreed)?;
        Ok(body)
    }

    /// Takes the peer's answer to our offer and starts the media.
    pub(crate) fn take_answer(&mut self, id: LegId, message: &Message) -> Result<(), NoAgreement> {
        let answer = session_in(message).map_err(|_| NoAgreement)?.ok_or(NoAgreement)?;
        let leg = self.legs.get(&id).ok_or(NoAgreement)?;
        let local = leg.audio.local(leg.audio.address, &self.settings.codecs);
        let agreed = sip::agreed(&local, &answer).map_err(|_| NoAgreement)?;
        self.agree(id, agreed)
    }

    fn agree(&mut self, id: LegId, agreed: Agreed) -> Result<(), NoAgreement> {
        let signalling = self.signalling(id);
        let profile = agreed.profile;
        let leg = self.legs.get_mut(&id).ok_or(NoAgreement)?;
        let params = params(agreed, leg.audio.dtmf, signalling).ok_or(NoAgreement)?;
        leg.audio.params = Some(params.clone());
        self.note_profile(id, profile);
        self.media(id, media::Command::Update { leg: id, params });
        // What is agreed before the answer is no hold, whoever may send.
        if self.legs.get(&id).is_some_and(|leg| leg.phase == Phase::Up) {
            self.note_hold(id);
        }
        Ok(())
    }

    /// The hosts between which a leg's signalling goes; none while several phones ring for it.
    fn signalling(&self, id: LegId) -> Hosts {
        let session = |leg: &Leg| leg.session.or_else(|| leg.dial.as_ref()?.only_session());
        let session = self.legs.get(&id).and_then(session);
        let flow = session.and_then(|session| self.endpoint.remote_flow(session));
        let host = |address: SocketAddr| address.ip().to_canonical();
        Hosts {
            local: flow.map(|flow| host(flow.local)).filter(|local| !local.is_unspecified()),
            peer: flow.map(|flow| host(flow.remote)),
        }
    }

    /// The peer has had its media before the answer: from now on its silence counts.
    pub(crate) fn expect_audio(&mut self, leg: LegId) {
        let Hosts { local, peer } = self.signalling(leg);
        let Some(audio) = self.legs.get_mut(&leg).map(|leg| &mut leg.audio) else { return };
        let Some(params) = &mut audio.params else { return };
        (params.local, params.peer) = (local, peer);
        let params = params.clone();
        self.media(leg, media::Command::Update { leg, params });
    }

    pub(crate) fn open_audio(&mut self, leg: LegId) {
        if let Some(audio) = self.legs.get(&leg).map(|leg| &leg.audio) {
            let port = audio.lease.port;
            self.media(leg, media::Command::Open { leg, port, params: None });
        }
    }

    /// Tells the worker of a leg.
    pub(crate) fn media(&mut self, leg: LegId, command: media::Command) {
        if let Some(leg) = self.legs.get(&leg) {
            self.outputs.push_back(Output::Media { worker: leg.audio.lease.worker, command });
        }
    }
}

/// The SDP that a message carries, if it carries a body; the status to refuse it with otherwise.
pub(crate) fn session_in(message: &Message) -> Result<Option<sip::Session>, u16> {
    match message.content(SDP) {
        Content::Nothing => Ok(None),
        Content::Found(body) => sip::parse_sdp(body).map(Some).map_err(|_| 400),
        Content::Other => Err(415),
    }
}

fn params(agreed: Agreed, dtmf: Dtmf, signalling: Hosts) -> Option<Params> {
    Some(Params {
        codec: codec(agreed.codec),
        payload_type: agreed.payload.pt,
        opus: opus_format(&agreed.payload),
        dtmf: agreed.dtmf,
        dtmf_clock: agreed.dtmf_clock,
        tones: tones(dtmf, agreed.dtmf.is_some()),
        rtcp: if agreed.rtcp_mux { Rtcp::Mux } else { Rtcp::Apart(agreed.rtcp) },
        remote: agreed.remote,
        peer: signalling.peer,
        local: signalling.local,
        send: agreed.send,
        receive: agreed.receive,
        security: security(agreed.encrypted)?,
    })
}

/// Which tones are digits, for a peer that agreed to telephone `events` or did not.
fn tones(dtmf: Dtmf, events: bool) -> Tones {
    Tones {
        heard: dtmf == Dtmf::Inband || (dtmf == Dtmf::Auto && !events),
        wanted: dtmf != Dtmf::Info && !events,
    }
}

/// What the peer wants of the Opus that it receives; nothing is said of other codecs.
fn opus_format(payload: &sip::Payload) -> OpusFormat {
    let is_on = |name| payload.parameter(name) == Some("1");
    OpusFormat {
        max_bitrate: payload.parameter("maxaveragebitrate").and_then(|bitrate| bitrate.parse().ok()),
        fec: is_on("useinbandfec"),
        constant: is_on("cbr"),
    }
}

/// What we speak of an offer, in its order.
fn codecs_of(offer: &sip::Session) -> Vec<Codec> {
    let encodings = offer.audio().flat_map(|audio| &audio.payloads);
    encodings
        .filter_map(|payload| match payload.encoding.to_ascii_uppercase().as_str() {
            "PCMU" => Some(Codec::Pcmu),
            "PCMA" => Some(Codec::Pcma),
            "G722" => Some(Codec::G722),
            "OPUS" => Some(Codec::Opus),
            _ => None,
        })
        .collect()
}

fn local_codec(codec: Codec) -> LocalCodec {
    match codec {
        Codec::Pcmu => LocalCodec::Pcmu,
        Codec::Pcma => LocalCodec::Pcma,
        Codec::G722 => LocalCodec::G722,
        Codec::Opus => LocalCodec::Opus,
    }
}

fn codec(local: LocalCodec) -> Codec {
    match local {
        LocalCodec::Pcmu => Codec::Pcmu,
        LocalCodec::Pcma => Codec::Pcma,
        LocalCodec::G722 => Codec::G722,
        LocalCodec::Opus => Codec::Opus,
    }
}
