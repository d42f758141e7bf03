//! `make loop`: from the moment when a file of a plugin is saved to the moment when a new call gets it, in a running
//! `jackfield dev`. Each edit is followed by a call, which must run it.
//!
//! ```text
//! loop                     each kind of edit, twenty times
//! loop EDITS               so many times
//! ```
#![allow(clippy::disallowed_methods, reason = "what is measured is wall time")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{
    Phone,
    author::{Dev, LONGEST_BUILD, jackfield},
    await_within, files,
    handset::write_wav,
};

const NAME: &str = "greeting";
const EDITS: u32 = 20;
/// Between two looks at what is live.
const LOOK: Duration = Duration::from_millis(2);

/// A way of editing, and what it may take.
struct Kind {
    what: &'static str,
    language: &'static str,
    target: Duration,
    /// Saves an edit of that number, and returns what a call then says of it, where it says something.
    save: fn(&Path, u32) -> Option<String>,
}

const KINDS: [Kind; 4] = [
    Kind { what: "Rust source", language: "rust", target: Duration::from_secs(3), save: save_source },
    Kind { what: "setting", language: "rust", target: Duration::from_millis(500), save: save_setting },
    Kind { what: "prompt", language: "rust", target: Duration::from_millis(500), save: save_prompt },
    Kind { what: "script", language: "js", target: Duration::from_millis(300), save: save_script },
];

fn main() -> ExitCode {
    let edits = env::args().nth(1).map_or(EDITS, |edits| edits.parse().expect("a number of edits"));
    println!("{:<14} {:>6} {:>9} {:>9} {:>9}", "saved", "edits", "median", "worst", "at most");
    let mut good = true;
    for language in ["rust", "js"] {
        let desk = Desk::begin(language);
        for Kind { what, target, save, .. } in KINDS.iter().filter(|kind| kind.language == language) {
            let mut took: Vec<Duration> = (1..=edits).map(|number| desk.measure(*save, number)).collect();
            took.sort();
            let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
            let over = if worst > *target { "  OVER TARGET" } else { "" };
            good &= worst <= *target;
            let ms = |time: Duration| format!("{} ms", time.as_millis());
            println!("{what:<14} {edits:>6} {:>9} {:>9} {:>9}{over}", ms(median), ms(worst), ms(*target));
        }
        desk.dev.interrupt();
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A plugin of one language in the loop, with a telephone.
struct Desk {
    folder: PathBuf,
    dev: Dev,
    phone: Phone,
}

impl Desk {
    fn begin(language: &str) -> Desk {
        let desk = files::target().join("loop").join(language);
        let _ = fs::remove_dir_all(&desk);
        fs::create_dir_all(&desk).expect("a folder");
        jackfield(&desk, &["new", NAME, "--lang", language]).expect_good();
        let folder = desk.join(NAME);
        // The clock runs from save to live: what is built for the first time is not looked at.
        jackfield(&folder, &["test"]).expect_good();
        let dev = Dev::start(&folder, &["--listen", "127.0.0.1"], &desk.join("dev.log"));
        let mut phone = Phone::at(dev.server(), "me", &dev.password());
        phone.register();
        Desk { folder, dev, phone }
    }

    /// One edit, from its save to the version that a call then runs.
    fn measure(&self, save: fn(&Path, u32) -> Option<String>, number: u32) -> Duration {
        let dev = &self.dev;
        let (former, then) = (dev.live(NAME), dev.said().len());
        let began = Instant::now();
        let words = save(&self.folder, number);
        let end = began + LONGEST_BUILD;
        while dev.live(NAME) == former {
            assert!(Instant::now() < end, "edit {number} is not live\n{}", dev.said());
            thread::sleep(LOOK);
        }
        let took = began.elapsed();
        let mut call = self.phone.call("100");
        if let Some(words) = words {
            dev.await_line(then, &[&words]);
        }
        call.hang_up();
        await_within(Duration::from_secs(20), "the end of the call", || {
            dev.said()[then..].contains("hung up").then_some(())
        });
        // Whoever edits again has read what came of it.
        dev.await_line(then, &["cases"]);
        thread::sleep(Duration::from_millis(u64::from(number * 37 % 200)));
        took
    }
}

fn replace(path: PathBuf, from: &str, to: impl Fn(&str) -> String) {
    let text = fs::read_to_string(&path).expect("a file of the template");
    let line = text.lines().find(|line| line.contains(from)).expect("the line of the template").to_owned();
    // As many editors save: the new file takes the name of the old one.
    let new = path.with_extension("new~");
    fs::write(&new, text.replace(&line, &to(&line))).expect("a file");
    fs::rename(new, path).expect("a file");
}

fn save_source(folder: &Path, number: u32) -> Option<String> {
    let words = format!("this is edit {number}");
    let line = format!("    call.answer()?; info!(\"{words}\");");
    replace(folder.join("src/lib.rs"), "call.answer()?;", |_| line.clone());
    Some(words)
}

fn save_setting(folder: &Path, number: u32) -> Option<String> {
    let words = format!("Hello, this is edit {number}.");
    let line = format!("greeting = \"{words}\"");
    replace(folder.join("plugin.toml"), "greeting = ", |_| line.clone());
    Some(words)
}

fn save_prompt(folder: &Path, number: u32) -> Option<String> {
    let path = folder.join("prompts/beep.wav");
    fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
    write_wav(&path, &vec![number as i16; 8000]);
    None
}

fn save_script(folder: &Path, number: u32) -> Option<String> {
    let words = format!("this is edit {number}");
    let line = format!("    call.answer(); log.info(\"{words}\");");
    replace(folder.join("plugin.js"), "call.answer();", |_| line.clone());
    Some(words)
}
