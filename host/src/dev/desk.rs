//! Follows the files of one plugin: builds it, brings it live, runs its cases, and says how it went.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use jackfield_plugin::{Kind, Manifest};

use super::{
    screen::{Screen, Tag},
    shown,
    site::{self, Site},
    voice::{self, Voice},
    watch::Watcher,
};
use crate::{
    author::{
        build::{Look, Recipe, Stop},
        sources::Sources,
    },
    cli,
    control::{self, Request},
    daemon::Failure,
};

/// Builds in a row that each changed what they are made of.
const MAX_SELF_MADE: u32 = 3;
const CASES: &str = "cases";

/// Where the work of one plugin is done.
pub(super) struct Desk {
    pub(super) site: Site,
    pub(super) screen: Arc<Screen>,
    cases: bool,
    stop: Stop,
    seen: Mutex<Seen>,
}

/// What was there at the last look.
#[derive(Clone, Default)]
struct Seen {
    recipe: Option<Recipe>,
    sources: Sources,
    /// What is live without a build: manifest, settings, prompts, scripts, and the component.
    files: Sources,
    cases: Sources,
    /// A mistake, said once.
    fault: String,
    /// Builds in a row in which their own sources changed.
    self_made: u32,
    was_built: bool,
}

/// `plugin.toml` of a folder.
pub(super) fn manifest(folder: &Path) -> Result<Manifest, String> {
    let path = folder.join("plugin.toml");
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("{}: there is no plugin.toml; `jackfield new NAME` begins a plugin", folder.display())
        }
        _ => format!("{}: {error}", path.display()),
    })?;
    Manifest::parse(&text).map_err(|error| format!("{}:{error}", path.display()))
}

impl Desk {
    pub(super) fn new(site: Site, cases: bool, screen: Arc<Screen>) -> Desk {
        Desk { site, screen, cases, stop: Stop::default(), seen: Mutex::default() }
    }

    /// Before the exchange starts: builds what is not built, and writes the configuration.
    pub(super) async fn begin(self: &Arc<Self>) -> Result<(), Failure> {
        let manifest = manifest(&self.site.folder)?;
        let this = self.clone();
        let look = move || this.take_stock(&manifest).map(|now| (now, manifest));
        let (mut now, manifest) = tokio::task::spawn_blocking(look).await??;
        if let Some(recipe) = now.recipe.clone().filter(|recipe| recipe.is_stale().unwrap_or(true)) {
            self.build(recipe, false).await;
            now = self.take_stock(&manifest)?;
        }
        now.was_built = self.site.folder.join(manifest.plugin.file()).is_file();
        self.site.write(&manifest, now.was_built).await?;
        *self.seen() = now;
        Ok(())
    }

    /// How to reach the exchange.
    pub(super) fn announce(self: &Arc<Self>) {
        let Site { listen, password, .. } = &self.site;
        let Ok(manifest) = manifest(&self.site.folder) else { return };
        let (name, address, user) = (&manifest.plugin.name, self.site.address(), site::USER);
        let line = |what: &str, text: String| self.screen.raw(&format!("  {what:<12} {text}"));
        self.screen.raw("");
        let number = site::USERS_NUMBER;
        line(
            "a softphone",
            format!("server {address} (UDP or TCP), user {user}, password {password}, number {number}"),
        );
        match manifest.plugin.kind.contains(&Kind::App) {
            true => line(&format!("dial {}", site::NUMBER), name.clone()),
            false => line("no number", format!("{name} takes no calls")),
        }
        for (user, number) in site::users_of(&manifest) {
            line(&format!("dial {number}"), format!("{user}: one more softphone, same password"));
        }
        if listen.ip().is_unspecified() {
            line("", "reachable from the network; --listen 127.0.0.1 keeps it here".to_owned());
        }
        let voice = match &self.site.voice {
            Voice::None(why) => Some(why.clone()),
            Voice::Own => None,
            Voice::Plugin(_) => voice::missing(),
        };
        if let Some(why) = voice {
            self.screen.say(Tag::Fault, &why);
        }
        line("files", format!("{}: a change is live with the next call", shown(&self.site.folder)));
        line("", "Ctrl-C ends it".to_owned());
        self.screen.raw("");
    }

