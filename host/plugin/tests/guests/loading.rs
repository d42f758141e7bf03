//! From files to a version: what is taken, and what is refused with which words.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::world::*;
use jackfield_plugin::{
    Capabilities, CompiledCache, Grant, Kind, Limits, LoadError, NoCache, Refused, Source, Speech,
};
use jackfield_switch::InstanceEnd;

fn plain() -> Vec<u8> {
    app(OK)
}

fn refusal(source: Source) -> String {
    load(source).err().expect("it was loaded").to_string()
}

#[test]
fn core_modules_and_components_are_both_taken() {
    let module = plain();
    let component = wit_component::ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    for wasm in [module, component] {
        let version = loaded(source("app", wasm));
        assert_eq!(version.kinds(), [Kind::App]);
        assert_eq!(World::silent().call(&version), InstanceEnd::Returned);
    }
}

#[test]
fn what_is_not_wasm_is_refused() {
    for bytes in [&b"\x89PNG\r\n\x1a\n"[..], b"\0as"] {
        assert_eq!(load(source("app", bytes.into())).err(), Some(LoadError::NotWasm("menu.wasm".into())));
    }
    assert_eq!(load(source("app", Vec::new())).err(), Some(LoadError::Empty("menu.wasm".into())));
}

#[test]
fn a_file_cut_short_at_any_byte_is_refused_without_a_panic() {
    let module = plain();
    let component = wit_component::ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    for whole in [module, component] {
        for length in (4..whole.len()).step_by(whole.len() / 50) {
            assert!(load(source("app", whole[..length].into())).is_err(), "{length} of {}", whole.len());
        }
        let cut = whole[..whole.len() - 1].to_vec();
        assert_eq!(load(source("app", cut)).err(), Some(LoadError::Truncated("menu.wasm".into())));
    }
}

#[test]
fn a_module_without_its_wit_section_is_refused() {
    let bare = wat::parse_str("(module (func (export \"handle\")))").unwrap();
    let text = refusal(source("app", bare));
    assert!(text.contains("core module without a WIT section"), "{text}");
}

#[test]
fn unknown_imports_are_named() {
    let wasm = wat::parse_str(
        "(component (import \"jackfield:plugin/fax@0.1.0\" (instance (export \"send\" (func)))))",
    )
    .unwrap();
    let text = refusal(source("app", wasm));
    assert!(text.contains("jackfield:plugin/fax@0.1.0"), "{text}");
}

#[test]
fn the_manifests_kind_must_be_what_is_exported() {
    let text = refusal(source("service", plain()));
    assert_eq!(text, "plugin.toml says kind service, but the component exports app");
}

#[test]
fn a_manifest_that_asks_for_more_than_is_granted_is_refused() {
    let asks = manifest("app", "[capabilities]\ndial = [\"10X\", \"9*\"]\n");
    let grant = Grant { dial: vec!["10X".into()], ..Grant::default() };
    assert!(grant.covers(&Capabilities::default()).is_ok());
    let text = refusal(Source { manifest: asks, grant, ..source("app", plain()) });
    assert!(text.contains("dial = [\"9*\"]; add it to `grant` of [plugins.ivr]"), "{text}");
}

#[test]
fn memory_at_the_start_above_the_limit_is_refused() {
    let limits = Limits { memory: 32 << 10, ..Limits::default() };
    let text = refusal(Source { limits, ..source("app", plain()) });
    assert!(text.contains("64 KiB of memory at its start, more than the limit of 32 KiB"), "{text}");
}

#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, Vec<u8>>>);

impl CompiledCache for Kept {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.0.lock().unwrap().insert(key.into(), bytes.into());
    }
}

#[test]
fn a_compiled_component_is_taken_from_the_cache_and_compiled_anew_when_it_is_damaged() {
    let cache = Kept::default();
    let run = || {
        let version = engine().load(source("app", plain()), &cache).unwrap();
        assert_eq!(World::silent().call(&version), InstanceEnd::Returned);
    };
    run();
    let (key, compiled) = cache.0.lock().unwrap().iter().map(|(k, v)| (k.clone(), v.clone())).next().unwrap();
    assert!(key.starts_with(engine().load(source("app", plain()), &NoCache).unwrap().sha256()));
    run();
    for damaged in [compiled[..compiled.len() / 2].to_vec(), vec![0; 10], {
        let mut flipped = compiled.clone();
        flipped[compiled.len() / 2] ^= 1;
        flipped
    }] {
        cache.0.lock().unwrap().insert(key.clone(), damaged);
        run();
        assert_eq!(cache.0.lock().unwrap()[&key], compiled, "it was replaced");
    }
    deterministic().load(source("app", plain()), &cache).unwrap();
    assert_eq!(cache.0.lock().unwrap().len(), 2, "an engine of another kind has a key of its own");
}

