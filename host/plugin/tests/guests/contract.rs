//! The contract's promise: it only grows, and what was built for it still runs when it has grown.

use std::{
    env, fs,
    path::Path,
    sync::{OnceLock, atomic::Ordering::Relaxed},
};

use crate::world::*;
use jackfield_plugin::{
    CONTRACT, Contract, Engine, EngineOptions, LoadError, Manifest, NoCache, Source, Speech,
};
use jackfield_switch::InstanceEnd;
use wit_component::WitPrinter;
use wit_parser::{Resolve, Stability, WorldItem};

// The text

/// The contract in `text`, printed without its docs, its version, and what was added after `released`.
fn as_of(released: &str, text: &str) -> Result<Vec<String>, String> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("all.wit", text).map_err(|error| error.to_string())?;
    let released = released.parse().unwrap();
    let added =
        |stability: &Stability| matches!(stability, Stability::Stable { since, .. } if *since > released);
    let (types, interfaces) = (resolve.types.clone(), resolve.interfaces.clone());
    let here = &mut resolve.packages[package];
    here.interfaces.retain(|_, id| !added(&interfaces[*id].stability));
    here.worlds.retain(|_, id| !added(&resolve.worlds[*id].stability));
    for (_, interface) in resolve.interfaces.iter_mut() {
        interface.functions.retain(|_, function| !added(&function.stability));
        interface.types.retain(|_, id| !added(&types[*id].stability));
    }
    let stays = |item: &WorldItem| match item {
        WorldItem::Interface { id, stability, .. } => !added(stability) && !added(&interfaces[*id].stability),
        WorldItem::Function(function) => !added(&function.stability),
        WorldItem::Type { id, .. } => !added(&types[*id].stability),
    };
    for (_, world) in resolve.worlds.iter_mut() {
        world.imports.retain(|_, item| stays(item));
        world.exports.retain(|_, item| stays(item));
    }
    let mut printer = WitPrinter::default();
    printer.emit_docs(false).print(&resolve, package, &[]).map_err(|error| error.to_string())?;
    let text = printer.output.to_string();
    // What is deprecated is still there.
    let lines =
        text.lines().filter(|line| !line.trim_start().starts_with('@') && !line.starts_with("package "));
    Ok(lines.map(str::to_owned).filter(|line| !line.is_empty()).collect())
}

/// What a released contract has and this one has not, or has in another shape or place, or unmarked.
fn broken(released: &str, text: &str) -> Vec<String> {
    let before = as_of(released, &contract(&format!("wit/released/{released}"), released)).unwrap();
    let now = match as_of(released, text) {
        Ok(now) => now,
        Err(error) => return vec![error],
    };
    let differs = before.iter().zip(&now).position(|(before, now)| before != now);
    match differs.or((before.len() != now.len()).then(|| before.len().min(now.len()))) {
        Some(at) => vec![format!("{:?} has become {:?}", before.get(at), now.get(at))],
        None => Vec::new(),
    }
}

fn released() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/released");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|name| name.parse::<Contract>().unwrap());
    names
}

/// Of the `package` line in every file.
fn version_of(folder: &str) -> Contract {
    let folder = format!("{}/../../{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut versions = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            let text = fs::read_to_string(&path).unwrap();
            let first = text.lines().next().and_then(|line| line.strip_prefix("package jackfield:plugin@"));
            versions.push(first.unwrap().trim_end_matches(';').parse().unwrap());
        }
    }
    versions.dedup();
    assert_eq!(versions.len(), 1, "{versions:?}");
    versions[0]
}

#[test]
fn the_contract_has_only_grown_since_each_release_of_its_series() {
    let now = version_of("wit");
    assert_eq!(CONTRACT, now, "`CONTRACT` is what the files say");
    let text = contract("wit", &now.to_string());
    let mut of_this_series = 0;
    for version in released() {
        let released: Contract = version.parse().unwrap();
        assert_eq!(version_of(&format!("wit/released/{version}")), released);
        if now.serves(released) {
            assert_eq!(broken(&version, &text), [""; 0], "since {version}");
            of_this_series += 1;
        }
    }
    assert!(of_this_series > 0);
}

