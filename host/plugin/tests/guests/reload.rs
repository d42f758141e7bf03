//! Versions that follow each other while calls are up.

use std::{pin::pin, sync::Arc, time::Duration};

use crate::world::*;
use jackfield_plugin::{PluginState, Plugins, Source, Version};
use jackfield_switch::{InstanceEnd, Token, Value};

fn numbered(number: u64) -> Arc<Version> {
    let wasm = app("(call $answer (local.get $call) (i32.const 0)) (i32.const 0)");
    loaded(Source { number, ..source("app", wasm) })
}

fn lines(plugins: &Plugins) -> Vec<(u64, PluginState, u32)> {
    plugins.status().iter().map(|line| (line.number, line.state, line.calls)).collect()
}

#[test]
fn running_calls_finish_on_their_version() {
    let (plugins, world) = (Plugins::new(), World::silent());
    assert!(plugins.live("ivr").is_none());
    plugins.install(numbered(1));
    let first = plugins.live("ivr").unwrap();
    {
        let mut call = pin!(first.handle(&world.host, INSTANCE, LEG, call_info()));
        assert!(poll(&mut call).is_pending());

        let former = plugins.install(numbered(2)).unwrap();
        assert_eq!(former.number(), 1);
        assert_eq!(plugins.live("ivr").unwrap().number(), 2);
        assert_eq!(lines(&plugins), [(2, PluginState::Live, 0), (1, PluginState::Draining, 1)]);

        world.host.replies.deliver(INSTANCE, Token(0), Ok(Value::Done));
        assert_eq!(finish(call.as_mut()), InstanceEnd::Returned);
    }
    assert_eq!(lines(&plugins), [(2, PluginState::Live, 0)]);
    let gone = Arc::downgrade(&first);
    drop(first);
    assert!(gone.upgrade().is_none(), "the registry does not keep what nobody runs");
}

#[test]
fn bad_files_change_nothing_but_the_error() {
    let plugins = Plugins::new();
    plugins.refuse("ivr", "menu.wasm is not WebAssembly".into());
    assert!(plugins.live("ivr").is_none());
    assert_eq!(lines(&plugins), [(0, PluginState::Failed, 0)]);

    plugins.install(numbered(1));
    assert_eq!(plugins.status()[0].error, None);
    plugins.refuse("ivr", "menu.wasm is cut short".into());
    assert_eq!(plugins.live("ivr").unwrap().number(), 1);
    let status = plugins.status();
    assert_eq!(
        (status[0].state, status[0].error.as_deref()),
        (PluginState::Live, Some("menu.wasm is cut short"))
    );
}

#[test]
fn five_traps_in_a_minute_stop_new_calls_until_a_reload() {
    let plugins = Plugins::new();
    plugins.install(numbered(1));
    let first = plugins.live("ivr").unwrap();
    let at = Duration::from_secs;
    for second in [0, 10, 20, 30, 60, 70, 80] {
        assert!(!plugins.trapped(at(second), &first), "never five within a minute");
    }
    assert!(plugins.trapped(at(89), &first), "after 30, 60, 70 and 80");
    assert!(plugins.is_failing("ivr"));
    assert_eq!(lines(&plugins), [(1, PluginState::Failing, 0)]);

    plugins.install(numbered(2));
    assert!(!plugins.is_failing("ivr"));
    for second in 90..99 {
        assert!(!plugins.trapped(at(second), &first), "the former version's traps are no longer of interest");
    }
}

#[test]
fn a_plugin_that_was_taken_out_finishes_its_calls() {
    let (plugins, world) = (Plugins::new(), World::silent());
    plugins.install(numbered(1));
    let version = plugins.live("ivr").unwrap();
    let mut call = pin!(version.handle(&world.host, INSTANCE, LEG, call_info()));
    assert!(poll(&mut call).is_pending());
    assert_eq!(plugins.remove("ivr").unwrap().number(), 1);
    assert!(plugins.live("ivr").is_none());
    assert_eq!(lines(&plugins), [(1, PluginState::Draining, 1)]);
    assert!(plugins.remove("nobody").is_none());
}
