//! The cases of a plugin: found, read and run.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use jackfield_switch::Level;

use super::{
    coverage::{Coverage, Seen},
    mistake::Place,
    parse::parse,
    script::{Case, Given, Script},
    stage::{Named, Stage},
    story::Event,
};
use crate::Plugin;

/// Where a plugin's folder keeps its cases, and how their files end.
const FOLDER: &str = "cases";
const ENDING: &str = "case";
/// Case files are written by hand.
const MAX_FILE: u64 = 4 << 20;
/// Folders below each other.
const MAX_DEPTH: usize = 12;
const PATIENCE: Duration = Duration::from_secs(10);

/// A plugin and its case files.
pub struct Suite {
    folder: PathBuf,
    tested: Named,
    scripts: Vec<Script>,
    /// Other plugins that cases bring along.
    others: BTreeMap<PathBuf, Named>,
}

/// A case that was run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// As it was named.
    pub file: PathBuf,
    /// Where the case begins.
    pub place: Place,
    /// What stands behind `case:`.
    pub title: String,
    /// Virtual time.
    pub length: Duration,
    /// None: it passed.
    pub failure: Option<Failure>,
    /// What happened.
    pub story: Vec<Event>,
    seen: Seen,
}

/// The step that did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Of the step, or of the case.
    pub place: Place,
    /// As it is written.
    pub step: String,
    /// What is wrong.
    pub reason: String,
}

