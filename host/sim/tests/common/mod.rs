//! The school of La Plateforme in virtual time: its users, its menu and its campaign.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{path::PathBuf, time::Duration};

use jackfield_sim::{Counts, Heard, Phone, Plugin, Site, To, World, built};

pub(crate) const WELCOME: &str = "Bonjour et bienvenue chez La Plateforme !";
pub(crate) const ONE: &str = "Pour joindre Alice, taper 1.";
pub(crate) const TWO: &str = "Pour joindre Bob, taper 2.";
pub(crate) const THREE: &str = "Pour joindre Malcom, taper 3.";
pub(crate) const PROMPTS: [&str; 4] = [WELCOME, ONE, TWO, THREE];
pub(crate) const INVALID: &str = "Entrée invalide";
pub(crate) const GOODBYE: &str = "Nous n'avons pas reçu de réponse. Au revoir.";
/// An operator's script would wait no longer for anything here.
pub(crate) const LONG: Duration = Duration::from_secs(300);

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A plugin of the school's example, with the component that was built of `crate_name`.
pub(crate) fn school_plugin(name: &str, crate_name: &str) -> Plugin {
    let folder = root().join("examples/la-plateforme/plugins").join(name);
    let wasm = built(root().join("plugins"), crate_name);
    Plugin::folder_with(folder, wasm).unwrap_or_else(|error| panic!("{error}"))
}

/// Where the plugins of the tests are built.
pub(crate) fn guests() -> PathBuf {
    root().join("tests/guests")
}

/// A plugin of `tests/guests`, which have no manifests of their own.
pub(crate) fn guest(name: &str, kind: &str) -> Plugin {
    let wasm = built(guests(), name);
    let wasm = std::fs::read(&wasm)
        .unwrap_or_else(|error| panic!("{}: {error}; build it first: `make plugins`", wasm.display()));
    let manifest = format!(
        "[plugin]\nname = \"{name}\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\ncomponent = \"{name}.wasm\"\n\
         kind = [\"{kind}\"]\n[capabilities]\ndial = [\"*\"]\nrecord = true\nbus = [\"*\"]\n"
    );
    Plugin::new(&manifest, wasm).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn menu() -> Plugin {
    school_plugin("menu", "ivr")
}

/// Alice, Bob and Malcom, and the menu on 100.
pub(crate) fn school() -> Site {
    Site::new()
        .user("alice", "101")
        .user("bob", "102")
        .user("malcom", "103")
        .plugin("menu", menu())
        .route("100", To::plugin("menu").fallback("alice"))
        .route("10X", To::any_user())
}

pub(crate) fn open(site: Site) -> World {
    World::new(site).unwrap_or_else(|error| panic!("{error}"))
}

/// Somebody who has dialled the menu and hears it now.
pub(crate) fn caller(world: &World) -> Phone {
    let caller = world.outside("0612345678");
    caller.dial("100").await_answer();
    caller
}

/// The prompts of the menu, in order.
pub(crate) fn hear_prompts(caller: &Phone) -> Vec<Heard> {
    PROMPTS.iter().map(|prompt| caller.hear(prompt)).collect()
}

/// Nothing is left of any call.
pub(crate) fn assert_over(world: &World) {
    assert!(world.run_out(s(60)), "calls are still up: {:?}\n{}", world.counts(), world.trace());
    world.run_for(s(1));
    assert_eq!(world.counts(), Counts::default(), "{}", world.trace());
}
