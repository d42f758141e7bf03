//! Plugin instances: their legs, what they wait for, and how they end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jackfield_media::LegId;

use crate::{
    call::{CallKey, leg::NORMAL},
    command::{Cause, Event, HangupInfo, Reply, StopReason, Value},
    inbox::Inbox,
    io::{InstanceEnd, InstanceId, Level, Output, Token},
    switch::Switch,
    timer::{Deadline, TimerId},
};

/// Ended legs whose ends an instance may still ask for.
const MAX_GONE: usize = 64;

#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) plugin: String,
    /// None for a service.
    pub(crate) call: Option<CallKey>,
    /// The leg that it was started for.
    first: Option<LegId>,
    pub(crate) legs: BTreeSet<LegId>,
    pub(crate) gone: BTreeMap<LegId, HangupInfo>,
    pub(crate) inbox: Inbox,
    /// It waits for an event.
    pub(crate) next: Option<(Token, Option<TimerId>)>,
    pub(crate) sleeps: BTreeMap<Token, TimerId>,
    pub(crate) timers: BTreeMap<u64, PluginTimer>,
    pub(crate) grace: Option<TimerId>,
    /// None: as the settings say.
    after_hangup: Option<Duration>,
    pub(crate) call_time: Option<TimerId>,
    operations: u32,
}

/// A timer that the plugin started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PluginTimer {
    pub(crate) set: TimerId,
    pub(crate) every: Option<Duration>,
}

impl Instance {
    fn new(plugin: String, call: Option<CallKey>, first: Option<LegId>) -> Instance {
        Instance {
            plugin,
            call,
            first,
            legs: first.into_iter().collect(),
            gone: BTreeMap::new(),
            inbox: Inbox::default(),
            next: None,
            sleeps: BTreeMap::new(),
            timers: BTreeMap::new(),
            grace: None,
            after_hangup: None,
            call_time: None,
            operations: 0,
        }
    }

    /// A number for a `start-` verb.
    pub(crate) fn next_operation(&mut self) -> u32 {
        self.operations = self.operations.wrapping_add(1);
        self.operations
    }
}

impl Switch {
    /// Gives a leg to a new instance of an app plugin.
    pub(crate) fn start_plugin(
        &mut self,
        key: CallKey,
        id: LegId,
        plugin: String,
        args: Vec<(String, String)>,
    ) {
        // Those of services are odd, and the driver's.
        let instance = InstanceId(self.next_id() * 2);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.owner = Some(instance);
        leg.info.args = args;
        let info = leg.info.clone();
        let new = Instance::new(plugin.clone(), Some(key), Some(id));
        self.instances.insert(instance, new);
        if let Some(call) = self.calls.get_mut(&key) {
            call.instance = Some(instance);
            if call.answered.is_some() {
                call.connected = Some(format!("plugin:{plugin}"));
            }
        }
        self.outputs.push_back(Output::StartPlugin { instance, plugin, leg: id, call: info });
    }

    pub(crate) fn service_started(&mut self, id: InstanceId, plugin: String, max_events: usize) {
        let mut instance = Instance::new(plugin.clone(), None, None);
        instance.inbox.set_limit(max_events);
        self.instances.insert(id, instance);
        self.services.insert(plugin.clone(), id);
        self.deliver_kept_ends(&plugin);
        if self.shutting_down {
            self.post(id, Event::Stop(StopReason::Shutdown));
        }
    }

