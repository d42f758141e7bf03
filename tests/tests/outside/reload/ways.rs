//! Every way in which files change: what was meant goes live, whole, and nothing else does.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{Exchange, await_until, await_within, files, plugins::Line, process::run};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use toml_edit::value;

use super::{School, replaced};

/// A way from the files of one version to those of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `cp` over the files.
    Copy,
    /// Each file in one step.
    Rename,
    /// As cargo links anew: for a moment there is no file.
    Link,
    /// Cut short, and written in pieces, with pauses of this many milliseconds.
    Pieces(u64),
    /// `tar x`.
    Unpack,
    /// The folder is renamed away, and another one put in its place.
    Folder,
    /// The folder is a symbolic link, which is turned in one step.
    TurnedLink,
    /// As `ln -sfn`: for a moment there is no link.
    NewLink,
}

impl Way {
    pub const ALL: [Way; 8] = [
        Way::Copy,
        Way::Rename,
        Way::Link,
        Way::Pieces(30),
        Way::Unpack,
        Way::Folder,
        Way::TurnedLink,
        Way::NewLink,
    ];

    /// However long it takes, nothing of it can be taken for the whole.
    fn is_one_step(self) -> bool {
        matches!(self, Way::Pieces(_) | Way::Folder | Way::TurnedLink | Way::NewLink)
    }
}

/// Files that rest for so long are taken as they are.
const REST: Duration = Duration::from_millis(200);

/// Versions of the menu, each with a wasm and a manifest of its own: they belong together.
pub struct Press {
    folder: TempDir,
    /// What the exchange looks at.
    target: PathBuf,
    wasm: Vec<u8>,
    manifest: String,
    number: u32,
    /// The manifest's version and the beginning of the wasm's hash.
    made: BTreeSet<(String, String)>,
    /// This machine was so slow between two files that they may have been taken for two versions.
    torn: bool,
}

impl Press {
    pub fn new(school: &School) -> Press {
        let wasm = fs::read(&school.wasm).unwrap();
        let manifest = fs::read_to_string(&school.manifest).unwrap();
        let first = school.live();
        let made = [("1.0.0".to_owned(), first.sha256)].into();
        let folder = tempfile::tempdir().unwrap();
        Press { folder, target: school.folder().to_owned(), wasm, manifest, number: 0, made, torn: false }
    }

    /// Makes the next version, puts it where the exchange looks, and waits until it is live.
    #[track_caller]
    pub fn publish(&mut self, exchange: &Exchange, way: Way) -> Line {
        let version = self.write(way);
        let written = Instant::now();
        let live = await_within(Duration::from_secs(60), &format!("version {version} ({way:?})"), || {
            Some(exchange.plugin("menu")).filter(|line| line.version.starts_with(&format!("{version} ")))
        });
        println!("{way:?}: {} live {:?} after the last write", live.version, written.elapsed());
        assert_eq!((live.state.as_str(), live.refused.as_str()), ("live", ""), "{way:?}");
        live
    }

    fn write(&mut self, way: Way) -> String {
        self.number += 1;
        let version = format!("1.0.{}", self.number);
        let wasm = files::other_wasm(&self.wasm, self.number);
        let sha: String = Sha256::digest(&wasm).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let manifest = replaced(&self.manifest, "version = \"1.0.0\"", &format!("version = \"{version}\""));
        self.made.insert((version.clone(), sha));
        let release = self.folder.path().join(&version);
        fs::create_dir(&release).unwrap();
        fs::write(release.join("ivr.wasm"), wasm).unwrap();
        fs::write(release.join("plugin.toml"), manifest).unwrap();
        let begin = Instant::now();
        self.replace(way, &release);
        self.torn |= !way.is_one_step() && begin.elapsed() > REST;
        version
    }

    fn replace(&self, way: Way, release: &Path) {
        let target = &self.target;
        let names = ["ivr.wasm", "plugin.toml"];
        let other = |name: &str| target.join(name).with_extension("new");
        match way {
            Way::Copy => shell("cp \"$0\"/* \"$1\"", release, target),
            Way::Unpack => shell("tar -C \"$0\" -c ivr.wasm plugin.toml | tar -C \"$1\" -x", release, target),
            Way::Rename => {
                for name in names {
                    fs::copy(release.join(name), other(name)).unwrap();
                    fs::rename(other(name), target.join(name)).unwrap();
                }
            }
            Way::Link => {
                for name in names {
                    fs::remove_file(target.join(name)).unwrap();
                    thread::sleep(Duration::from_millis(50));
                    fs::copy(release.join(name), other(name)).unwrap();
                    fs::hard_link(other(name), target.join(name)).unwrap();
                    fs::remove_file(other(name)).unwrap();
                }
            }
            Way::Pieces(pause) => {
                let mut open = names.map(|name| fs::File::create(target.join(name)).unwrap());
                let contents = names.map(|name| fs::read(release.join(name)).unwrap());
                for piece in 0..5 {
                    for (file, content) in open.iter_mut().zip(&contents) {
                        let part = content.len().div_ceil(5);
                        file.write_all(&content[part * piece..content.len().min(part * (piece + 1))])
                            .unwrap();
                        thread::sleep(Duration::from_millis(pause));
                    }
                }
            }
            Way::Folder => {
                // An editor of folders leaves it whole, and on the same file system.
                let (new, old) = (target.with_extension("new"), target.with_extension("old"));
                shell("cp -r \"$0\" \"$1\"", release, &new);
                shell("rm -rf \"$1\"", release, &old);
                fs::rename(target, old).unwrap();
                fs::rename(new, target).unwrap();
            }
            Way::TurnedLink => {
                if target.is_symlink() {
                    symlink(release, target.with_extension("link")).unwrap();
                    fs::rename(target.with_extension("link"), target).unwrap();
                } else {
                    shell("rm -rf \"$1\" && ln -s \"$0\" \"$1\"", release, target);
                }
            }
            Way::NewLink => {
                if !target.is_symlink() {
                    fs::remove_dir_all(target).unwrap();
                }
                shell("ln -sfn \"$0\" \"$1\"", release, target);
            }
        }
    }

