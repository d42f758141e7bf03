//! The only door: what comes in is handed to whom it concerns.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use jackfield_media::{self as media, LegId, RecordEnd, RecordId, WorkerId};
use jackfield_sip::{
    self as sip, Answer, Authenticator, ClientId, Endpoint, Flow, Message, Method, Name, ServerId, SessionId,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    Time,
    bus::Question,
    call::{Call, CallKey, digits::Means, encryption::Learned, leg::Leg, play::Recording, reoffer::Asked},
    command::{Cause, Error, Event, HangupInfo, LaunchEnd, StopReason, Value},
    instance::Instance,
    io::{Input, InstanceId, Level, Output, Token},
    keep_alive::KeepAlive,
    launch::Launches,
    leases::Leases,
    registration::Registry,
    settings::Settings,
    timer::{Deadline, Timers},
    trace::Happened,
};

/// Requests that we serve outside of and inside of sessions.
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, UPDATE, INFO, REFER, NOTIFY";

/// How long a nonce is good for.
const NONCE_LIFETIME: Duration = Duration::from_secs(300);

/// What does not change while the process runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything random follows from this; it must be secret.
    pub seed: [u8; 32],
    /// Starts our tags; token characters only.
    pub node: String,
    /// User-Agent and Server header; none if empty.
    pub user_agent: String,
    /// Unix time at time zero.
    pub started_unix: Duration,
    /// The base intervals of SIP.
    pub sip_timers: sip::Timers,
}

/// How much is under way; all zero when nobody calls and no service runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls, until their record is written.
    pub calls: usize,
    /// Legs of calls.
    pub legs: usize,
    /// SIP sessions that belong, or have belonged, to a leg.
    pub sessions: usize,
    /// Plugin instances, services included.
    pub instances: usize,
    /// Deadlines of calls and plugins, not those of registrations and SIP.
    pub timers: usize,
    /// Launches, from their storing on.
    pub launches: usize,
    /// Sockets that legs have.
    pub leases: usize,
    /// Answers that we wait for: flows, requests within calls, writes, questions and recordings.
    pub waiting: usize,
}

/// The exchange. [`handle`](Switch::handle) and [`handle_timeout`](Switch::handle_timeout) put
/// things in, [`poll_output`](Switch::poll_output) takes them out; the rest only looks.
pub struct Switch {
    pub(crate) now: Time,
    started_unix: Duration,
    key: [u8; 32],
    pub(crate) call_prefix: String,
    last_id: u64,
    last_token: u64,
    last_launch: u64,
    pub(crate) last_event: u64,
    pub(crate) settings: Arc<Settings>,
    pub(crate) shutting_down: bool,
    pub(crate) endpoint: Endpoint,
    pub(crate) authenticator: Authenticator,
    pub(crate) registry: Registry,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) leases: Leases,
    pub(crate) timers: Timers,
    pub(crate) calls: BTreeMap<CallKey, Call>,
    pub(crate) legs: BTreeMap<LegId, Leg>,
    pub(crate) sessions: BTreeMap<SessionId, LegId>,
    /// Legs that have ended, whose workers have still to close them.
    pub(crate) closing: BTreeMap<LegId, CallKey>,
    /// Dialled legs whose flows the driver looks for.
    pub(crate) opening: BTreeMap<Token, LegId>,
    /// Requests of ours within sessions.
    pub(crate) asked: BTreeMap<ClientId, Asked>,
    pub(crate) recordings: BTreeMap<RecordId, Recording>,
    pub(crate) storing: BTreeMap<Token, Storing>,
    pub(crate) instances: BTreeMap<InstanceId, Instance>,
    /// The present service of each plugin.
    pub(crate) services: BTreeMap<String, InstanceId>,
    /// For the keys of SRTP.
    pub(crate) random: StdRng,
    pub(crate) learned: Learned,
    pub(crate) questions: BTreeMap<u64, Question>,
    pub(crate) launches: Launches,
    pub(crate) outputs: VecDeque<Output>,
}

