//! `jackfield test`: what the cases of plugins say, and whether it is so.

use std::{
    env,
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
    path::{Path, PathBuf},
    time::Instant,
};

use jackfield_sim::case::{self, Coverage, Entry, Event, Ran, Suite};

use jackfield_plugin::Manifest;

use crate::{
    author::build::{Look, Recipe, Stop},
    config,
    daemon::Failure,
    plugins::DiskCache,
};

/// Lines of a story that are shown; the last ones.
const MAX_STORY: usize = 200;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Folders of plugins, folders above them, or case files.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Test this plugin's folder, instead of the one in which a case file lies.
    #[arg(long, value_name = "FOLDER")]
    plugin: Option<PathBuf>,
    /// Only cases whose title holds this text.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    filter: String,
    /// Only name the cases.
    #[arg(long)]
    list: bool,
    /// Tell what happened in every case, not only in those that fail.
    #[arg(long)]
    verbose: bool,
    /// Only say what fails, in a line for each.
    #[arg(long, conflicts_with = "verbose")]
    brief: bool,
    /// Run what is built, also where its sources are newer.
    #[arg(long)]
    no_build: bool,
}

/// Runs the cases, and fails when one of them does.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.no_build {
        build_stale(arguments)?;
    }
    let began = now();
    keep_compiled();
    let suites =
        case::find(&arguments.paths, arguments.plugin.as_deref()).map_err(|errors| errors.join("\n"))?;
    let filter = arguments.filter.as_str();
    let count: usize = suites.iter().map(|suite| suite.cases(filter).count()).sum();
    if count == 0 && !filter.is_empty() {
        return Err(format!("no case has \"{filter}\" in its title").into());
    }
    let mut out = io::stdout().lock();
    if arguments.list {
        return list(&suites, filter, &mut out);
    }
    let paint = Paint::of(&out);
    let mut failed = 0;
    for suite in &suites {
        let ran = suite.run(filter);
        failed += ran.iter().filter(|ran| ran.failure.is_some()).count();
        if arguments.brief {
            write!(out, "{}", failures(&ran))?;
            continue;
        }
        let report = Report { plugin: suite.plugin(), ran: &ran, verbose: arguments.verbose, paint };
        write!(out, "{}", report.text())?;
        if filter.is_empty() {
            write!(out, "{}", covered(&suite.coverage(&ran)))?;
        }
    }
    if !arguments.brief {
        let took = began.elapsed().as_secs_f64();
        writeln!(out, "cases: {} passed, {failed} failed, in {took:.2} s", count - failed)?;
    }
    match failed {
        0 => Ok(()),
        1 => Err("a case failed".into()),
        failed => Err(format!("{failed} cases failed").into()),
    }
}

/// A language's runtime takes seconds to compile: once for this person, not once for each run. Without a place for
/// it, it is compiled anew.
fn keep_compiled() {
    if let Some(cache) = compiled() {
        jackfield_sim::keep_compiled(Box::new(cache));
    }
}

fn compiled() -> Option<DiskCache> {
    let own = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = own("XDG_CACHE_HOME").or_else(|| Some(own("HOME")?.join(".cache")))?;
    DiskCache::open(&folder.join("jackfield/compiled")).ok()
}

/// Builds each plugin that says how, and is not built or older than its sources.
fn build_stale(arguments: &Arguments) -> Result<(), Failure> {
    for folder in case::folders(&arguments.paths, arguments.plugin.as_deref()) {
        // What is wrong with a manifest is told where it is tested.
        let Ok(text) = std::fs::read_to_string(folder.join("plugin.toml")) else { continue };
        let Ok(manifest) = Manifest::parse(&text) else { continue };
        // A plugin that says nothing is built by whoever installs it.
        let Some(recipe) = manifest.build.as_ref().and_then(|_| Recipe::of(&folder, &manifest)) else {
            continue;
        };
        if recipe.is_stale()? {
            let look = Look { colour: Paint::of(&io::stderr()).0, quiet: false };
            recipe.run(look, &Stop::default(), &mut |line| eprintln!("{line}"))?;
        }
    }
    Ok(())
}