/// The suites of plugin folders, of folders above them, and of single case files. A case file belongs to the
/// plugin in whose folder it lies, unless another `plugin` is to pass it.
///
/// All mistakes of all files are in the error, one sentence each.
pub fn find(paths: &[PathBuf], plugin: Option<&Path>) -> Result<Vec<Suite>, Vec<String>> {
    let mut files: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    let mut errors = Vec::new();
    for path in paths {
        let found = if path.is_dir() { Ok(below(path, MAX_DEPTH)) } else { single(path) };
        match found {
            Ok(found) if found.is_empty() => {
                errors.push(format!(
                    "{}: there is no case; write {FOLDER}/first.{ENDING} beside a plugin.toml",
                    path.display()
                ));
            }
            Ok(found) => {
                for file in found {
                    match plugin.or_else(|| owner(&file)) {
                        Some(folder) => files.entry(folder.to_owned()).or_default().push(file),
                        None => errors.push(format!(
                            "{}: no folder above it has a plugin.toml; say which plugin it tests: --plugin FOLDER",
                            file.display()
                        )),
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    let mut suites = Vec::new();
    for (folder, mut files) in files {
        files.sort();
        files.dedup();
        match Suite::read(&folder, &files) {
            Ok(suite) => suites.push(suite),
            Err(mistakes) => errors.extend(mistakes),
        }
    }
    if errors.is_empty() { Ok(suites) } else { Err(errors) }
}

/// The folders of the plugins that [`find`] would find, in order.
pub fn folders(paths: &[PathBuf], plugin: Option<&Path>) -> Vec<PathBuf> {
    if let Some(plugin) = plugin {
        return vec![plugin.to_owned()];
    }
    let files = paths.iter().flat_map(|path| match path.is_dir() {
        true => below(path, MAX_DEPTH),
        false => vec![path.clone()],
    });
    let mut folders: Vec<PathBuf> = files.filter_map(|file| owner(&file).map(Path::to_owned)).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// A case file that was named by itself.
fn single(path: &Path) -> Result<Vec<PathBuf>, String> {
    match path.extension().is_some_and(|ending| ending == ENDING) {
        true => Ok(vec![path.to_owned()]),
        false if path.exists() => Err(format!("{}: a case file ends with .{ENDING}", path.display())),
        false => Err(format!("{}: there is no such file or folder", path.display())),
    }
}

/// The nearest folder above a file that is a plugin's.
fn owner(file: &Path) -> Option<&Path> {
    let is_plugin = |folder: &&Path| folder.join("plugin.toml").is_file();
    let above = file
        .ancestors()
        .skip(1)
        .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    above.into_iter().find(is_plugin)
}

/// The case files of all plugins in a folder, in the order of their names.
fn below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let inside = folder.file_name().is_some_and(|name| name == FOLDER);
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let skipped = name == "target" || name == "node_modules" || name.as_encoded_bytes().starts_with(b".");
        if path.is_dir() && !skipped && depth > 0 {
            found.extend(below(&path, depth - 1));
        } else if inside && path.is_file() && path.extension().is_some_and(|ending| ending == ENDING) {
            found.push(path);
        }
    }
    found
}

impl Suite {
    /// The plugin of a folder, and these case files for it.
    pub fn read(folder: &Path, files: &[PathBuf]) -> Result<Suite, Vec<String>> {
        let tested = Plugin::folder(folder).map(Named::new).map_err(|error| vec![error.to_string()])?;
        let folder = folder.to_owned();
        let mut suite = Suite { folder, tested, scripts: Vec::new(), others: BTreeMap::new() };
        let mut errors = Vec::new();
        for file in files {
            if let Err(mistakes) = suite.add(file) {
                errors.extend(mistakes);
            }
        }
        if errors.is_empty() { Ok(suite) } else { Err(errors) }
    }

    fn add(&mut self, file: &Path) -> Result<(), Vec<String>> {
        let text = text(file).map_err(|error| vec![format!("{}: {error}", file.display())])?;
        let script = parse(file, &text, &self.tested.users());
        let mut script =
            script.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let beside = file.parent().unwrap_or(Path::new("")).to_owned();
        let cases = script.cases.iter_mut().flat_map(|case| &mut case.given);
        for given in script.given.iter_mut().chain(cases) {
            let Given::Plugin(folder) = given else { continue };
            *folder = beside.join(&folder);
            if !self.others.contains_key(folder) {
                let other =
                    Plugin::folder(&folder).map_err(|error| vec![format!("{}: {error}", file.display())])?;
                self.others.insert(folder.clone(), Named::new(other));
            }
        }
        self.scripts.push(script);
        Ok(())
    }

    /// The plugin, by the name in its manifest.
    pub fn plugin(&self) -> &str {
        &self.tested.name
    }

    /// File, place and title of each case whose title holds `filter`.
    pub fn cases<'a>(&'a self, filter: &'a str) -> impl Iterator<Item = (&'a Path, Place, &'a str)> {
        self.chosen(filter).map(|(script, case)| (script.path.as_path(), case.place, case.title.as_str()))
    }

    /// Runs each case whose title holds `filter`, on all processors, and tells them in the order of the files.
    pub fn run(&self, filter: &str) -> Vec<Ran> {
        let chosen: Vec<_> = self.chosen(filter).collect();
        let next = AtomicUsize::new(0);
        let ran = Mutex::new(BTreeMap::new());
        let work = || {
            loop {
                let place = next.fetch_add(1, Relaxed);
                let Some((script, case)) = chosen.get(place) else { return };
                let result = self.run_case(script, case);
                ran.lock().unwrap_or_else(PoisonError::into_inner).insert(place, result);
            }
        };
        let workers = thread::available_parallelism().map_or(1, usize::from).min(chosen.len());
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(work);
            }
        });
        ran.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    /// What of the plugin's settings these cases have used.
    pub fn coverage(&self, ran: &[Ran]) -> Coverage {
        let seen: Vec<&Seen> = ran.iter().map(|ran| &ran.seen).collect();
        Coverage::of(self.tested.plugin.manifest(), self.folder.join("plugin.toml"), &seen)
    }

    fn chosen<'a>(&'a self, filter: &'a str) -> impl Iterator<Item = (&'a Script, &'a Case)> {
        let cases =
            self.scripts.iter().flat_map(|script| script.cases.iter().map(move |case| (script, case)));
        cases.filter(move |(_, case)| case.title.contains(filter))
    }

    fn run_case(&self, script: &Script, case: &Case) -> Ran {
        let (length, failure, story, seen) = match Stage::open(&self.tested, &self.others, script, case) {
            Err(reason) => {
                let step = format!("case: {}", case.title);
                (
                    Duration::ZERO,
                    Some(Failure { place: case.place, step, reason }),
                    Vec::new(),
                    Seen::default(),
                )
            }
            Ok(mut stage) => {
                let failure = stage.act(case).err();
                (stage.world.now().saturating_sub(stage.began), failure, stage.story(), Seen::of(&stage))
            }
        };
        let (file, title) = (script.path.clone(), case.title.clone());
        Ran { file, place: case.place, title, length, failure, story, seen }
    }
}

impl Stage<'_> {
    /// All steps; after them everybody hangs up.
    fn act(&mut self, case: &Case) -> Result<(), Failure> {
        for step in &case.steps {
            self.perform(step).map_err(|reason| Failure {
                place: step.place,
                step: step.text.clone(),
                reason,
            })?;
        }
        for actor in self.actors.values() {
            actor.phone.hang_up();
        }
        self.world.run_out(PATIENCE);
        let mut notices = self.world.notices().into_iter().enumerate();
        let unexpected =
            notices.find(|(place, notice)| notice.level == Level::Error && !self.reported.contains(place));
        unexpected.map_or(Ok(()), |(_, notice)| {
            let reason = format!("{}; where that is meant, write `then: reports \"...\"`", notice.text);
            Err(Failure { place: case.place, step: format!("case: {}", case.title), reason })
        })
    }
}

fn text(file: &Path) -> Result<String, String> {
    let length = fs::metadata(file).map_err(|error| error.to_string())?.len();
    if length > MAX_FILE {
        return Err(format!("larger than {} MiB", MAX_FILE >> 20));
    }
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text; save it as UTF-8".to_owned())
}