#[test]
fn whatever_would_refuse_a_plugin_that_is_out_there_is_found() {
    let now = || contract("wit", "0.1.1");
    for (change, from, to) in [
        (
            "an enum's case",
            "enum direction { inbound, outbound }",
            "enum direction { inbound, outbound, within }",
        ),
        ("a record's field", "record header { name: string,", "record header { name: string, raw: bool,"),
        ("a variant's case", "limit(string),", "limit(string),\n        broken(string),"),
        ("a signature", "hold: func(music: string)", "hold: func(music: string, level: u32)"),
        ("a function gone", "next: func() -> u64;", ""),
        (
            "a function more, unmarked",
            "next: func() -> u64;",
            "next: func() -> u64;\n    more: func() -> u64;",
        ),
        ("a type's width", "type millis = u32;", "type millis = u64;"),
        ("an import gone", "import random;", ""),
        ("an export more", "export app;", "export app;\n    export service;"),
        (
            "of a version to come",
            "next: func() -> u64;",
            "next: func() -> u64;\n    @since(version = 0.1.2)\n    more: func() -> u64;",
        ),
    ] {
        let text = now();
        assert!(text.contains(from), "{change}");
        assert_ne!(broken("0.1.0", &text.replacen(from, to, 1)), [""; 0], "{change}");
    }
}

#[test]
fn what_is_marked_as_later_is_no_break() {
    for (change, from, to) in [
        (
            "a function",
            "next: func() -> u64;",
            "next: func() -> u64;\n    @since(version = 0.1.1)\n    bytes: func(count: u32) -> list<u8>;",
        ),
        (
            "a method and its type",
            "ring: func() -> result<_, error>;",
            "ring: func() -> result<_, error>;\n        @since(version = 0.1.1)\n        park: func() -> result<_, error>;",
        ),
        (
            "what is deprecated",
            "next: func() -> u64;",
            "@since(version = 0.1.0)\n    @deprecated(version = 0.1.1)\n    next: func() -> u64;",
        ),
        ("a comment", "next: func() -> u64;", "/// As good as dice.\n    next: func() -> u64;"),
    ] {
        let text = contract("wit", "0.1.1");
        assert!(text.contains(from), "{change}");
        assert_eq!(broken("0.1.0", &text.replacen(from, to, 1)), [""; 0], "{change}");
    }
    assert_eq!(broken("0.1.0", &with_fax("0.1.1")), [""; 0], "an interface that a world imports");
}

// The host

/// The contract as it could be at that version, with one interface more.
fn with_fax(version: &str) -> String {
    let text = contract("wit", version)
        .replace("world call-app {\n", "world call-app {\n    @since(version = 0.1.1)\n    import fax;\n");
    text + "@since(version = 0.1.1)\ninterface fax { next: func(number: u32) -> u32; }\n"
}

/// A host whose contract has grown to 0.1.2: `fax` is there too.
fn grown() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let options = EngineOptions { max_instances: 10, ..Default::default() };
    ENGINE.get_or_init(|| Engine::grown(options, "0.1.2".parse().unwrap(), "fax").unwrap())
}

fn app_for(version: &str, handle: &str) -> Vec<u8> {
    let code = format!("(func $handle (param $call i32) (result i32) {handle})");
    guest_with(&with_fax(version), version, "call-app", &code)
}

/// Sends 41, and traps unless 42 comes back.
fn faxing(version: &str) -> Vec<u8> {
    app_for(
        version,
        &format!("(if (i32.ne (call $fax (i32.const 41)) (i32.const 42)) (then unreachable)) {OK}"),
    )
}

fn wit(version: &str) -> Manifest {
    let manifest = manifest("app", "");
    let header = jackfield_plugin::Header { wit: version.parse().unwrap(), ..manifest.plugin };
    Manifest { plugin: header, ..manifest }
}

fn refusal(engine: &Engine, source: Source) -> LoadError {
    engine.load(source, &NoCache).err().expect("it was loaded")
}

