//! Line 5: the menu is replaced while calls are up. Old calls finish on their version, new
//! ones start on the new one, and what is broken changes nothing and says why.

mod cases;
mod rollback;
mod service;
mod storm;
mod ways;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jackfield_tests::{
    Exchange, Phone, Site, await_until, await_within, files,
    phone::Call,
    plugins::Line,
    speech::{Course, assert_spoken, render},
};
use toml_edit::DocumentMut;

use crate::menu::{PROMPTS, number_of};

const LIMIT: Duration = Duration::from_secs(10);
/// The menu waits so long for a key before it is heard again.
const RESPONSE: Duration = Duration::from_secs(1);

struct School {
    exchange: Exchange,
    menu: String,
    manifest: PathBuf,
    wasm: PathBuf,
}

impl School {
    /// Its menu comes again soon, and often: something is heard nearly all the time.
    fn start() -> School {
        School::start_with(|_| {})
    }

    /// With its file edited.
    fn start_with(edit: impl FnOnce(&mut DocumentMut)) -> School {
        let site = Site::example_with("la-plateforme", edit);
        let manifest = site.beside("plugins/menu/plugin.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let text = replaced(&text, "response-timeout = \"10s\"", "response-timeout = \"1s\"");
        fs::write(&manifest, replaced(&text, "max-attempts = 3", "max-attempts = 100")).unwrap();
        let (menu, wasm) = (number_of(&site, "menu"), site.beside("plugins/menu/ivr.wasm"));
        School { exchange: site.start(), menu, manifest, wasm }
    }

    fn phone(&self, user: &str) -> Phone {
        Phone::registered(&self.exchange, user)
    }

    /// The menu's.
    fn folder(&self) -> &Path {
        self.manifest.parent().unwrap()
    }

    fn live(&self) -> Line {
        self.exchange.plugin("menu")
    }

    /// A new call hears the beginning of the menu.
    #[track_caller]
    fn assert_heard_by(&self, phone: &Phone, sentences: &[&str]) {
        let mut call = phone.call(&self.menu);
        let length: usize = sentences.iter().map(|text| render(text, "fr").len()).sum();
        call.audio.await_sound(Duration::from_secs_f32(length as f32 / 8000.0 + 0.3));
        assert_spoken(&call.audio.heard().samples(), sentences, "fr");
        call.hang_up();
    }
}

/// The text with a piece of it replaced, which must be there.
#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in\n{text}");
    text.replace(from, to)
}

fn rename_over(path: &Path, content: impl AsRef<[u8]>) {
    let other = path.with_extension("new");
    fs::write(&other, content).unwrap();
    fs::rename(&other, path).unwrap();
}

/// Nobody was hung up on, and within a prompt no packet is missing: the menu is silent only
/// while it waits for a key.
#[track_caller]
fn assert_unbroken(calls: &[Call], which: &str) {
    for call in calls {
        assert!(!call.is_over());
        let heard = call.audio.heard();
        assert_eq!(heard.faults(), [""; 0]);
        for pause in heard.pauses() {
            let waits_for_key = pause.abs_diff(RESPONSE) < Duration::from_millis(300);
            assert!(pause <= Duration::from_millis(60) || waits_for_key, "a pause of {pause:?}");
        }
    }
    let heard = calls.iter().map(|call| call.audio.heard());
    let packets: usize = heard.clone().map(|heard| heard.0.len()).sum();
    let waits: Vec<Duration> = heard.map(|heard| heard.longest_wait_in_talkspurt()).collect();
    let longest = waits.iter().max().expect("calls");
    eprintln!(
        "{} {which} calls, {packets} packets: no gap; by the clock the longest wait within a prompt was {longest:?}",
        calls.len()
    );
}

#[test]
fn a_broken_file_changes_nothing_and_says_why() {
    let school = School::start();
    let [alice, bob, malcom] = ["alice", "bob", "malcom"].map(|user| school.phone(user));
    let (wasm, manifest) = (fs::read(&school.wasm).unwrap(), fs::read_to_string(&school.manifest).unwrap());
    let first = school.live();
    let calls = [malcom.call(&school.menu), alice.call(&school.menu)];

    let refused = |file: &Path, words: &[&str]| {
        let line = school.exchange.await_refusal("menu", words);
        assert_eq!((&line.sha256, line.state.as_str(), line.calls), (&first.sha256, "live", 2), "{words:?}");
        assert!(line.refused.contains(&file.display().to_string()), "{}", line.refused);
        school.exchange.await_log(&[words, &["menu", "refused", "stays live"]].concat());
        school.assert_heard_by(&bob, &PROMPTS[..1]);
    };
    let folder = school.wasm.parent().unwrap();
    for (content, words) in [
        (&wasm[..wasm.len() / 2], "ivr.wasm is cut short"),
        (b"[plugin]\nname = \"menu\"\n", "ivr.wasm is not WebAssembly"),
        (b"", "ivr.wasm is empty"),
    ] {
        rename_over(&school.wasm, content);
        refused(folder, &[words]);
    }
    rename_over(&school.wasm, &wasm);
    let mended = await_until("the good file to be live again", || {
        Some(school.live()).filter(|line| line.refused.is_empty())
    });
    assert_eq!(mended.sha256, first.sha256);

    let refused = |words: &[&str]| {
        let line = school.exchange.await_refusal("menu", words);
        assert_eq!((&line.version, line.state.as_str()), (&mended.version, "live"), "{words:?}");
        school.exchange.await_log(&[words, &["menu", "refused", "stays live"]].concat());
        school.assert_heard_by(&bob, &PROMPTS[..1]);
    };
    let place = |text: &str, line: &str, piece: &str| {
        format!("{}:{}:", school.manifest.display(), files::place(text, line, piece))
    };
    let text = replaced(&manifest, "dial = [", "dail = [");
    rename_over(&school.manifest, &text);
    refused(&[&place(&text, "dail", "dail"), "unknown field `dail`", "did you mean `dial`?"]);
    let text = replaced(&manifest, "dial = [", "dial = [\"200\", ");
    rename_over(&school.manifest, &text);
    refused(&[&place(&text, "dial", "["), "dial = [\"200\"]", "add it to `grant` of [plugins.menu]"]);

    assert_unbroken(&calls, "old");
}

#[test]
fn a_new_text_is_heard_by_the_next_call_and_not_by_the_running_one() {
    const NEW: &str = "Alice vous répond si vous appuyez sur la touche 1.";
    let school = School::start();
    let [bob, malcom] = ["bob", "malcom"].map(|user| school.phone(user));
    let mut old = malcom.call(&school.menu);
    let first = school.live();
    let manifest = fs::read_to_string(&school.manifest).unwrap();
    rename_over(&school.manifest, replaced(&manifest, PROMPTS[1], NEW));
    let next = school.exchange.await_version_after(&first);
    assert_eq!(next.sha256, first.sha256, "the wasm is the same");
    let changed = Instant::now();
    school.assert_heard_by(&bob, &[PROMPTS[0], NEW]);

    // The running call hears the whole menu once more.
    await_within(Duration::from_secs(60), "another round of the menu", || {
        let length = Course::of(&old.audio.heard().samples_since(changed)).length();
        (length > Duration::from_secs(20)).then_some(())
    });
    assert_spoken(&old.audio.heard().samples_since(changed), &PROMPTS, "fr");
    assert_unbroken(std::slice::from_ref(&old), "old");
    old.hang_up();
}
