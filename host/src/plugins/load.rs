//! What a version passes before it is live: it is compiled, its rights are looked at, it checks its settings,
//! and its cases are run where the operator wants it. All of it happens beside the calls.

use std::{sync::Arc, time::Duration};

use jackfield_plugin::{Finding, Kind, Limits, LoadError, Refused, Source, Version};
use tokio::{
    sync::watch as channel,
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tracing::{error, info, warn};

use super::{
    Entries, Entry, Files, KeptVersion, Manager,
    cases::Cases,
    folder::{Folder, hex},
    look::live_digest,
    service,
    services::unix_now,
    status::{Life, Origin},
};
use crate::config::locate_setting;

/// Files that may become a version.
pub(super) struct Candidate {
    pub files: Files,
    /// Those that it has.
    pub cases: Option<Cases>,
    /// The digest, in hexadecimal, of the cases that these files are known to pass.
    pub passed: Option<String>,
    pub origin: Origin,
    pub number: u64,
}

impl Manager {
    /// As [`Manager::look`], for a process that runs nothing: one sentence for each plugin
    /// that would be refused.
    pub async fn check(self: &Arc<Self>, entries: &Entries) -> Vec<String> {
        let mut order: Vec<_> = entries.iter().collect();
        order.sort_by_key(|(_, entry)| !super::folder::is_provider(&entry.folder));
        let mut problems = Vec::new();
        for (name, entry) in order {
            if let Err(problem) = self.check_one(name, entry).await {
                problems.push(format!("plugin {name}: {problem}"));
            }
        }
        problems
    }

    async fn check_one(self: &Arc<Self>, name: &str, entry: &Entry) -> Result<(), String> {
        let files = Files::look(&entry.folder, &entry.trust, &mut Default::default())?;
        let cases = if entry.tests && !entry.folder.is_file() {
            Cases::look(&entry.folder, &mut Default::default())?
        } else {
            None
        };
        let candidate = Candidate { files, cases, passed: None, origin: Origin::Folder, number: 1 };
        let (version, _) = self.load(name, entry, candidate).await?;
        // Others may want it for their own check.
        drop(self.plugins.install(version));
        Ok(())
    }

    /// A version of these files, which has checked its settings. A refusal says where and how to mend it.
    pub(super) async fn load(
        self: &Arc<Self>,
        name: &str,
        entry: &Entry,
        candidate: Candidate,
    ) -> Result<(Arc<Version>, Candidate), String> {
        let (this, name_, entry_) = (self.clone(), name.to_owned(), entry.clone());
        let compile = move || this.compile(&name_, &entry_, &candidate).map(|made| (made, candidate));
        let ((folder, version), mut candidate) =
            spawn_blocking(compile).await.map_err(|panic| panic.to_string())??;
        match self.guests.spawn(version.validate(&self.host)).await.map_err(|panic| panic.to_string())? {
            Ok(_) => {}
            Err(Refused::Findings(findings)) => return Err(self.explain(name, &folder, &findings)),
            // It begins with the script's name, which lies beside the manifest.
            Err(Refused::Script(mistake)) => {
                return Err(folder.manifest_path.with_file_name(mistake).display().to_string());
            }
            Err(trap) => return Err(format!("{}: {trap}", folder.manifest_path.display())),
        }
        drop(folder);
        self.test(name, entry, &mut candidate).await?;
        Ok((version, candidate))
    }

    /// Where the operator wants it, a version passes its own cases; those that it has passed once are not run again.
    async fn test(&self, name: &str, entry: &Entry, candidate: &mut Candidate) -> Result<(), String> {
        let Some(cases) = candidate.cases.as_ref().filter(|_| entry.tests) else { return Ok(()) };
        let digest = hex(&cases.digest);
        if candidate.passed.as_ref() == Some(&digest) {
            return Ok(());
        }
        let began = Instant::now();
        cases.run(&candidate.files, &self.stage.join(name)).await?;
        info!(plugin = name, "v{} passes its cases ({} ms)", candidate.number, began.elapsed().as_millis());
        candidate.passed = Some(digest);
        Ok(())
    }

    /// New calls get this version.
    pub(super) async fn bring_live(
        self: &Arc<Self>,
        entry: &Entry,
        version: Arc<Version>,
        candidate: Candidate,
    ) {
        let Candidate { files, cases: _, passed, origin, number } = candidate;
        let name = version.name().to_owned();
        let since = unix_now();
        let live = live_digest(entry, &files);
        self.known(&name, |known| {
            known.live = Some(live);
            known.lives.insert(number, Life { since, origin });
        });
        let former = self.plugins.install(version.clone());
        let stay = former.as_ref().map_or(String::new(), |former| {
            format!(", {} calls stay on v{}", former.instances(), former.number())
        });
        let sha = &version.own_sha256()[..8];
        let back = match origin {
            Origin::Back(to) => format!(", as v{to} was"),
            Origin::Kept | Origin::Folder => String::new(),
        };
        let of = &version.manifest().plugin.version;
        info!(plugin = name, "{of} v{number} live (sha {sha}){back}{stay}");
        if version.kinds().contains(&Kind::Service) {
            self.serve(&name, version);
        }
        if let Some(former) = former {
            self.drain(&former);
        }
        self.speaker.went_live(&name);
        if origin == Origin::Kept {
            return;
        }
        self.keep(name, KeptVersion::of(number, since, origin, passed, &files), files).await;
    }

    async fn keep(self: &Arc<Self>, name: String, version: KeptVersion, files: Files) {
        let this = self.clone();
        let kept = spawn_blocking(move || {
            if let Err(error) = this.kept.keep(&name, version, &files) {
                warn!(plugin = name, "this version is not kept, and cannot be gone back to: {error}");
            }
        });
        let _ = kept.await;
    }

    /// The newest files are no good; what is live stays.
    pub(super) fn refuse(&self, name: &str, problem: String) {
        match self.plugins.live(name) {
            Some(live) => error!(plugin = name, "refused, v{} stays live: {problem}", live.number()),
            None => error!(plugin = name, "refused: {problem}"),
        }
        self.plugins.refuse(name, problem);
    }

    /// Blocks.
    fn compile(
        &self,
        name: &str,
        entry: &Entry,
        candidate: &Candidate,
    ) -> Result<(Folder, Arc<Version>), String> {
        let folder = candidate.files.open()?;
        let source = Source {
            name: name.to_owned(),
            settings: folder.manifest.settings(&entry.config),
            manifest: folder.manifest.clone(),
            wasm: folder.wasm.clone(),
            script: folder.script.clone(),
            prompts: folder.prompts.clone(),
            grant: entry.grant.clone(),
            limits: Limits::agree(&folder.manifest.limits, &entry.limits),
            number: candidate.number,
        };
        match self.engine.load(source, &self.cache) {
            Ok(version) => Ok((folder, version)),
            Err(LoadError::Settings(findings)) => Err(self.explain(name, &folder, &findings)),
            Err(error) => Err(format!("{}: {error}", folder.place_of(&error))),
        }
    }

    /// Findings as "file:line:column: path: what (help)".
    fn explain(&self, name: &str, folder: &Folder, findings: &[Finding]) -> String {
        let operator = self.operator.load();
        let lines = findings.iter().map(|finding| {
            let keys: Vec<&str> = finding.path.iter().map(String::as_str).collect();
            let manifest = (folder.manifest_path.as_path(), folder.manifest_text.as_str());
            match locate_setting((&operator.0, &operator.1), manifest, name, &keys) {
                Some((file, at)) => format!("\n  {}:{}:{}: {finding}", file.display(), at.line, at.column),
                None => format!("\n  {}: {finding}", folder.manifest_path.display()),
            }
        });
        format!("its settings are wrong:{}", lines.collect::<String>())
    }

    /// Gives a service its new version.
    fn serve(&self, name: &str, version: Arc<Version>) {
        let mut state = self.state();
        if let Some(wanted) = state.services.get(name) {
            wanted.send_replace(Some(version));
            return;
        }
        let (sender, wanted) = channel::channel(Some(version));
        state.services.insert(name.to_owned(), sender);
        let supervisor = service::Supervisor {
            name: name.to_owned(),
            host: self.host.clone(),
            inbox: self.inbox.clone(),
            instances: self.instances.clone(),
            guests: self.guests.clone(),
            wanted,
        };
        tokio::spawn(supervisor.run());
    }

    /// A replaced version serves its calls for so long. It is gone with the last of them,
    /// so it is not held until then.
    pub(super) fn drain(&self, version: &Arc<Version>) {
        let (time, version): (Duration, _) = (version.limits().drain, Arc::downgrade(version));
        let instances = self.instances.clone();
        tokio::spawn(async move {
            sleep(time).await;
            if let Some(version) = version.upgrade().filter(|version| version.instances() > 0) {
                warn!(plugin = version.name(), "v{}: its time to drain is over", version.number());
                instances.drop_version(&version);
            }
        });
    }
}
