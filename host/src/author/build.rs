//! `[build]` of `plugin.toml`, carried out: sources become the component beside the manifest.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::SystemTime,
};

use jackfield_plugin::{Build, Manifest};
use serde_json::Value;

use super::{
    sources::Sources,
    toolchain::{TARGET, Toolchain},
};

/// Of a plugin in Rust that does not say what it is made of.
const RUST_SOURCES: [&str; 5] = ["src", "Cargo.toml", "Cargo.lock", "build.rs", "jackfield"];
/// Where a command finds this program.
const PROGRAM: &str = "JACKFIELD";
/// Lines of a command that wait to be shown.
const LINES: usize = 256;

/// How one plugin is built.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    folder: PathBuf,
    component: PathBuf,
    build: Build,
}

/// Ends a build that runs.
#[derive(Clone, Default)]
pub struct Stop(Arc<Mutex<Stopped>>);

#[derive(Default)]
struct Stopped {
    child: Option<Child>,
    over: bool,
}

impl Recipe {
    /// Of a plugin's folder; none where there is nothing to build.
    pub fn of(folder: &Path, manifest: &Manifest) -> Option<Recipe> {
        let is_rust = folder.join("Cargo.toml").is_file();
        let mut build = manifest.build.clone().unwrap_or_default();
        let nothing = build.command.is_empty() && !is_rust;
        if nothing || manifest.plugin.runtime.is_some() {
            return None;
        }
        if build.sources.is_empty() && is_rust {
            build.sources = RUST_SOURCES.map(str::to_owned).into();
        }
        let component = folder.join(&manifest.plugin.component);
        Some(Recipe { folder: folder.to_owned(), component, build })
    }

    /// What the component is made of.
    pub fn sources(&self) -> Result<Sources, String> {
        Sources::read(&self.folder, &self.build.sources)
    }

    /// The files and folders of [`Recipe::sources`].
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.build.sources.iter().map(|source| self.folder.join(source))
    }

    /// There is no component, or a source is newer.
    pub fn is_stale(&self) -> Result<bool, String> {
        let built = fs::metadata(&self.component).and_then(|metadata| metadata.modified());
        let Ok(built) = built else { return Ok(true) };
        Ok(self.sources()?.newest().is_some_and(|newest| newest > built))
    }

    /// Runs the command and puts the component into its place, in one step and only if it is another one: then it
    /// returns true. Hands on what the command prints, line by line. Blocks.
    pub fn run(&self, look: Look, stop: &Stop, line: &mut dyn FnMut(&str)) -> Result<bool, String> {
        let former = fs::read(&self.component).ok();
        let made = match self.build.command.split_first() {
            None => Some(self.cargo(look, stop, line)?),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).env(PROGRAM, std::env::current_exe().unwrap_or_default());
                let whole = self.build.command.join(" ");
                run(command.current_dir(&self.folder), &whole, stop, &mut |_, text| line(text))?;
                self.build.output.as_ref().map(|output| self.folder.join(output))
            }
        };
        if let Some(made) = made {
            self.place(&made).map_err(|error| format!("{}: {error}", made.display()))?;
        }
        let built = fs::File::options().append(true).open(&self.component);
        let built = built.and_then(|file| file.set_modified(now())).and_then(|()| fs::read(&self.component));
        let failed = |error| format!("{}: the build did not make it: {error}", self.component.display());
        Ok(Some(built.map_err(failed)?) != former)
    }

    /// Returns the file that Cargo made.
    fn cargo(&self, look: Look, stop: &Stop, line: &mut dyn FnMut(&str)) -> Result<PathBuf, String> {
        let mut command = Toolchain::find()?.cargo();
        command.args(["build", "--lib", "--release", "--target", TARGET]);
        command.args(["--message-format", "json-render-diagnostics"]);
        command.args(look.quiet.then_some("--quiet")).current_dir(&self.folder);
        command.env("CARGO_TERM_COLOR", if look.colour { "always" } else { "never" });
        command.env("CARGO_TERM_PROGRESS_WHEN", "never");
        let own = fs::canonicalize(self.folder.join("Cargo.toml")).unwrap_or_default();
        let mut made = None;
        run(&mut command, "cargo build", stop, &mut |to, text| match to {
            To::Errors => line(text),
            To::Output => made = artefact(text, &own).or(made.take()),
        })?;
        made.ok_or_else(|| {
            format!("{}: it makes no wasm: [lib] crate-type = [\"cdylib\"] is missing", own.display())
        })
    }

    fn place(&self, made: &Path) -> io::Result<()> {
        let new = fs::read(made)?;
        if fs::read(&self.component).is_ok_and(|former| former == new) {
            return Ok(());
        }
        let beside = self.component.with_extension("wasm.new");
        fs::write(&beside, new)?;
        fs::rename(&beside, &self.component)
    }
}

/// How a build looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// As on a terminal.
    pub colour: bool,
    /// Warnings and errors only.
    pub quiet: bool,
}

