//! `jackfield new`, `jackfield dev` and the build that they share.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use jackfield_tests::{
    Phone,
    author::{Dev, jackfield},
    await_within, files,
    process::run,
};

const CASE: &str = "case: nothing is heard\ncaller: is answered, hears nothing for 1 s\n";

/// A plugin whose component is copied from `src/`, by a command of its own.
struct Plugin {
    folder: tempfile::TempDir,
}

impl Plugin {
    fn new(build: &str) -> Plugin {
        let folder = tempfile::tempdir().unwrap();
        let plugin = Plugin { folder };
        plugin.put("src/component.bin", files::guest("keypad"));
        let manifest = "[plugin]\nname = \"keypad\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\ncomponent = \"keypad.wasm\"\n\
            kind = [\"app\"]\n\n[build]\n";
        plugin.put("plugin.toml", format!("{manifest}{build}"));
        plugin
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// On that address of the loopback interface: each test has its own.
    fn dev(&self, address: &str) -> Dev {
        // Under a name that is no source's.
        Dev::start(self.path(), &["--listen", address], &self.path().join("src/.log"))
    }
}

const COPY: &str = "command = [\"sh\", \"-c\", \"echo building; test ! -e src/wrong && cp src/component.bin keypad.wasm\"]\n\
    sources = [\"src\"]\n";

#[test]
fn the_loop_goes_on_after_a_failed_build_and_a_refused_file() {
    let plugin = Plugin::new(COPY);
    let dev = plugin.dev("127.77.0.1");
    let first = dev.live("keypad");
    assert!(first > 0, "{}", dev.said());

    let mut phone = Phone::at(dev.server(), "me", &dev.password());
    phone.register();
    let mut call = phone.call("100");
    dev.await_line(0, &["call", "199 calls 100"]);
    dev.await_line(0, &["call", "199: answered"]);
    call.hang_up();
    dev.await_line(0, &["call", "199 hung up"]);

    let then = dev.said().len();
    plugin.put("src/wrong", "x");
    let failed = dev.await_line(then, &["fault", "failed", "what is live stays"]);
    assert!(dev.said()[then..failed].contains("building\n"), "what the command prints is shown");
    assert_eq!(dev.live("keypad"), first);

    fs::remove_file(plugin.path().join("src/wrong")).unwrap();
    plugin.put("src/component.bin", files::other_wasm(&files::guest("keypad"), 1));
    let second = await_after(&dev, first);

    let then = dev.said().len();
    plugin.put("src/component.bin", "no WebAssembly");
    dev.await_line(then, &["fault", "refused, v", "stays live", "not WebAssembly"]);
    assert_eq!(dev.live("keypad"), second);

    // The manifest counts as well, and its mistakes have a place.
    plugin.put("src/component.bin", files::guest("keypad"));
    let third = await_after(&dev, second);
    let manifest = fs::read_to_string(plugin.path().join("plugin.toml")).unwrap();
    let then = dev.said().len();
    plugin.put("plugin.toml", format!("{manifest}[capabilities]\ndail = [\"*\"]\n"));
    dev.await_line(then, &["fault", "plugin.toml:12:1", "did you mean `dial`?"]);
    plugin.put("plugin.toml", format!("{manifest}[capabilities]\ndial = [\"alice\"]\n"));
    await_after(&dev, third);
    assert!(dev.interrupt().contains("199 calls 100"));
}

#[track_caller]
fn await_after(dev: &Dev, former: u64) -> u64 {
    await_within(Duration::from_secs(30), "a new version", || {
        Some(dev.live("keypad")).filter(|number| *number > former)
    })
}

#[test]
fn a_build_that_changes_its_own_sources_does_not_go_on_for_ever() {
    let plugin = Plugin::new(
        "command = [\"sh\", \"-c\", \"date +%N >> src/stamp; cp src/component.bin keypad.wasm\"]\nsources = [\"src\"]\n",
    );
    let dev = plugin.dev("127.77.0.2");
    plugin.put("src/component.bin", files::other_wasm(&files::guest("keypad"), 1));
    dev.await_line(0, &["fault", "each build changes", "src/stamp", "leave what a build makes out"]);
    thread::sleep(Duration::from_secs(3));
    let builds = dev.said().matches("done in").count();
    assert!(builds <= 5, "{builds} builds\n{}", dev.said());
}

#[test]
fn a_build_ends_with_ctrl_c() {
    let plugin = Plugin::new(COPY);
    let dev = plugin.dev("127.77.0.3");
    let manifest = fs::read_to_string(plugin.path().join("plugin.toml")).unwrap();
    let sleeping = || run(Command::new("pgrep").args(["-xf", "sleep 7171.25"]), b"").good;
    let slow = "command = [\"sleep\", \"7171.25\"]\nsources = [\"src\"]\n";
    plugin.put("plugin.toml", manifest.replace(COPY, slow));
    await_within(Duration::from_secs(20), "the build", || sleeping().then_some(()));
    dev.interrupt();
    assert!(!sleeping());
}

#[test]
fn cases_are_run_against_what_the_sources_say_now() {
    let plugin = Plugin::new(COPY);
    plugin.put("cases/first.case", CASE);
    let said = jackfield(plugin.path(), &["test", "--no-build"]).expect_bad();
    assert!(said.contains("keypad.wasm: not there"), "{said}");
    let said = jackfield(plugin.path(), &["test", "--filter", "nothing"]);
    assert!(said.err.contains("building"), "it is built first: {}", said.err);
    let said = jackfield(plugin.path(), &["test"]);
    assert!(!said.err.contains("building"), "it is new enough: {}", said.err);
    plugin.put("src/wrong", "x");
    let said = jackfield(plugin.path(), &["test"]).expect_bad();
    assert!(said.contains("building") && said.contains("failed"), "{said}");
}

#[test]
fn nothing_is_overwritten_and_a_wrong_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = jackfield(folder.path(), &["new", "greeting"]).expect_good();
    assert!(said.contains("jackfield test greeting"), "{said}");
    let said = jackfield(folder.path(), &["new", "greeting"]).expect_bad();
    assert!(said.contains("nothing is overwritten"), "{said}");
    let said = jackfield(folder.path(), &["new", "Greeting"]).expect_bad();
    assert!(said.contains("small letters"), "{said}");
    let said = jackfield(folder.path(), &["new", "other", "--lang", "cobol"]).expect_bad();
    assert!(said.contains("rust"), "{said}");
    let said = jackfield(folder.path(), &["dev"]).expect_bad();
    assert!(said.contains("there is no plugin.toml") && said.contains("jackfield new"), "{said}");
}