/// For `jackfield dev`: one line where all cases of a plugin pass, else what failed.
pub(crate) fn briefly(folder: &Path, colour: bool) -> Result<String, String> {
    let began = now();
    keep_compiled();
    let suites = case::find(&[folder.to_owned()], None).map_err(|errors| errors.join("\n"))?;
    let (mut count, mut failed, mut text) = (0, 0, String::new());
    for suite in &suites {
        let mut ran = suite.run("");
        count += ran.len();
        ran.retain(|ran| ran.failure.is_some());
        failed += ran.len();
        text += &Report { plugin: suite.plugin(), ran: &ran, verbose: false, paint: Paint(colour) }.text();
    }
    let took = began.elapsed().as_secs_f64();
    match failed {
        0 => Ok(format!("{count} passed in {took:.2} s")),
        failed => Err(format!("{} passed, {failed} failed, in {took:.2} s\n{text}", count - failed)),
    }
}

#[expect(clippy::disallowed_methods, reason = "the operator's own time is shown")]
fn now() -> Instant {
    Instant::now()
}

fn list(suites: &[Suite], filter: &str, out: &mut impl io::Write) -> Result<(), Failure> {
    for (file, place, title) in suites.iter().flat_map(|suite| suite.cases(filter)) {
        writeln!(out, "{}:{}: {title}", file.display(), place.line)?;
    }
    Ok(())
}

/// A line for each case that failed.
fn failures(ran: &[Ran]) -> String {
    let mut text = String::new();
    for (ran, failure) in ran.iter().filter_map(|ran| Some((ran, ran.failure.as_ref()?))) {
        let (file, case::Failure { place, step, reason }) = (ran.file.display(), failure);
        let _ = writeln!(text, "  {file}:{place}: {step}: {reason} (case \"{}\")", ran.title);
    }
    text
}

/// How much of the settings the cases have used, and where the rest stands.
fn covered(coverage: &Coverage) -> String {
    let mut text = String::new();
    let manifest = std::fs::read_to_string(&coverage.manifest).unwrap_or_default();
    for (entries, verb, what) in [(&coverage.texts, "heard", "texts"), (&coverage.keys, "pressed", "keys")] {
        let unused: Vec<&Entry> = entries.iter().filter(|entry| !entry.used).collect();
        if !entries.is_empty() {
            let used = entries.len() - unused.len();
            let _ = writeln!(text, "  {used} of {} {what} of its settings were {verb}", entries.len());
        }
        for Entry { path, text: what, .. } in unused {
            let keys: Vec<&str> = std::iter::once("config").chain(path.iter().map(String::as_str)).collect();
            let place = config::locate(&manifest, &keys).map(|at| format!(":{}:{}", at.line, at.column));
            let (file, place) = (coverage.manifest.display(), place.unwrap_or_default());
            let what = if what.is_empty() { String::new() } else { format!(" \"{what}\"") };
            let _ = writeln!(text, "    {file}{place}: never {verb}: {}{what}", path.join("."));
        }
    }
    text
}

/// Colours, where somebody sees them.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn of(out: &impl IsTerminal) -> Paint {
        Paint(out.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// What is shown of a plugin.
struct Report<'a> {
    plugin: &'a str,
    ran: &'a [Ran],
    verbose: bool,
    paint: Paint,
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        let mut file: Option<&Path> = None;
        for ran in self.ran {
            if file.replace(&ran.file) != Some(&ran.file) {
                let _ = writeln!(text, "{}: {}", self.plugin, ran.file.display());
            }
            let verdict = match ran.failure {
                None => self.paint.with("32", "ok    "),
                Some(_) => self.paint.with("1;31", "FAILED"),
            };
            let _ = writeln!(text, "  {verdict} {} ({:.1} s)", ran.title, ran.length.as_secs_f64());
            if ran.failure.is_some() || self.verbose {
                self.tell(ran, &mut text);
            }
        }
        text
    }

    /// What is wrong, and what happened.
    fn tell(&self, ran: &Ran, text: &mut String) {
        if let Some(failure) = &ran.failure {
            let place = format!("{}:{}", ran.file.display(), failure.place);
            let _ = writeln!(text, "    {}: {}", self.paint.with("1", &place), failure.step);
            let _ = writeln!(text, "      {}", self.paint.with("31", &failure.reason));
        }
        if ran.story.is_empty() {
            return;
        }
        let _ = writeln!(text, "    what happened:");
        let skipped = ran.story.len().saturating_sub(MAX_STORY);
        if skipped > 0 {
            let _ = writeln!(text, "               ({skipped} lines before are left out)");
        }
        for Event { at, text: event } in &ran.story[skipped..] {
            let at = self.paint.with("2", &format!("{:10.3}", at.as_secs_f64()));
            let _ = writeln!(text, "    {at}  {event}");
        }
    }
}
