//! Line 3: the seed's own faults, written as menus, are refused with file, line and what to do.

use std::{fs, time::Duration};

use jackfield_tests::{Exchange, Phone, Site, files, speech::assert_spoken};

use crate::{
    calls::assert_talk,
    menu::{PROMPTS, number_of},
};

const LIMIT: Duration = Duration::from_secs(10);
const MANIFEST: &str = "plugins/menu/plugin.toml";

/// A menu of `examples/la-plateforme/faults`, and all that must be said of it.
struct Fault {
    file: &'static str,
    findings: &'static [Finding],
}

/// What must be said of a line.
struct Finding {
    /// How the line begins.
    line: &'static str,
    /// What is wrong begins here.
    place: &'static str,
    what: &'static str,
    help: &'static str,
}

const INVALID_FOR_ALL: &str = "write invalid = { say = \"Entrée invalide\", then = \"restart\" }";
const NO_ANSWER: &str = "write no-answer = {";

const FAULTS: [Fault; 4] = [
    Fault {
        file: "d1-dangling-target.toml",
        findings: &[
            Finding {
                line: "on-timeout = ",
                place: "\"ivr_1\"",
                what: "there is no menu \"ivr_1\"",
                help: "did you mean \"ivr1\"?",
            },
            Finding {
                line: "invalid = ",
                place: "\"ivr_1\"",
                what: "there is no menu \"ivr_1\"",
                help: "did you mean \"ivr1\"?",
            },
        ],
    },
    Fault {
        file: "d2-pattern-as-key.toml",
        findings: &[
            Finding {
                line: "\"[04-9#]\" = ",
                place: "\"[04-9#]\"",
                what: "\"[04-9#]\" is no key",
                help: "invalid = { say = \"Entrée invalide\", then = \"restart\" }",
            },
            Finding {
                line: "[config.menus.ivr1.keys]",
                place: "keys",
                what: "0, 4 to 9, * and # have no fate",
                help: INVALID_FOR_ALL,
            },
        ],
    },
    Fault {
        file: "d3-key-without-fate.toml",
        findings: &[Finding {
            line: "[config.menus.ivr1.keys]",
            place: "keys",
            what: "the key * has no fate",
            help: INVALID_FOR_ALL,
        }],
    },
    Fault {
        file: "d4-no-answer.toml",
        findings: &[
            Finding { line: "1 = ", place: "1", what: "rings alice, and it is not said", help: NO_ANSWER },
            Finding { line: "2 = ", place: "2", what: "rings bob, and it is not said", help: NO_ANSWER },
            Finding { line: "3 = ", place: "3", what: "rings malcom, and it is not said", help: NO_ANSWER },
        ],
    },
];

impl Fault {
    fn text(&self) -> String {
        let path = files::repository().join("examples/la-plateforme/faults").join(self.file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Becomes the manifest of the menu, in one step.
    fn place(&self, site: &Site) {
        replace(site, &self.text());
    }

    /// Each finding stands in one line, with its place in the text, and there is no other finding.
    #[track_caller]
    fn assert_told(&self, site: &Site, said: &str) {
        let manifest = site.beside(MANIFEST).display().to_string();
        for finding in self.findings {
            let place = files::place(&self.text(), finding.line, finding.place);
            let place = format!("{manifest}:{place}: ");
            let told =
                |line: &&str| [&place, finding.what, finding.help].iter().all(|part| line.contains(*part));
            assert!(
                said.lines().any(|line| told(&line)),
                "{}: no line with {place}{}, {} in\n{said}",
                self.file,
                finding.what,
                finding.help
            );
        }
        let mut told: Vec<&str> = said.lines().filter(|line| line.contains(&manifest)).collect();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), self.findings.len(), "{}:\n{said}", self.file);
    }
}

fn replace(site: &Site, manifest: &str) {
    let path = site.beside(MANIFEST);
    let new = path.with_extension("new");
    fs::write(&new, manifest).unwrap();
    fs::rename(&new, &path).unwrap();
}

#[test]
fn check_names_each_fault_with_its_line_and_its_remedy() {
    let site = Site::example("la-plateforme");
    site.jackfield(&["check"]).expect_good();
    for fault in FAULTS {
        fault.place(&site);
        let said = site.jackfield(&["check"]).expect_bad();
        fault.assert_told(&site, &said);
    }
}

#[test]
fn a_start_says_the_same_and_callers_get_the_fallback() {
    let site = Site::example("la-plateforme");
    let menu = number_of(&site, "menu");
    FAULTS[0].place(&site);
    let mut exchange = site.start();
    for fault in FAULTS {
        exchange.stop();
        fault.place(exchange.site());
        let before = exchange.log().len();
        exchange.restart();
        fault.assert_told(exchange.site(), &exchange.log()[before..]);
        assert_eq!(exchange.plugin("menu").state, "failed");
    }
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    let dialing = bob.dial(&menu);
    let there = alice.incoming().answer();
    let mut here = dialing.outcome(LIMIT).unwrap();
    assert_talk(&here, &there);
    here.hang_up();
}

#[test]
fn saved_while_calls_are_up_it_changes_nothing_and_callers_still_hear_the_menu() {
    let exchange = Site::example("la-plateforme").start();
    let good = fs::read_to_string(exchange.site().beside(MANIFEST)).unwrap();
    let menu = number_of(exchange.site(), "menu");
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    let mut old = alice.call(&menu);
    let live = exchange.plugin("menu");

    for fault in FAULTS {
        let before = exchange.log().len();
        fault.place(exchange.site());
        let refused = exchange.await_refusal("menu", &[fault.findings[0].what, fault.findings[0].help]);
        assert_eq!((&refused.version, refused.state.as_str()), (&live.version, "live"), "{}", fault.file);
        fault.assert_told(exchange.site(), &exchange.log()[before..]);
        assert_menu_is_heard(&exchange, &bob, &menu);
    }
    old.audio.await_sound(Duration::from_secs(8));
    let heard = old.audio.heard();
    assert_spoken(&heard.samples(), &PROMPTS[..3], "fr");
    assert_eq!(heard.faults(), [""; 0]);
    assert!(!old.is_over());
    old.hang_up();

    replace(exchange.site(), &good.replace("max-attempts = 3", "max-attempts = 4"));
    let mended = exchange.await_version_after(&live);
    assert_eq!(mended.refused, "", "it is forgotten once good files are live");
}

#[track_caller]
fn assert_menu_is_heard(exchange: &Exchange, phone: &Phone, menu: &str) {
    let mut call = phone.call(menu);
    call.audio.await_sound(Duration::from_secs(3));
    assert_spoken(&call.audio.heard().samples(), &PROMPTS[..1], "fr");
    call.hang_up();
    assert_eq!(exchange.plugin("menu").state, "live");
}