/// What a write to the store was for.
#[derive(Debug)]
pub(crate) enum Storing {
    Attempt(u64),
    AttemptEnd { plugin: String, end: LaunchEnd },
    Recording { leg: LegId, record: RecordId, end: RecordEnd, value: Box<Value> },
}

impl Switch {
    /// An exchange without calls and registrations.
    pub fn new(options: Options, settings: Arc<Settings>) -> Self {
        let mut rng = StdRng::from_seed(options.seed);
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        let config = sip::Config {
            seed,
            node: options.node.clone(),
            user_agent: options.user_agent,
            timers: options.sip_timers,
            session_expires: session_expires(&settings),
            ..sip::Config::default()
        };
        let mut endpoint = Endpoint::new(config);
        endpoint.set_advertised(settings.advertised.clone());
        Switch {
            now: Duration::ZERO,
            started_unix: options.started_unix,
            key,
            call_prefix: format!("{}-{:08x}", options.node, rng.next_u32()),
            last_id: 0,
            last_token: 0,
            last_event: 0,
            // Unique over restarts, as long as fewer than 4096 launches begin per millisecond;
            // below 2^53, so that every language can count them.
            last_launch: (options.started_unix.as_millis() as u64).saturating_mul(4096),
            authenticator: Authenticator::new(&settings.realm, key, NONCE_LIFETIME),
            settings,
            shutting_down: false,
            endpoint,
            random: StdRng::from_seed(secret),
            learned: Learned::default(),
            registry: Registry::default(),
            keep_alive: KeepAlive::default(),
            leases: Leases::default(),
            timers: Timers::default(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            sessions: BTreeMap::new(),
            closing: BTreeMap::new(),
            opening: BTreeMap::new(),
            asked: BTreeMap::new(),
            recordings: BTreeMap::new(),
            storing: BTreeMap::new(),
            instances: BTreeMap::new(),
            services: BTreeMap::new(),
            questions: BTreeMap::new(),
            launches: Launches::default(),
            outputs: VecDeque::new(),
        }
    }

    // ---- in

    /// Something happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.now = self.now.max(now);
        match input {
            Input::Sip { flow, bytes } => self.received(&flow, bytes),
            Input::FlowClosed { flow } => {
                self.endpoint.handle_flow_closed(self.now, flow);
                self.forget_flow(flow);
            }
            Input::Opened { token, result } => self.opened(token, result),
            Input::Media { worker, event } => self.media_event(worker, event),
            Input::Leases(leases) => self.leases.add(leases),
            Input::Command { instance, token, command } => self.command(instance, token, command),
            Input::Abandoned { instance, token } => self.abandoned(instance, token),
            Input::ServiceStarted { instance, plugin, max_events } => {
                self.service_started(instance, plugin, max_events);
            }
            Input::StopService { instance, reason } => self.post(instance, Event::Stop(reason)),
            Input::InstanceStarted { instance, call_time, after_hangup, max_events } => {
                self.instance_started(instance, call_time, after_hangup, max_events);
            }
            Input::InstanceEnded { instance, end } => self.instance_ended(instance, end),
            Input::Stored { token, result } => self.stored(token, result),
            Input::Message { plugin, sender, topic, body } => {
                self.operator_message(plugin, sender, topic, body);
            }
            Input::Settings(settings) => self.configure(settings),
            Input::Restored(bindings) => self.restore(bindings),
            Input::HangUp { call } => self.hang_up_by_id(&call),
            Input::Tape { call, action } => self.operate_tape(&call, action),
            Input::Shutdown => self.shut_down(),
        }
        self.turn();
    }