    /// Its limits are its version's, which only the driver knows.
    pub(crate) fn instance_started(
        &mut self,
        id: InstanceId,
        call_time: Duration,
        after_hangup: Duration,
        max_events: usize,
    ) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        instance.inbox.set_limit(max_events);
        instance.after_hangup = Some(after_hangup);
        let at = self.now.saturating_add(call_time);
        let former = instance.call_time.replace(self.timers.set(at, Deadline::CallTime(id)));
        self.timers.cancel(former);
    }

    /// It has had its call for as long as it may: the call ends, whoever talks.
    pub(crate) fn call_time_over(&mut self, id: InstanceId) {
        let Some(instance) = self.remove_instance(id) else { return };
        let call = instance.call.and_then(|key| self.calls.get(&key)).map(|call| call.id.clone());
        let text =
            format!("plugin {}: its call is over the time that it may last (call-time)", instance.plugin);
        self.notice(Level::Warn, text, call);
        self.outputs.push_back(Output::DropInstance { instance: id });
        self.end_legs(instance);
    }

    /// The end of an instance, as its host tells it.
    pub(crate) fn instance_ended(&mut self, id: InstanceId, end: InstanceEnd) {
        let Some(instance) = self.remove_instance(id) else { return };
        let call = instance.call.and_then(|key| self.calls.get(&key)).map(|call| call.id.clone());
        let broken = match &end {
            InstanceEnd::Returned => None,
            InstanceEnd::Failed(reason) => Some((Level::Warn, "failed", reason)),
            InstanceEnd::Trapped(reason) => Some((Level::Error, "trapped", reason)),
            InstanceEnd::NotStarted(reason) => Some((Level::Error, "did not start", reason)),
        };
        let Some((level, what, reason)) = broken else {
            self.end_legs(instance);
            return;
        };
        self.notice(level, format!("plugin {} {what}: {reason}", instance.plugin), call);
        let orphan = instance.first.filter(|first| self.legs.contains_key(first));
        let mut others = instance;
        others.legs.retain(|leg| Some(*leg) != orphan);
        let key = others.call;
        self.end_legs(others);
        if let (Some(leg), Some(key)) = (orphan, key) {
            self.silence(leg);
            self.route_failed(key, HangupInfo::new(Cause::Unavailable, 503));
        }
    }

    /// Ends what an instance leaves behind, and its call if nothing else is left of it.
    fn end_legs(&mut self, instance: Instance) {
        for leg in instance.legs {
            self.hang_up(leg, NORMAL);
        }
        if let Some(key) = instance.call {
            self.finish_call(key);
        }
    }

    fn remove_instance(&mut self, id: InstanceId) -> Option<Instance> {
        let mut instance = self.instances.remove(&id)?;
        let next = instance.next.take().and_then(|(_, timer)| timer);
        let timers = instance.timers.values().map(|timer| timer.set);
        for timer in timers
            .chain(instance.sleeps.values().copied())
            .chain(next)
            .chain(instance.grace)
            .chain(instance.call_time)
        {
            self.timers.cancel(timer);
        }
        if self.services.get(&instance.plugin) == Some(&id) {
            self.services.remove(&instance.plugin);
        }
        let call = instance.call.and_then(|key| self.calls.get_mut(&key));
        // A transfer may have given the call to another one.
        if let Some(call) = call.filter(|call| call.instance == Some(id)) {
            call.instance = None;
        }
        for leg in &instance.legs {
            if let Some(leg) = self.legs.get_mut(leg) {
                leg.owner = None;
            }
        }
        self.forget_questions(id);
        self.stop_waiting_for_pace(id);
        Some(instance)
    }

    /// A leg of an instance has ended.
    pub(crate) fn leg_left_instance(&mut self, id: InstanceId, leg: LegId, info: HangupInfo, secret: bool) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        instance.legs.remove(&leg);
        instance.gone.insert(leg, info);
        if instance.gone.len() > MAX_GONE {
            instance.gone.pop_first();
        }
        let is_alone = instance.call.is_some() && instance.legs.is_empty();
        if is_alone && instance.grace.is_none() {
            let time = instance.after_hangup.unwrap_or(self.settings.after_hangup);
            let at = self.now.saturating_add(time);
            instance.grace = Some(self.timers.set(at, Deadline::Grace(id)));
        }
        if !secret {
            self.post(id, Event::HungUp { leg, info });
        }
    }

    /// All legs have been gone for a while, and the guest has neither returned nor called anybody.
    pub(crate) fn grace_over(&mut self, id: InstanceId) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        instance.grace = None;
        if !instance.legs.is_empty() {
            return;
        }
        let Some(instance) = self.remove_instance(id) else { return };
        let call = instance.call.and_then(|key| self.calls.get(&key)).map(|call| call.id.clone());
        let text = format!(
            "plugin {} goes on after its call has ended: it is dropped (after-hangup)",
            instance.plugin
        );
        self.notice(Level::Warn, text, call);
        self.outputs.push_back(Output::DropInstance { instance: id });
        self.end_legs(instance);
    }

    // ---- events

    /// Puts an event where `next` finds it.
    pub(crate) fn post(&mut self, id: InstanceId, event: Event) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        if let Some((token, timer)) = instance.next.take() {
            self.timers.cancel(timer);
            self.reply(id, token, Ok(Value::Event(Some(event))));
        } else if instance.inbox.push(event) {
            let text = format!("plugin {} does not read its events: the oldest are lost", instance.plugin);
            let call = instance.call.and_then(|key| self.calls.get(&key)).map(|call| call.id.clone());
            self.notice(Level::Warn, text, call);
        }
    }

    pub(crate) fn next_event(
        &mut self,
        id: InstanceId,
        token: Token,
        timeout: Option<Duration>,
    ) -> Option<Value> {
        let instance = self.instances.get_mut(&id)?;
        if let Some(event) = instance.inbox.pop() {
            let plugin = instance.plugin.clone();
            self.deliver_kept_ends(&plugin);
            return Some(Value::Event(Some(event)));
        }
        if timeout == Some(Duration::ZERO) {
            return Some(Value::Event(None));
        }
        let timer = timeout.map(|time| self.timers.set(self.now.saturating_add(time), Deadline::Next(id)));
        let former = instance.next.replace((token, timer));
        if let Some((token, timer)) = former {
            self.timers.cancel(timer);
            self.reply(id, token, Ok(Value::Event(None)));
        }
        None
    }

    pub(crate) fn next_timed_out(&mut self, id: InstanceId) {
        let next = self.instances.get_mut(&id).and_then(|instance| instance.next.take());
        if let Some((token, _)) = next {
            self.reply(id, token, Ok(Value::Event(None)));
        }
    }

    pub(crate) fn slept(&mut self, id: InstanceId, token: Token) {
        let slept = self.instances.get_mut(&id).and_then(|instance| instance.sleeps.remove(&token));
        if slept.is_some() {
            self.reply(id, token, Ok(Value::Done));
        }
    }

    pub(crate) fn plugin_timer(&mut self, id: InstanceId, number: u64) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        match instance.timers.get_mut(&number) {
            Some(PluginTimer { set, every: Some(every) }) => {
                *set = self.timers.set(self.now.saturating_add(*every), Deadline::Plugin(id, number));
            }
            Some(_) => drop(instance.timers.remove(&number)),
            None => return,
        }
        // One that was not heard the last time has nothing new to say.
        if !instance.inbox.has_timer(number) {
            self.post(id, Event::Timer(number));
        }
    }

    pub(crate) fn reply(&mut self, instance: InstanceId, token: Token, reply: Reply) {
        self.outputs.push_back(Output::PluginReply { instance, token, reply });
    }
}
