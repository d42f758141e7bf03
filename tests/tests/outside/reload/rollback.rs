//! Back to the version before, at once; and what a restart runs.

use std::fs;

use jackfield_tests::await_within;

use super::{LIMIT, School, assert_unbroken, rename_over, replaced};
use crate::menu::PROMPTS;

const NEW: &str = "Alice vous répond si vous appuyez sur la touche 1.";
const NEWER: &str = "Composez le 1 et vous entendrez Alice.";

impl School {
    fn write(&self, manifest: &str, text: &str, version: &str) {
        let manifest = replaced(manifest, PROMPTS[1], text);
        rename_over(
            &self.manifest,
            replaced(&manifest, "version = \"1.0.0\"", &format!("version = \"{version}\"")),
        );
    }
}

#[test]
fn rollback_goes_back_at_once_and_stays_until_the_folder_changes() {
    let mut school = School::start();
    let [bob, malcom] = ["bob", "malcom"].map(|user| school.phone(user));
    let manifest = fs::read_to_string(&school.manifest).unwrap();
    let first = school.live();
    school.write(&manifest, NEW, "1.1.0");
    let second = school.exchange.await_version_after(&first);
    let mut call = malcom.call(&school.menu);

    let said = school.exchange.operator(&["plugin", "rollback", "menu"]);
    for part in [
        "menu: v1 (1.0.0, sha ",
        "is live again, as v3, 1 calls stay on v2",
        "until a file of its folder changes",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let back = school.live();
    assert_eq!((back.version.as_str(), back.calls), ("1.0.0 v3", 0));
    assert!(back.notes.contains("rolled back to v1; the next change of its folder goes live"), "{back:?}");
    let draining = school.exchange.versions("menu").into_iter().find(|line| line.version == second.version);
    assert_eq!(draining.map(|line| (line.state, line.calls)), Some(("draining".to_owned(), 1)));
    school.assert_heard_by(&bob, &PROMPTS[..2]);
    assert_unbroken(std::slice::from_ref(&call), "old");
    call.hang_up();

    let said = school.exchange.site().jackfield(&["plugin", "rollback", "menu"]).expect_bad();
    assert!(said.contains("an older version of menu is not kept; there are v1, v2, v3"), "{said}");
    let kept = school.exchange.operator(&["plugin", "versions", "menu"]);
    assert!(
        kept.lines()
            .nth(1)
            .is_some_and(|line| line.contains("v3 1.0.0") && line.ends_with("live  the files of v1")),
        "{kept}"
    );

    // A look at the same files changes nothing; nor does a restart.
    rename_over(&school.manifest, fs::read(&school.manifest).unwrap());
    school.exchange.operator(&["apply"]);
    assert_eq!(school.live().version, back.version);
    school.exchange.stop();
    school.exchange.restart();
    let again = school.live();
    assert_eq!((&again.version, &again.notes), (&back.version, &back.notes));

    school.write(&manifest, NEWER, "1.2.0");
    let third = school.exchange.await_version_after(&again);
    assert_eq!((third.version.as_str(), third.notes.as_str()), ("1.2.0 v4", ""));
    let bob = school.phone("bob");
    school.assert_heard_by(&bob, &[PROMPTS[0], NEWER]);

    // The one before is the one that was live, and a number is another.
    school.exchange.operator(&["plugin", "rollback", "menu"]);
    assert!(school.live().notes.contains("rolled back to v1"), "{:?}", school.live());
    let said = school.exchange.operator(&["plugin", "rollback", "menu", "v2"]);
    assert!(said.contains("menu: v2 (1.1.0"), "{said}");
    school.assert_heard_by(&bob, &[PROMPTS[0], NEW]);
    let said = school.exchange.operator(&["plugin", "rollback", "menu", "v4"]);
    assert!(said.contains("These are the files of its folder, which it follows again."), "{said}");
    assert_eq!(school.live().notes, "");

    let said = school.exchange.site().jackfield(&["plugin", "rollback", "menu", "v99"]).expect_bad();
    assert!(said.contains("v99 of menu is not kept"), "{said}");
    let said = school.exchange.site().jackfield(&["plugin", "rollback", "meun"]).expect_bad();
    assert!(said.contains("there is no plugin meun"), "{said}");
}

#[test]
fn a_restart_does_not_bring_live_what_was_refused() {
    let mut school = School::start();
    let first = school.live();
    let manifest = fs::read_to_string(&school.manifest).unwrap();
    let wrong = replaced(&manifest, "response-timeout", "response-timeuot");
    rename_over(&school.manifest, &wrong);
    school.exchange.await_refusal("menu", &["response-timeuot"]);
    school.exchange.stop();
    school.exchange.restart();
    let kept = school.live();
    assert_eq!((&kept.version, kept.state.as_str()), (&first.version, "live"));
    assert!(kept.notes.contains("what was live before the start: its folder was refused"), "{kept:?}");
    assert!(kept.refused.contains("plugin.toml:") && kept.refused.contains("response-timeuot"), "{kept:?}");
    let bob = school.phone("bob");
    school.assert_heard_by(&bob, &PROMPTS[..2]);

    rename_over(&school.manifest, &manifest);
    await_within(LIMIT, "the good files", || school.live().refused.is_empty().then_some(()));
    assert_eq!((school.live().version, school.live().notes), (first.version, String::new()));
}