    /// Until the process ends.
    pub(super) async fn follow(self: Arc<Self>) {
        if self.seen().was_built {
            self.test().await;
        }
        let mut watcher = Watcher::new();
        loop {
            watcher.watch(self.folders());
            watcher.changed().await;
            self.look().await;
        }
    }

    /// No build goes on, and none begins.
    pub(super) fn stop(&self) {
        self.stop.stop();
    }

    /// Looks at the files; what has changed is built, live and tested afterwards.
    async fn look(self: &Arc<Self>) {
        let this = self.clone();
        let look = move || {
            let manifest = manifest(&this.site.folder)?;
            let now = this.take_stock(&manifest)?;
            Ok::<_, String>((manifest, now))
        };
        let looked = tokio::task::spawn_blocking(look).await;
        let (manifest, now) = match looked.map_err(|panic| panic.to_string()).and_then(|looked| looked) {
            Ok(looked) => looked,
            // The exchange finds it too, and tells it with what stays live.
            Err(_) if self.seen().was_built => return self.apply().await.unwrap_or_default(),
            Err(fault) => return self.complain(fault),
        };
        let former = self.seen().clone();
        self.seen().fault.clear();
        let to_build = now.recipe.is_some() && (now.recipe != former.recipe || now.sources != former.sources);
        let other_files = now.files != former.files;
        let other_cases = now.cases != former.cases;
        if !to_build && !other_files && !other_cases {
            return;
        }
        let self_made = former.self_made;
        *self.seen() = Seen { self_made, was_built: former.was_built, ..now.clone() };
        let mut built = false;
        if let Some(recipe) = now.recipe.clone().filter(|_| to_build) {
            for path in now.sources.changed_since(&former.sources).iter().take(1) {
                self.screen.say(Tag::Build, &format!("{} has changed", shown(path)));
            }
            let Some(other) = self.build(recipe, true).await else { return };
            self.note_self_made(&manifest, &now.sources);
            built = other;
            if !other && !other_files {
                self.screen.say(Tag::Build, "the component is the same as before");
            }
        }
        if (built || other_files || !former.was_built) && !self.bring_live(&manifest).await {
            return;
        }
        if built || other_files || other_cases {
            self.test().await;
        }
    }

    /// What is there now. Blocks.
    fn take_stock(&self, manifest: &Manifest) -> Result<Seen, String> {
        let folder = &self.site.folder;
        let recipe = Recipe::of(folder, manifest);
        let sources = recipe.as_ref().map_or_else(|| Ok(Sources::default()), Recipe::sources)?;
        let mut live = vec!["plugin.toml".to_owned(), manifest.prompts().to_owned()];
        if recipe.is_none() {
            live.push(manifest.plugin.file().to_owned());
            live.extend(manifest.build.iter().flat_map(|build| build.sources.clone()));
            live.extend(files_of(folder));
        }
        let files = Sources::read(folder, &live)?;
        let cases = Sources::read(folder, &[CASES.to_owned()])?;
        Ok(Seen { recipe, sources, files, cases, ..Seen::default() })
    }

    /// Whether the component is another one; none when it failed.
    async fn build(self: &Arc<Self>, recipe: Recipe, quiet: bool) -> Option<bool> {
        let (this, look) = (self.clone(), Look { colour: self.screen.colour, quiet });
        let began = now();
        let work = move || recipe.run(look, &this.stop, &mut |line| this.screen.raw(line));
        let result = tokio::task::spawn_blocking(work).await;
        let took = began.elapsed().as_secs_f64();
        match result.map_err(|panic| panic.to_string()).and_then(|built| built) {
            Ok(other) => {
                self.screen.say(Tag::Build, &format!("done in {took:.1} s"));
                Some(other)
            }
            Err(why) => {
                let stays = if self.seen().was_built { "; what is live stays" } else { "" };
                self.screen.say(Tag::Fault, &format!("build: {why}{stays}"));
                None
            }
        }
    }

