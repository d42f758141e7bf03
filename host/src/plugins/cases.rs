//! A version's own cases, run before it goes live: by a process of its own that gives way to
//! calls, and is killed when it takes too long.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{self, Stdio},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

use super::{
    folder::{Digest, Files},
    seen::Seen,
};

const FOLDER: &str = "cases";
const ENDING: &str = ".case";
const MAX_FILES: usize = 1000;
const MAX_FILE: u64 = 4 << 20;
/// All cases of a version together, by the clock.
const LONGEST: Duration = Duration::from_secs(120);
/// Of what fails, so much is told.
const MAX_REPORT: u64 = 8 << 10;

/// The case files of a plugin.
pub struct Cases {
    folder: PathBuf,
    /// Of their contents.
    pub digest: Digest,
}

impl Cases {
    /// Those in the plugin's folder, if there are any. As with the plugin's files, `seen` is how they were.
    pub fn look(plugin: &Path, seen: &mut Seen) -> Result<Option<Cases>, String> {
        let folder = plugin.join(FOLDER);
        seen.look(folder.clone());
        let failed = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&folder, error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(&folder, error))?.path();
            if path.to_str().is_some_and(|path| path.ends_with(ENDING)) {
                files.push(path);
            }
        }
        if files.len() > MAX_FILES {
            return Err(format!("{}: more than {MAX_FILES} case files", folder.display()));
        }
        files.sort();
        let mut hash = Sha256::new();
        for path in &files {
            seen.look(path.clone());
            if fs::metadata(path).map_err(|error| failed(path, error))?.len() > MAX_FILE {
                return Err(format!("{}: larger than {} MiB", path.display(), MAX_FILE >> 20));
            }
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update(Sha256::digest(fs::read(path).map_err(|error| failed(path, error))?));
        }
        Ok((!files.is_empty()).then(|| Cases { folder, digest: hash.finalize().into() }))
    }

    /// Runs them with these files, which are laid into `stage` for so long. What fails is named with its place.
    pub async fn run(&self, files: &Files, stage: &Path) -> Result<(), String> {
        let result = match lay(files, stage) {
            Ok(()) => match self.start(stage) {
                Ok(child) => finish(child).await,
                Err(error) => Err(format!("its cases could not be run: {error}")),
            },
            Err(error) => Err(format!("its cases could not be run: {}: {error}", stage.display())),
        };
        // What is left there is overwritten the next time.
        let _ = fs::remove_dir_all(stage);
        result
    }

    fn start(&self, stage: &Path) -> io::Result<Child> {
        let program = program()?;
        let command = |mut command: Command| {
            command.args(["test", "--brief", "--no-build", "--plugin"]).arg(stage).arg(&self.folder);
            command.env("JACKFIELD_LOG", "error").env("NO_COLOR", "1");
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.kill_on_drop(true).spawn()
        };
        let mut nice = Command::new("nice");
        nice.args(["-n", "5"]).arg(&program);
        match command(nice) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => command(Command::new(program)),
            started => started,
        }
    }
}

/// This program, also when another one has been put in its place.
fn program() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    Ok(if path.exists() { path } else { format!("/proc/{}/exe", process::id()).into() })
}

fn lay(files: &Files, stage: &Path) -> io::Result<()> {
    for (path, content) in files.all() {
        let path = stage.join(path);
        fs::create_dir_all(path.parent().unwrap_or(stage))?;
        fs::write(path, &content.bytes)?;
    }
    Ok(())
}

async fn finish(mut child: Child) -> Result<(), String> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let talk = async { tokio::join!(beginning(stdout), beginning(stderr), child.wait()) };
    let Ok((report, complaint, status)) = timeout(LONGEST, talk).await else {
        return Err(format!("its own cases take longer than {} s", LONGEST.as_secs()));
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) if !report.is_empty() => Err(format!("its own cases fail:\n{report}")),
        // A mistake in a case file.
        Ok(status) if complaint.is_empty() => Err(format!("its own cases ended with {status}")),
        Ok(_) => Err(format!("its own cases cannot be run:\n  {}", complaint.replace('\n', "\n  "))),
        Err(error) => Err(format!("its own cases could not be run: {error}")),
    }
}

/// Reads it to its end, and keeps the beginning.
async fn beginning(output: Option<impl AsyncRead + Unpin>) -> String {
    let Some(output) = output else { return String::new() };
    let mut text = Vec::new();
    let mut output = output.take(MAX_REPORT);
    let _ = output.read_to_end(&mut text).await;
    let mut rest = output.into_inner();
    let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&text).trim_end().to_owned()
}
