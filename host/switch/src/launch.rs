//! Calls that a service launches: their pace, and that each attempt is written down before its INVITE.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jackfield_media::LegId;

use crate::{
    call::{
        CallKey,
        dial::{DialOrder, Purpose},
    },
    command::{Cause, Direction, Error, Event, HangupInfo, LaunchEnd, LaunchOptions, Value},
    io::{InstanceId, Output, Token, Write},
    pace::Pace,
    settings::LaunchLimits,
    switch::{Storing, Switch},
    timer::{Deadline, TimerId},
    user::Caller,
};

/// Ends that are kept for a service that is being restarted, or does not read.
const MAX_KEPT_ENDS: usize = 1024;

/// All launches, and the pace of each plugin that makes them.
#[derive(Debug, Default)]
pub(crate) struct Launches {
    under_way: BTreeMap<u64, Launch>,
    paces: BTreeMap<String, PluginPace>,
    kept_ends: BTreeMap<String, VecDeque<LaunchEnd>>,
}

#[derive(Debug)]
struct Launch {
    plugin: String,
    options: LaunchOptions,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The attempt is being written; the instance waits for it.
    Storing {
        instance: InstanceId,
        token: Token,
        abandoned: Option<HangupInfo>,
    },
    /// Written; its turn comes when the pace lets it.
    Due(TimerId),
    Calling(CallKey),
}

#[derive(Debug, Default)]
struct PluginPace {
    pace: Pace,
    /// Instances that were refused and wait for `launch-ready`.
    waiting: BTreeSet<InstanceId>,
    timer: Option<TimerId>,
}

impl Launches {
    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Launches that are granted and have no call yet.
    pub(crate) fn promised(&self) -> usize {
        let is_promised = |launch: &&Launch| !matches!(launch.state, State::Calling(_));
        self.under_way.values().filter(is_promised).count()
    }
}

impl Switch {
    /// The reply comes when the attempt is stored.
    pub(crate) fn launch(
        &mut self,
        instance: InstanceId,
        token: Token,
        options: LaunchOptions,
    ) -> Result<Option<Value>, Error> {
        let (plugin, limits) = self.launch_limits(instance)?;
        if self.shutting_down {
            return Err(Error::Unavailable("the exchange shuts down".to_owned()));
        }
        let room = self.room_for_calls();
        let pace = self.launches.paces.entry(plugin.clone()).or_default();
        if room == 0 || pace.pace.room(self.now, limits) == 0 {
            pace.waiting.insert(instance);
            self.watch_pace(&plugin);
            return Err(match room {
                0 => self.no_room_for_calls(),
                _ => Error::Limit("launches at once or per second".to_owned()),
            });
        }
        pace.pace.grant(self.now);
        let launch = self.next_launch();
        let store = self.next_token();
        let write = Write::AttemptStarted {
            launch,
            plugin: plugin.clone(),
            contact: options.contact,
            target: options.target.clone(),
            at: self.unix_at(self.now),
        };
        self.storing.insert(store, Storing::Attempt(launch));
        self.outputs.push_back(Output::Store { token: Some(store), write });
        let state = State::Storing { instance, token, abandoned: None };
        self.launches.under_way.insert(launch, Launch { plugin, options, state });
        Ok(None)
    }

    pub(crate) fn slots(&self, instance: InstanceId) -> Result<Value, Error> {
        let (plugin, limits) = self.launch_limits(instance)?;
        let slots = match self.launches.paces.get(&plugin) {
            Some(pace) => (pace.pace.under_way(), pace.pace.room(self.now, limits)),
            None => (0, Pace::default().room(self.now, limits)),
        };
        Ok(Value::Slots(slots.0, slots.1.min(self.room_for_calls())))
    }

    /// `dialer.cancel`: the launch ends as cancelled, and says so by its `launch-ended`.
    pub(crate) fn cancel_launch(&mut self, instance: InstanceId, launch: u64) -> Result<Value, Error> {
        let plugin = self.instances.get(&instance).map(|instance| &instance.plugin);
        let own = self.launches.under_way.get(&launch).is_some_and(|launch| Some(&launch.plugin) == plugin);
        if !own {
            return Err(Error::NotFound("no such launch is under way".to_owned()));
        }
        self.end_launch(launch, HangupInfo::new(Cause::Cancelled, 0));
        Ok(Value::Done)
    }