impl Stop {
    /// Kills the command, and every one that is started later.
    pub fn stop(&self) {
        let mut stopped = self.lock();
        stopped.over = true;
        if let Some(child) = &mut stopped.child {
            let _ = child.kill();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Stopped> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy)]
enum To {
    Output,
    Errors,
}

/// Runs a command to its end; `line` gets each line of both of its outputs.
fn run(command: &mut Command, name: &str, stop: &Stop, line: &mut dyn FnMut(To, &str)) -> Result<(), String> {
    let stopped = || format!("`{name}` was stopped");
    let (output, errors) = {
        let mut running = stop.lock();
        if running.over {
            return Err(stopped());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("`{name}` could not be started: {error}"))?;
        let pipes = (child.stdout.take(), child.stderr.take());
        running.child = Some(child);
        pipes
    };
    let (sender, lines) = mpsc::sync_channel(LINES);
    thread::scope(|scope| {
        let other = sender.clone();
        scope.spawn(move || output.map(|output| hand_on(output, To::Output, &sender)));
        scope.spawn(move || errors.map(|errors| hand_on(errors, To::Errors, &other)));
        lines.iter().for_each(|(to, text): (To, String)| line(to, &text));
    });
    // Both of its outputs are closed: it ends now, unless it has gone into the background.
    let child = stop.lock().child.take();
    let status = child.map(|mut child| child.wait()).transpose().map_err(|error| error.to_string())?;
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) if status.code().is_some() => Err(format!("`{name}` failed")),
        _ => Err(stopped()),
    }
}

fn hand_on(from: impl Read, to: To, lines: &mpsc::SyncSender<(To, String)>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        if lines.send((to, text.trim_end_matches(['\r', '\n']).to_owned())).is_err() {
            return;
        }
        line.clear();
    }
}

/// The wasm file of the package with that manifest, if a message of Cargo names it.
fn artefact(message: &str, manifest: &Path) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let of = message.get("manifest_path")?.as_str()?;
    if message.get("reason")?.as_str()? != "compiler-artifact" || Path::new(of) != manifest {
        return None;
    }
    let files = message.get("filenames")?.as_array()?;
    files
        .iter()
        .filter_map(Value::as_str)
        .map(PathBuf::from)
        .find(|file| file.extension() == Some("wasm".as_ref()))
}

#[expect(clippy::disallowed_methods, reason = "files have wall time")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "[plugin]\nname = \"a\"\nversion = \"1\"\nwit = \"0.1.0\"\ncomponent = \"a.wasm\"\nkind = [\"app\"]\n";

    fn recipe(folder: &Path, build: &str) -> Recipe {
        let manifest = Manifest::parse(&format!("{HEADER}[build]\n{build}")).unwrap();
        Recipe::of(folder, &manifest).unwrap()
    }

    fn run_it(recipe: &Recipe) -> (Result<bool, String>, String) {
        let mut said = String::new();
        let result = recipe.run(Look::default(), &Stop::default(), &mut |line| {
            said += line;
            said += "\n";
        });
        (result, said)
    }

    #[test]
    fn a_command_makes_the_component_in_its_folder_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("a.c"), "source").unwrap();
        let recipe = recipe(
            path,
            "command = [\"sh\", \"-c\", \"echo compiling; cp a.c out; echo done >&2\"]\nsources = [\"a.c\"]\noutput = \"out\"\n",
        );
        assert!(recipe.is_stale().unwrap(), "nothing is built yet");
        let (result, said) = run_it(&recipe);
        assert_eq!(result, Ok(true));
        assert!(said.contains("compiling\n") && said.contains("done\n"), "{said}");
        assert_eq!(fs::read(path.join("a.wasm")).unwrap(), b"source");
        assert!(!recipe.is_stale().unwrap());
        assert_eq!(run_it(&recipe).0, Ok(false), "it is the same");
        let later = now() + std::time::Duration::from_secs(5);
        fs::File::options().append(true).open(path.join("a.c")).unwrap().set_modified(later).unwrap();
        assert!(recipe.is_stale().unwrap(), "a source is newer");
    }

    #[test]
    fn a_command_that_fails_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (build, what) in [
            ("command = [\"sh\", \"-c\", \"echo wrong; exit 3\"]\n", "`sh -c echo wrong; exit 3` failed"),
            ("command = [\"/nowhere/cc\"]\n", "`/nowhere/cc` could not be started"),
            ("command = [\"true\"]\n", "a.wasm: the build did not make it"),
        ] {
            let (result, _) = run_it(&recipe(folder.path(), build));
            let said = result.unwrap_err();
            assert!(said.contains(what), "{said}");
        }
    }

    #[test]
    fn a_build_that_runs_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe(folder.path(), "command = [\"sh\", \"-c\", \"echo begun; exec sleep 60\"]\n");
        let stop = Stop::default();
        let other = stop.clone();
        let result = recipe.run(Look::default(), &stop, &mut |_| other.stop());
        assert!(result.unwrap_err().contains("was stopped"));
        assert!(recipe.run(Look::default(), &stop, &mut |_| {}).unwrap_err().contains("was stopped"));
    }

    #[test]
    fn where_there_is_nothing_to_build_there_is_no_recipe() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest::parse(HEADER).unwrap();
        assert_eq!(Recipe::of(folder.path(), &manifest), None);
        fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        let recipe = Recipe::of(folder.path(), &manifest).unwrap();
        assert!(recipe.build.sources.contains(&"src".to_owned()));
    }
}