#[test]
fn a_plugin_says_who_it_is() {
    let world = World::silent();
    let info = finish(loaded(source("app", plain())).validate(&world.host)).unwrap();
    assert_eq!((&*info.name, &*info.version), ("wat ", "1.0"));
}

#[test]
fn a_plugin_that_finds_fault_with_its_settings_is_refused() {
    // One finding: path ["menu"], "has no fate", no help.
    let code = format!(
        "(data (i32.const 1100) \"menuhas no fate\")
         (func $validate (result i32)
           (i32.store (i32.const 1200) (i32.const 1100)) (i32.store (i32.const 1204) (i32.const 4))
           (i32.store (i32.const 1220) (i32.const 1200)) (i32.store (i32.const 1224) (i32.const 1))
           (i32.store (i32.const 1228) (i32.const 1104)) (i32.store (i32.const 1232) (i32.const 11))
           (i32.store8 (i32.const 960) (i32.const 1))
           (i32.store (i32.const 964) (i32.const 1220)) (i32.store (i32.const 968) (i32.const 1))
           (i32.const 960))
         (func $handle (param $call i32) (result i32) {OK})"
    );
    let version = loaded(source("app", guest("call-app", &code)));
    let refused = finish(version.validate(&World::silent().host)).unwrap_err();
    assert_eq!(refused.to_string(), "menu: has no fate");
}

#[test]
fn the_check_of_the_settings_has_no_call_and_no_store() {
    let code = format!(
        "(func $validate (result i32) (call $kv_add (i32.const 0) (i32.const 0) (i64.const 1) (i32.const 0))
           (if (i32.ne (i32.load8_u (i32.const 0)) (i32.const 1)) (then unreachable))
           (if (i32.ne (i32.load8_u (i32.const 8)) (i32.const 1)) (then unreachable))
           (call $sleep (i32.const 1)) unreachable)
         (func $handle (param $call i32) (result i32) {OK})"
    );
    let version = loaded(source("app", guest("call-app", &code)));
    let refused = finish(version.validate(&World::willing().host)).unwrap_err();
    let Refused::Trap(text) = &refused else { panic!("{refused}") };
    assert!(text.contains("not while settings are checked") && text.contains("in validate"), "{text}");
}

#[test]
fn settings_that_break_the_schema_never_reach_the_plugin() {
    let strict = manifest("app", "[config-schema]\nsales = { type = \"string\", required = true }\n");
    let text = refusal(Source { manifest: strict, ..source("app", plain()) });
    assert_eq!(text, "its settings are wrong: sales: is missing (set `sales` in [config])");
}

#[test]
fn versions_of_one_engine_are_independent() {
    let versions: Vec<_> = (0..20).map(|_| loaded(source("app", plain()))).collect();
    assert!(versions.iter().all(|version| World::silent().call(version) == InstanceEnd::Returned));
    assert_eq!(Arc::strong_count(&versions[0]), 1);
}

/// Says a sentence while its settings are checked; follows the end of `handle`, and has no end of its own.
const HERALD: &str = "(data (i32.const 1100) \"Bonjourfr\")
    (func $validate (result i32)
      (call $say (i32.const 1100) (i32.const 7) (i32.const 1107) (i32.const 2) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 100))
      (if (i32.load8_u (i32.const 100)) (then unreachable))
      (i32.store8 (i32.const 960) (i32.const 0))
      (i32.store (i32.const 964) (i32.const 1000)) (i32.store (i32.const 968) (i32.const 4))
      (i32.store (i32.const 972) (i32.const 1004)) (i32.store (i32.const 976) (i32.const 3))
      (i32.const 960)";

#[test]
fn what_is_said_while_settings_are_checked_is_announced_and_not_spoken() {
    let version = loaded(source("app", app(&format!("{OK}) {HERALD}"))));
    assert!(version.announced().is_empty());
    for _ in 0..2 {
        finish(version.validate(&World::silent().host)).unwrap();
        let sentence = Speech { text: "Bonjour".into(), lang: "fr".into(), ..Speech::default() };
        assert_eq!(version.announced(), [sentence]);
    }
}