    /// The guest gave up waiting for its number.
    pub(crate) fn abandon_launch(&mut self, instance: InstanceId, token: Token) {
        let waits = |launch: &Launch| matches!(launch.state, State::Storing { instance: i, token: t, .. } if (i, t) == (instance, token));
        let found = self.launches.under_way.iter().find(|(_, launch)| waits(launch)).map(|(&n, _)| n);
        if let Some(launch) = found {
            self.end_launch(launch, HangupInfo::new(Cause::Cancelled, 0));
        }
    }

    pub(crate) fn end_all_launches(&mut self, info: HangupInfo) {
        let all: Vec<u64> = self.launches.under_way.keys().copied().collect();
        for launch in all {
            self.end_launch(launch, info);
        }
    }

    fn end_launch(&mut self, number: u64, info: HangupInfo) {
        let Some(launch) = self.launches.under_way.get_mut(&number) else { return };
        match &mut launch.state {
            // Its end can be written once its start is.
            State::Storing { abandoned, .. } => *abandoned = Some(info),
            State::Due(timer) => {
                self.timers.cancel(*timer);
                self.launch_ended(number, None, info, Vec::new());
            }
            State::Calling(key) => {
                let key = *key;
                self.hang_up_call(key, info);
            }
        }
    }

    /// The attempt is written down, or could not be.
    pub(crate) fn attempt_stored(&mut self, number: u64, result: Result<(), String>) {
        let Some(launch) = self.launches.under_way.get_mut(&number) else { return };
        let State::Storing { instance, token, abandoned } = launch.state else { return };
        let plugin = launch.plugin.clone();
        if let Err(reason) = result {
            self.launches.under_way.remove(&number);
            self.reply(
                instance,
                token,
                Err(Error::Unavailable(format!("the attempt is not stored: {reason}"))),
            );
            self.leave_pace(&plugin);
            return;
        }
        self.reply(instance, token, Ok(Value::Number(number)));
        if let Some(info) = abandoned {
            self.launch_ended(number, None, info, Vec::new());
            return;
        }
        // Limits that were taken away meanwhile do not hold back what is written down already.
        let limits = self.limits_of(&plugin).unwrap_or(LaunchLimits { at_once: 1, per_second: 1 });
        let Some(pace) = self.launches.paces.get_mut(&plugin) else { return };
        let at = pace.pace.schedule(self.now, limits);
        let timer = self.timers.set(at, Deadline::Launch(number));
        launch_state(&mut self.launches, number, State::Due(timer));
        if at <= self.now {
            self.timers.cancel(timer);
            self.place_launch(number);
        }
    }

    /// Its turn has come.
    pub(crate) fn place_launch(&mut self, number: u64) {
        let Some(launch) = self.launches.under_way.get(&number) else { return };
        let options = launch.options.clone();
        let caller = Caller {
            number: options.caller.clone().unwrap_or_else(|| "anonymous".to_owned()),
            name: options.caller_name.clone().unwrap_or_default(),
            trunk: launch.plugin.clone(),
            is_user: false,
        };
        let presented = (caller.number.clone(), caller.name.clone());
        let key = self.new_call(Direction::Outbound, caller, options.target.clone());
        launch_state(&mut self.launches, number, State::Calling(key));
        if let Some(call) = self.calls.get_mut(&key) {
            call.launch = Some(number);
        }
        let not_found = |_| HangupInfo::new(Cause::NotFound, 404);
        let dialled = self.callees(&[options.target]).map_err(not_found).and_then(|callees| {
            let order = DialOrder {
                from: None,
                callees,
                ring: options.ring_timeout,
                caller: presented,
                headers: Vec::new(),
                ringback: None,
                purpose: Purpose::Launch(number),
                owner: None,
            };
            self.dial(key, order)
        });
        if let Err(info) = dialled {
            if let Some(call) = self.calls.get_mut(&key) {
                call.end = Some(info);
            }
            self.finish_call(key);
        }
    }

    /// The callee has answered: the app plugin takes the call.
    pub(crate) fn launch_answered(&mut self, number: u64, key: CallKey, leg: LegId) {
        let Some(launch) = self.launches.under_way.get(&number) else { return };
        let (app, args) = (launch.options.app.clone(), launch.options.args.clone());
        self.start_plugin(key, leg, app, args);
    }

