//! `jackfield dev`: an exchange for one plugin whose files are being written. It builds, reloads, runs the cases and
//! tells what happens, line by line, until it is stopped.
//!
//! - [`site`]: the exchange's folder and configuration, and [`voice`], who speaks in it.
//! - [`desk`]: follows the files ([`watch`]): builds, brings live, runs the cases.
//! - [`story`]: calls as lines; [`log`]: what the exchange and its plugins log; [`screen`]: where all of it goes.

mod desk;
mod log;
mod screen;
mod site;
mod story;
mod voice;
mod watch;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::mpsc;

use self::{
    desk::Desk,
    screen::{Screen, Tag},
    site::Site,
    story::Story,
};
use crate::{
    daemon::{self, Failure},
    onlooker::{Onlooker, Seen},
};

/// What may be said on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// The plugin's.
    pub folder: PathBuf,
    /// Where phones reach the exchange; without a port: one that is free.
    pub listen: Option<SocketAddr>,
    /// Run the plugin's cases after each change.
    pub cases: bool,
    /// The folder of the plugin that speaks, in place of the one that comes with Jackfield.
    pub voice: Option<PathBuf>,
}

/// Runs until it is told to stop.
pub async fn run(options: Options) -> Result<(), Failure> {
    let screen = Arc::new(Screen::new());
    log::follow(screen.clone());
    let manifest = desk::manifest(&options.folder)?;
    let voice = voice::find(options.voice.as_deref(), &manifest);
    let site = Site::open(&options, voice)?;
    let desk = Arc::new(Desk::new(site, options.cases, screen.clone()));
    desk.begin().await?;

    let config = desk.site.config();
    let (onlooker, seen) = Onlooker::new();
    desk.site.release();
    let ended = tokio::select! {
        ended = daemon::run_watched(&config, onlooker) => ended,
        () = attend(desk.clone(), seen) => Ok(()),
    };
    desk.stop();
    ended
}

/// Tells what calls do, and from the start on follows the files.
async fn attend(desk: Arc<Desk>, mut seen: mpsc::Receiver<Seen>) {
    let mut story = Story::default();
    while let Some(seen) = seen.recv().await {
        if matches!(seen, Seen::Ready) {
            desk.announce();
            tokio::spawn(desk.clone().follow());
        }
        if let Some(line) = story.tell(seen) {
            desk.screen.say(Tag::Call, &line);
        }
    }
}

/// A path as it is to be written: short where it is below the current folder.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(here).unwrap_or(path) {
        path if path.as_os_str().is_empty() => ".".to_owned(),
        path => path.display().to_string(),
    }
}
