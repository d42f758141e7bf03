//! Carries out what the switch asks for: flows, media, plugins, the store, the log.

use std::{sync::Arc, time::Duration};

use jackfield_media::WorkerId;
use jackfield_plugin::Host;
use jackfield_switch::{Input, Level, Output};
use tokio::runtime::Handle;
use tracing::{debug, error, info, warn};

use crate::{
    net::open::Opener,
    onlooker::{Onlooker, Seen},
    plugins::Instances,
    rtp,
    shard::{Inbox, Outlet},
    store::{Job, Writer},
};

pub struct House {
    pub runtime: Handle,
    pub inbox: Inbox,
    pub opener: Arc<Opener>,
    pub media: Vec<rtp::Handle>,
    pub instances: Arc<Instances>,
    pub host: Host,
    pub writer: Writer,
    pub onlooker: Onlooker,
}

impl Outlet for House {
    fn output(&mut self, _now: Duration, output: Output) {
        match output {
            // The shard sends itself.
            Output::Transmit { .. } => {}
            Output::Open { token, target } => {
                let (opener, inbox) = (self.opener.clone(), self.inbox.clone());
                self.runtime.spawn(async move {
                    let result = opener.open(target).await;
                    inbox.post(Input::Opened { token, result }).await;
                });
            }
            Output::Media { worker, command } => match self.media.get(usize::from(worker.0)) {
                Some(handle) => handle.send(command),
                None => error!(?worker, "no such media worker"),
            },
            Output::Move { leg, from, to } => {
                let worker = |id: WorkerId| self.media.get(usize::from(id.0));
                match (worker(from), worker(to)) {
                    (Some(from), Some(to)) => from.hand_over(leg, to),
                    _ => error!(?from, ?to, "no such media workers"),
                }
            }
            Output::StartPlugin { instance, plugin, leg, call } => {
                self.onlooker.show(|| Seen::Started { instance, plugin: plugin.clone(), call: call.clone() });
                self.instances.start(&self.host, instance, &plugin, leg, call);
            }
            Output::PluginReply { instance, token, reply } => {
                self.onlooker.show(|| Seen::Reply { instance, reply: reply.clone() });
                self.host.replies.deliver(instance, token, reply)
            }
            Output::DropInstance { instance } => self.instances.end(instance),
            Output::Store { token, write } => self.writer.submit(Job::Write { token, write }),
            Output::Underway(record) => self.writer.submit(Job::Underway(record)),
            Output::Record(record) => {
                info!(
                    call = record.id,
                    caller = record.caller,
                    callee = record.callee,
                    cause = ?record.end.cause,
                    "call ended"
                );
                self.onlooker.show(|| Seen::Record(record.clone()));
                self.writer.submit(Job::Record(record));
            }
            Output::Trace(event) => {
                self.onlooker.show(|| Seen::Event(event.clone()));
                self.writer.submit(Job::Trace(event));
            }
            Output::Linked { from, to } => self.writer.submit(Job::Linked { from, to }),
            Output::Notice { level, text, call } => notice(level, &text, call.as_deref()),
        }
    }
}

fn notice(level: Level, text: &str, call: Option<&str>) {
    match level {
        Level::Debug => debug!(call, "{text}"),
        Level::Info => info!(call, "{text}"),
        Level::Warn => warn!(call, "{text}"),
        Level::Error => error!(call, "{text}"),
    }
}