    /// The call of a launch is over, or never began.
    pub(crate) fn launch_ended(
        &mut self,
        number: u64,
        answered_at: Option<u64>,
        info: HangupInfo,
        results: Vec<(String, String)>,
    ) {
        let Some(launch) = self.launches.under_way.remove(&number) else { return };
        let contact = launch.options.contact;
        let ended_at = self.unix_at(self.now);
        let write = Write::AttemptEnded {
            launch: number,
            contact,
            answered_at,
            ended_at,
            info,
            results: results.clone(),
        };
        let store = self.next_token();
        self.outputs.push_back(Output::Store { token: Some(store), write });
        let end = LaunchEnd { launch: number, contact, answered_at, info, results };
        self.storing.insert(store, Storing::AttemptEnd { plugin: launch.plugin, end });
    }

    /// The service is told when the store knows it too: it asks there who is due. A store that
    /// fails is the driver's trouble, and no reason to wait.
    pub(crate) fn attempt_end_stored(&mut self, plugin: &str, end: LaunchEnd) {
        let kept = self.launches.kept_ends.entry(plugin.to_owned()).or_default();
        if kept.len() == MAX_KEPT_ENDS {
            kept.pop_front();
        }
        kept.push_back(end);
        self.deliver_kept_ends(plugin);
        self.leave_pace(plugin);
    }

    /// Tells a service of the ends that it has room for. The others wait: until it has read, or,
    /// while it is being restarted, for the next one.
    pub(crate) fn deliver_kept_ends(&mut self, plugin: &str) {
        let Some(&service) = self.services.get(plugin) else { return };
        while self.instances.get(&service).is_some_and(|instance| !instance.inbox.is_full()) {
            let kept = self.launches.kept_ends.get_mut(plugin).and_then(VecDeque::pop_front);
            let Some(end) = kept else {
                self.launches.kept_ends.remove(plugin);
                return;
            };
            self.post(service, Event::LaunchEnded(end));
        }
    }

    // ---- pace

    fn leave_pace(&mut self, plugin: &str) {
        if let Some(pace) = self.launches.paces.get_mut(plugin) {
            pace.pace.ended();
        }
        // Its place may be one of the exchange's, for which others wait too.
        self.watch_all_paces();
    }

    /// Tells the instances that wait for a free place, now or when the time comes.
    pub(crate) fn watch_pace(&mut self, plugin: &str) {
        let limits = self.limits_of(plugin);
        let is_full = self.room_for_calls() == 0;
        let Some(pace) = self.launches.paces.get_mut(plugin) else { return };
        self.timers.cancel(pace.timer.take());
        // When a call ends, we are here again.
        let Some(limits) = limits.filter(|_| !pace.waiting.is_empty() && !is_full) else { return };
        match pace.pace.ready_at(self.now, limits) {
            Some(at) if at <= self.now => {
                for instance in std::mem::take(&mut pace.waiting) {
                    self.post(instance, Event::LaunchReady);
                }
            }
            Some(at) => pace.timer = Some(self.timers.set(at, Deadline::Pace(plugin.to_owned()))),
            None => {}
        }
    }

    /// A call has ended, or the limits may have changed.
    pub(crate) fn watch_all_paces(&mut self) {
        let waits = |pace: &&PluginPace| !pace.waiting.is_empty();
        let plugins = self.launches.paces.iter().filter(|(_, pace)| waits(pace));
        let plugins: Vec<String> = plugins.map(|(plugin, _)| plugin.clone()).collect();
        for plugin in plugins {
            self.watch_pace(&plugin);
        }
    }

    /// An instance has ended: nobody is to be told.
    pub(crate) fn stop_waiting_for_pace(&mut self, instance: InstanceId) {
        for pace in self.launches.paces.values_mut() {
            if pace.waiting.remove(&instance) && pace.waiting.is_empty() {
                self.timers.cancel(pace.timer.take());
            }
        }
    }

    fn launch_limits(&self, instance: InstanceId) -> Result<(String, LaunchLimits), Error> {
        let plugin = self.instances.get(&instance).map(|instance| instance.plugin.clone());
        let plugin = plugin.unwrap_or_default();
        let limits = self.limits_of(&plugin).ok_or_else(|| Error::Denied("launch".to_owned()))?;
        Ok((plugin, limits))
    }

    fn limits_of(&self, plugin: &str) -> Option<LaunchLimits> {
        self.settings.plugins.get(plugin)?.launch
    }
}

fn launch_state(launches: &mut Launches, number: u64, state: State) {
    if let Some(launch) = launches.under_way.get_mut(&number) {
        launch.state = state;
    }
}