    /// A build that writes into its own sources would be followed by another one for ever.
    fn note_self_made(&self, manifest: &Manifest, before: &Sources) {
        let Ok(after) = self.take_stock(manifest) else { return };
        let changed = after.sources.changed_since(before);
        let mut seen = self.seen();
        seen.self_made = if changed.is_empty() { 0 } else { seen.self_made + 1 };
        if seen.self_made >= MAX_SELF_MADE {
            seen.sources = after.sources;
            let files = changed.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", ");
            let help = "leave what a build makes out of `sources` in [build] of plugin.toml";
            self.screen
                .say(Tag::Fault, &format!("each build changes {files}: not built again for that; {help}"));
        }
    }

    /// The exchange looks at the files now. Whether they are live; why not, it logs itself.
    async fn bring_live(&self, manifest: &Manifest) -> bool {
        if let Err(error) = self.site.write(manifest, true).await {
            self.complain(error.to_string());
            return false;
        }
        self.seen().was_built = true;
        self.apply().await.is_some()
    }

    /// None: something stays as it was.
    async fn apply(&self) -> Option<()> {
        let socket = crate::config::control_socket(&self.site.config()).ok()?;
        control::ask(&socket, &Request::Apply).await.ok().map(drop)
    }

    async fn test(self: &Arc<Self>) {
        if !self.cases || !self.site.folder.join(CASES).is_dir() {
            return;
        }
        let (folder, colour) = (self.site.folder.clone(), self.screen.colour);
        let ran = tokio::task::spawn_blocking(move || cli::test::briefly(&folder, colour)).await;
        match ran.map_err(|panic| panic.to_string()) {
            Ok(Ok(text)) => self.screen.say(Tag::Cases, &text),
            Ok(Err(text)) | Err(text) => self.screen.say(Tag::Fault, &format!("cases: {text}")),
        }
    }

    /// Says a fault once, until there is another one or none.
    fn complain(&self, fault: String) {
        let mut seen = self.seen();
        if seen.fault != fault {
            self.screen.say(Tag::Fault, &fault);
            seen.fault = fault;
        }
    }

    /// Every folder in which something may change.
    fn folders(&self) -> Vec<PathBuf> {
        let folder = &self.site.folder;
        let mut folders = vec![folder.clone()];
        add_below(&folder.join(CASES), &mut folders);
        if let Ok(manifest) = manifest(folder) {
            add_below(&folder.join(manifest.prompts()), &mut folders);
            let recipe = Recipe::of(folder, &manifest);
            let scripts =
                manifest.build.iter().flat_map(|build| &build.sources).map(|path| folder.join(path));
            for path in recipe.iter().flat_map(Recipe::paths).chain(scripts) {
                add_below(&path, &mut folders);
            }
        }
        folders.sort();
        folders.dedup();
        folders
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Files that lie in a folder, not below it.
fn files_of(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect()
}

/// A folder and those below it; of a file, the folder in which it lies, since a watched file is lost when another
/// one takes its name.
fn add_below(path: &Path, folders: &mut Vec<PathBuf>) {
    const MOST: usize = 2000;
    if path.is_file() {
        folders.extend(path.parent().map(Path::to_owned));
    } else if path.is_dir() && folders.len() < MOST {
        folders.push(path.to_owned());
        for entry in fs::read_dir(path).into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name();
            if entry.path().is_dir() && !crate::author::sources::is_made(&name.to_string_lossy()) {
                add_below(&entry.path(), folders);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a build took is shown")]
fn now() -> Instant {
    Instant::now()
}
