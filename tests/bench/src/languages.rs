//! What the languages of plugins cost: the same menu, `examples/menu`, in each of them.
//!
//! The call is that of the menu's first key: answered, asked, the key noted, dialled, bridged, ended. As in `script`,
//! each verb is answered at once, and what the switch does with it is not in the figure.

use std::{collections::BTreeMap, fs, sync::Arc, task::Poll, time::Instant};

use jackfield_media::LegId;
use jackfield_plugin::{
    Engine, EngineOptions, Grant, Kind, Limits, Manifest, NoCache, Runtime, Script, Source,
};
use jackfield_switch::{Command, Input, InstanceEnd, InstanceId, Value};

use crate::{
    house::{self, Guest, House},
    parked::resident,
    paths,
    report::Figure,
    script::{answer, repeat},
    speaking::Speaking,
};

/// And how many of their calls are parked: enough for the pages of one to show.
const LANGUAGES: [(&str, u32); 4] = [("rust", 200), ("c", 200), ("js", 100), ("python", 30)];
const INSTANCE: InstanceId = InstanceId(2);
const LEG: LegId = LegId(7);
const WARM_UP: u32 = 50;
const CALLS: u32 = 300;

pub(crate) fn figures() -> Vec<Figure> {
    LANGUAGES.iter().flat_map(|(language, parked)| of(language, *parked)).collect()
}

fn of(language: &str, parked: u32) -> Vec<Figure> {
    let source = source(language);
    let own = source.script.as_ref().map_or(source.wasm.len(), |script| script.text.len());
    let compiled = compile_time(source.clone());
    let mut house =
        House::of(source, parked.max(WARM_UP)).unwrap_or_else(|error| panic!("{language}: {error}"));
    house.host.services = Arc::new(Speaking::before(house.host.services.clone()));
    repeat(WARM_UP, || run(&house));
    let call = repeat(CALLS, || run(&house));
    let waiting = waiting(&house, parked);
    let figure = |name: &str, value: f64, unit: &str| Figure::new(format!("{language}_{name}"), value, unit);
    vec![
        figure("size", own as f64 / 1024.0, "KiB"),
        figure("compile", compiled, "ms"),
        figure("call", call, "us"),
        figure("parked_call", waiting, "KiB"),
    ]
}

fn source(language: &str) -> Source {
    let folder = paths::menu(language);
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; build it with `make languages`", path.display()))
    };
    let manifest = String::from_utf8(read("plugin.toml")).expect("TOML is text");
    let manifest = Manifest::parse(&manifest).unwrap_or_else(|error| panic!("{language}: {error}"));
    let text = read(manifest.plugin.file());
    let (wasm, script) = match manifest.plugin.runtime {
        None => (text, None),
        Some(runtime) => {
            let name = manifest.plugin.main.clone();
            let script = Script { name, text: String::from_utf8(text).expect("a script is text") };
            (Runtime::runner(runtime, Kind::App).unwrap_or_else(|error| panic!("{error}")), Some(script))
        }
    };
    Source {
        name: language.to_owned(),
        settings: manifest.settings(&toml::Table::new()),
        limits: Limits { calls: 1000, ..Limits::agree(&manifest.limits, &Default::default()) },
        grant: Grant { dial: manifest.capabilities.dial.clone(), ..Grant::default() },
        manifest,
        wasm,
        script,
        prompts: BTreeMap::new(),
        number: 1,
    }
}

/// Wall milliseconds from the files to a version, the first time; a script's own is what follows its runner's.
fn compile_time(source: Source) -> f64 {
    let engine = Engine::new(EngineOptions { max_instances: 10, ..EngineOptions::default() });
    let engine = engine.unwrap_or_else(|error| panic!("{error}"));
    if source.script.is_some() {
        engine.load(source.clone(), &NoCache).unwrap_or_else(|error| panic!("{error}"));
    }
    let began = now();
    engine.load(source, &NoCache).unwrap_or_else(|error| panic!("{error}"));
    began.elapsed().as_secs_f64() * 1000.0
}

#[expect(clippy::disallowed_methods, reason = "how long a compiler takes is asked of the wall")]
fn now() -> Instant {
    Instant::now()
}

fn run(house: &House) {
    let mut guest = house.guest(INSTANCE, LEG, house::call_info());
    loop {
        if let Poll::Ready(end) = house::poll(&mut guest) {
            assert_eq!(end, InstanceEnd::Returned, "the menu runs to its end");
            return;
        }
        let Some(Input::Command { instance, token, command }) = house.next_input() else {
            continue;
        };
        house.host.replies.deliver(instance, token, Ok(answer(&command)));
    }
}

/// KiB of a call that waits for a key.
fn waiting(house: &House, count: u32) -> f64 {
    let mut guests: Vec<Guest> = Vec::new();
    let before = resident();
    for number in 0..count {
        guests.push(park(house, InstanceId(2 + 2 * u64::from(number))));
    }
    (resident() - before) / f64::from(count)
}

fn park(house: &House, instance: InstanceId) -> Guest {
    let mut guest = house.guest(instance, LEG, house::call_info());
    loop {
        if let Poll::Ready(end) = house::poll(&mut guest) {
            panic!("the menu ended too soon: {end:?}");
        }
        match house.next_input() {
            Some(Input::Command { command: Command::Gather { .. }, .. }) => return guest,
            Some(Input::Command { instance, token, .. }) => {
                house.host.replies.deliver(instance, token, Ok(Value::Done));
            }
            _ => {}
        }
    }
}