    /// Nothing has been live that is not one of the versions as they were made.
    #[track_caller]
    pub fn assert_whole(&self, exchange: &Exchange) {
        if self.torn {
            return println!("this machine was too slow to write two files at once: not judged");
        }
        let log = exchange.log();
        let mut versions = 0;
        for line in log.lines().filter(|line| line.contains("live (sha ") && line.contains("\"menu\"")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let place = words.iter().position(|word| *word == "live").unwrap();
            let sha = words[place + 2].trim_end_matches([')', ',']);
            let pair = (words[place - 2].to_owned(), sha.to_owned());
            assert!(self.made.contains(&pair), "{line}\nis none of {:?}", self.made);
            versions += 1;
        }
        assert!(versions > 0, "{log}");
    }
}

fn shell(script: &str, from: &Path, to: &Path) {
    run(Command::new("sh").args(["-c", script]).arg(from).arg(to), b"").expect_good();
}

#[test]
fn each_way_brings_the_new_version_live_whole_and_at_once() {
    let school = School::start();
    let mut press = Press::new(&school);
    // The slow pieces first and last: into a folder, and through a link.
    let slow = [Way::Pieces(300)];
    for way in slow.into_iter().chain(Way::ALL).chain([Way::Copy, Way::Rename]).chain(slow) {
        press.publish(&school.exchange, way);
    }
    press.assert_whole(&school.exchange);
    assert!(
        press.torn || !school.exchange.log().contains("refused"),
        "what is half written is not looked at"
    );
}

#[test]
fn where_the_kernel_tells_nothing_changes_are_found_by_polling() {
    let school = School::start_with(|config| config["exchange"]["watch"] = value("poll"));
    let mut press = Press::new(&school);
    for way in [Way::Copy, Way::Pieces(300), Way::TurnedLink, Way::NewLink] {
        press.publish(&school.exchange, way);
    }
    press.assert_whole(&school.exchange);
    assert!(
        press.torn || !school.exchange.log().contains("refused"),
        "what is half written is not looked at"
    );

    // The setting is live, too.
    school.exchange.site().edit(|config| config["exchange"]["watch"] = value("events"));
    school.exchange.await_log(&["configuration: users, routes and peers"]);
    press.publish(&school.exchange, Way::NewLink);
}

#[test]
fn an_open_file_holds_its_plugin_up_until_it_is_closed_or_the_operator_says_apply() {
    let school = School::start();
    let first = school.live();
    let manifest = fs::read_to_string(&school.manifest).unwrap();
    let mut file = fs::File::create(&school.manifest).unwrap();
    file.write_all(replaced(&manifest, "1.0.0", "1.0.1").as_bytes()).unwrap();
    await_until("word of the open file", || {
        school.live().notes.contains("plugin.toml is being written").then_some(())
    });
    // Another plugin of the same exchange is not held up.
    let message = school.exchange.plugin("message");
    let other = school.exchange.site().beside("plugins/message/plugin.toml");
    let text = fs::read_to_string(&other).unwrap();
    super::rename_over(&other, replaced(&text, "version = \"1.0.0\"", "version = \"1.0.1\""));
    school.exchange.await_version_after(&message);
    assert_eq!(school.live().version, first.version);

    school.exchange.operator(&["apply"]);
    let applied = school.live();
    assert!(applied.version.starts_with("1.0.1 "), "{applied:?}");
    file.write_all(b"\n# the end\n").unwrap();
    drop(file);
    let closed = school.exchange.await_version_after(&applied);
    assert_eq!((closed.notes.as_str(), closed.refused.as_str()), ("", ""));
}

/// A prompt is a file, and the folder for it does not exist when the daemon starts.
#[test]
fn prompts_may_come_later_and_in_pieces() {
    let school = School::start();
    let first = school.live();
    let manifest = fs::read_to_string(&school.manifest).unwrap();
    let text = replaced(
        &manifest,
        "    \"Bonjour et bienvenue chez La Plateforme !\",",
        "    { file = \"welcome.wav\" },",
    );
    super::rename_over(&school.manifest, &text);
    let silent = school.exchange.await_version_after(&first);

    let prompts = school.folder().join("prompts");
    fs::create_dir(&prompts).unwrap();
    let sound = tempfile::tempdir().unwrap();
    let sound = sound.path().join("welcome.wav");
    run(
        Command::new("sox")
            .args(["-n", "-r", "8000", "-c", "1", "-b", "16"])
            .arg(&sound)
            .args(["synth", "2", "sine", "440"]),
        b"",
    )
    .expect_good();
    let bytes = fs::read(sound).unwrap();
    let mut file = fs::File::create(prompts.join("welcome.wav")).unwrap();
    for piece in bytes.chunks(bytes.len().div_ceil(4)) {
        file.write_all(piece).unwrap();
        thread::sleep(Duration::from_millis(300));
    }
    drop(file);
    let next = school.exchange.await_version_after(&silent);
    assert!(next.version.ends_with(" v3") && next.refused.is_empty(), "never half of it: {next:?}");

    let call = school.phone("bob").call(&school.menu);
    call.audio.await_sound(Duration::from_millis(2500));
    let heard = call.audio.heard().samples();
    let tone = jackfield_tests::audio::seconds_of(&heard, 440.0);
    assert!(tone > 1.7, "the whole prompt: {tone} s");
}