#[test]
fn a_plugin_built_for_0_1_0_runs_on_a_host_that_has_added_an_interface() {
    for wasm in [app(OK), app("(call $answer (local.get $call) (i32.const 0)) (i32.const 0)")] {
        let version = grown().load(source("app", wasm), &NoCache).unwrap();
        assert_eq!(World::willing().call(&version), InstanceEnd::Returned);
    }
}

/// The guest that is built from source against the released text, and calls every function of it.
fn frozen() -> Source {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or("tests/guests/target".into());
    let file = root.join(target).join("wasm32-unknown-unknown/release/frozen.wasm");
    let wasm = fs::read(&file).unwrap_or_else(|error| {
        panic!("{}: {error}: run `scripts/build-plugins tests/guests` first", file.display())
    });
    let manifest = manifest("app\", \"service\", \"tts", "");
    Source { manifest, settings: serde_json::json!({ "greeting": "Bonjour" }), ..source("app", wasm) }
}

#[test]
fn one_that_uses_all_of_0_1_0_finds_all_of_it_there() {
    let world = World::willing();
    world.services.now.store(1, Relaxed);
    for engine in [engine(), grown()] {
        let version = engine.load(frozen(), &NoCache).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(finish(version.validate(&world.host)).unwrap().version, "0.1.0");
        let speech = Speech { text: "Bonjour".into(), ..Speech::default() };
        let spoken = finish(version.synthesize(&world.host, speech)).unwrap();
        assert_eq!((spoken.rate, spoken.samples.len()), (8000, 7 * 400));
    }
}

#[test]
fn one_that_uses_the_new_interface_runs_there_too_whatever_it_says_in_its_manifest() {
    for manifest in ["0.1.0", "0.1.1", "0.1.2"] {
        let source = Source { manifest: wit(manifest), ..source("app", faxing("0.1.1")) };
        let version = grown().load(source, &NoCache).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(World::willing().call(&version), InstanceEnd::Returned);
    }
}

#[test]
fn one_that_needs_a_newer_contract_is_refused_with_both_versions_named() {
    for (engine, has, needs) in
        [(engine(), "0.1.0", "0.1.1"), (engine(), "0.1.0", "0.2.0"), (grown(), "0.1.2", "0.1.3")]
    {
        // Also one that does not use what is new: it says itself what it was built for.
        for wasm in [app_for(needs, OK), faxing(needs)] {
            let refused = refusal(engine, source("app", wasm)).to_string();
            let expected = format!(
                "it needs jackfield:plugin {needs}, and this daemon has {has}: run a daemon that has {needs}"
            );
            assert!(refused.starts_with(&expected), "{refused}");
        }
        let refused = refusal(engine, Source { manifest: wit(needs), ..source("app", app(OK)) }).to_string();
        assert!(refused.contains(needs) && refused.contains("0.1."), "{refused}");
    }
}

#[test]
fn one_of_a_series_that_is_not_served_any_more_is_to_be_built_anew() {
    let code = format!("(func $handle (param $call i32) (result i32) {OK})");
    for needs in ["0.0.9", "0.1.0-draft"] {
        let refused = refusal(engine(), source("app", guest_of(needs, "call-app", &code))).to_string();
        let expected =
            format!("it needs jackfield:plugin {needs}, and this daemon has 0.1.0: build the plugin anew");
        assert!(refused.starts_with(&expected), "{refused}");
    }
}

#[test]
fn a_manifest_for_another_series_than_its_component_is_refused() {
    let refused = refusal(engine(), Source { manifest: wit("0.2.0"), ..source("app", app(OK)) }).to_string();
    assert!(refused.contains("write wit = \"0.1.0\""), "{refused}");
    let text =
        "[plugin]\nname = \"a\"\nversion = \"1\"\nwit = \"0.1\"\ncomponent = \"a.wasm\"\nkind = [\"app\"]\n";
    let error = Manifest::parse(text).unwrap_err();
    assert_eq!(error.line, 4, "{error}");
    assert!(
        error.to_string().contains("`0.1` is no version of jackfield:plugin: write \"0.1.0\""),
        "{error}"
    );
}