    /// Does what is due; call it at [`next_timeout`](Switch::next_timeout), or any time.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.endpoint.handle_timeout(self.now);
        self.turn();
        while let Some(deadline) = self.timers.pop(self.now) {
            self.deadline(deadline);
            self.turn();
        }
        if self.registry.next_expiry().is_some_and(|at| at <= self.now) {
            self.expire_bindings();
        }
        self.keep_alive();
        self.turn();
    }

    // ---- out

    /// What the driver has to do; None when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Switch::handle_timeout).
    pub fn next_timeout(&self) -> Option<Time> {
        let timers = [
            self.endpoint.next_timeout(),
            self.timers.first(),
            self.registry.next_expiry(),
            self.keep_alive.next(),
        ];
        timers.into_iter().flatten().min()
    }

    /// How much is under way.
    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.calls.len(),
            legs: self.legs.len(),
            sessions: self.sessions.len(),
            instances: self.instances.len(),
            timers: self.timers.len(),
            launches: self.launches.len(),
            leases: self.leases.used(),
            waiting: self.opening.len()
                + self.asked.len()
                + self.storing.len()
                + self.questions.len()
                + self.recordings.len(),
        }
    }

    /// How much its SIP endpoint keeps.
    pub fn sip_load(&self) -> sip::Load {
        self.endpoint.load()
    }

    // ---- SIP

    fn received(&mut self, flow: &Flow, bytes: Bytes) {
        self.endpoint.handle_bytes(self.now, flow, bytes);
    }

    /// Carries on what the endpoint has to say, and what follows from it.
    fn turn(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                sip::Output::Transmit { flow, bytes } => {
                    self.outputs.push_back(Output::Transmit { flow, bytes });
                }
                sip::Output::Event(event) => self.sip_event(event),
            }
        }
    }

    fn sip_event(&mut self, event: sip::Event) {
        match event {
            sip::Event::Request { server, flow, request } => self.requested(server, &flow, &request),
            sip::Event::Invite { session, flow, request, replaces } => {
                self.invited(session, &flow, &request, replaces.as_ref());
            }
            sip::Event::Progress { session, response } => self.progressed(session, &response),
            sip::Event::Answered { session, response } => self.callee_answered(session, &response),
            sip::Event::Acked { session, ack } => self.acked(session, &ack),
            sip::Event::Reoffer { session, server, request } => {
                self.reoffered(session, server, &request);
            }
            sip::Event::InDialog { session, server, request } => {
                self.asked_within(session, server, &request);
            }
            sip::Event::RefreshDue { session } => {
                if let Some(&leg) = self.sessions.get(&session) {
                    self.reoffer(leg);
                }
            }
            sip::Event::Ended { session, end } => self.session_ended(session, &end),
            sip::Event::Response { client, result } => self.responded(client, result),
        }
    }

    fn requested(&mut self, server: ServerId, flow: &Flow, request: &Message) {
        let answer = match request.method() {
            Some(Method::Register) => return self.register(server, flow, request),
            Some(Method::Options) => self.capabilities(),
            // RFC 5589 4: who asks for a transfer does so within his call.
            Some(Method::Refer) => Answer::status(403),
            Some(Method::Other(_)) | None => Answer::status(501).header(Name::Allow, ALLOW),
            Some(_) => Answer::status(405).header(Name::Allow, ALLOW),
        };
        self.endpoint.respond(self.now, server, answer);
    }

    /// The answer to OPTIONS.
    pub(crate) fn capabilities(&self) -> Answer {
        Answer::status(200)
            .header(Name::Allow, ALLOW)
            .header(Name::Accept, crate::call::audio::SDP)
            .header(Name::AcceptLanguage, "fr, en")
    }

    // ---- the other inputs

    fn media_event(&mut self, worker: WorkerId, event: media::Event) {
        match event {
            media::Event::Digit { leg, digit } => self.digit_pressed(leg, digit, Means::Event),
            media::Event::ToneDigit { leg, digit } => self.digit_pressed(leg, digit, Means::Tone),
            media::Event::PlayEnded { leg, play, end } => self.play_ended(leg, play, end),
            media::Event::DigitsSent { leg } => self.digits_sent(leg),
            media::Event::RecordEnded { leg, record, end, samples } => {
                self.recorded(leg, record, end, samples);
            }
            media::Event::Latched { .. } => {}
            media::Event::TimedOut { leg } => self.media_timed_out(leg),
            media::Event::Closed { leg, stats, .. } => {
                self.audio_closed(leg, worker);
                self.media_accounted(leg, stats);
            }
        }
    }

    fn deadline(&mut self, deadline: Deadline) {
        match deadline {
            Deadline::Ring(leg) => self.ring_timed_out(leg),
            Deadline::Gather(leg) => self.gather_timed_out(leg),
            Deadline::Reoffer(leg) => self.reoffer_again(leg),
            Deadline::Bridge(leg) => self.bridge_timed_out(leg),
            Deadline::Release(leg) => self.release(leg),
            Deadline::Next(instance) => self.next_timed_out(instance),
            Deadline::Sleep(instance, token) => self.slept(instance, token),
            Deadline::Plugin(instance, timer) => self.plugin_timer(instance, timer),
            Deadline::Grace(instance) => self.grace_over(instance),
            Deadline::CallTime(instance) => self.call_time_over(instance),
            Deadline::Question(question) => self.question_timed_out(question),
            Deadline::Launch(launch) => self.place_launch(launch),
            Deadline::Pace(plugin) => self.watch_pace(&plugin),
        }
    }

    fn stored(&mut self, token: Token, result: Result<(), String>) {
        match self.storing.remove(&token) {
            Some(Storing::Attempt(launch)) => self.attempt_stored(launch, result),
            Some(Storing::AttemptEnd { plugin, end }) => self.attempt_end_stored(&plugin, end),
            Some(Storing::Recording { leg, record, end, value }) => {
                let unavailable =
                    |reason| Error::Unavailable(format!("the recording is not stored: {reason}"));
                let outcome = result.map(|()| *value).map_err(unavailable);
                self.recording_stored(leg, record, end, outcome);
            }
            None => {}
        }
    }

    /// Running calls keep what they have.
    fn configure(&mut self, settings: Arc<Settings>) {
        if settings.realm != self.settings.realm {
            self.authenticator = Authenticator::new(&settings.realm, self.key, NONCE_LIFETIME);
        }
        self.endpoint.set_session_expires(session_expires(&settings));
        self.endpoint.set_advertised(settings.advertised.clone());
        self.settings = settings;
        self.forget_removed_users();
        self.watch_all_paces();
    }

    fn shut_down(&mut self) {
        if std::mem::replace(&mut self.shutting_down, true) {
            return;
        }
        let info = HangupInfo::new(Cause::Shutdown, 0);
        self.end_all_launches(info);
        let calls: Vec<CallKey> = self.calls.keys().copied().collect();
        for call in calls {
            self.hang_up_call(call, info);
        }
        let services: Vec<InstanceId> = self.services.values().copied().collect();
        for service in services {
            self.post(service, Event::Stop(StopReason::Shutdown));
        }
    }

    // ---- for all rooms

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn next_token(&mut self) -> Token {
        self.last_token += 1;
        Token(self.last_token)
    }

    pub(crate) fn next_launch(&mut self) -> u64 {
        self.last_launch += 1;
        self.last_launch
    }

    /// Unix milliseconds.
    pub(crate) fn unix_at(&self, at: Time) -> u64 {
        (self.started_unix + at).as_millis() as u64
    }

    /// A leg from its first moment on.
    pub(crate) fn add_leg(&mut self, key: CallKey, id: LegId, leg: Leg) {
        if let Some(call) = self.calls.get_mut(&key) {
            call.first.get_or_insert(id);
            call.legs.insert(id);
        }
        if let Some(owner) = leg.owner.and_then(|owner| self.instances.get_mut(&owner)) {
            owner.legs.insert(id);
        }
        let info = &leg.info;
        let started = Happened::Started {
            direction: info.direction,
            caller: info.caller.clone(),
            callee: info.callee.clone(),
        };
        self.legs.insert(id, leg);
        self.trace(id, started);
    }

    pub(crate) fn notice(&mut self, level: Level, text: String, call: Option<String>) {
        self.outputs.push_back(Output::Notice { level, text, call });
    }
}

/// Seconds, as SIP wants them.
fn session_expires(settings: &Settings) -> u32 {
    u32::try_from(settings.session_expires.as_secs()).unwrap_or(u32::MAX)
}
