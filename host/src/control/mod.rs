//! The local control socket: one JSON request a line, one JSON answer a line. Only
//! the daemon's own user can open it.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jackfield_plugin::{PluginStatus, Plugins};
use jackfield_switch::{CallSummary, Input};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

use crate::shard::Inbox;

/// A request is one line of at most so many bytes.
const MAX_REQUEST: u64 = 64 << 10;
const MAX_ANSWER: u64 = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    Calls,
    Plugins,
    HangUp { call: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Calls(Vec<CallSummary>),
    Plugins(Vec<PluginStatus>),
    Done,
    Failed(String),
}

/// The bound socket; its file goes with it.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// A file that a killed daemon left is replaced; a living daemon is not.
    pub fn bind(path: &Path) -> Result<Socket, String> {
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        if path.exists() {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(format!(
                    "{}: a daemon is already running with this configuration",
                    path.display()
                ));
            }
            fs::remove_file(path).map_err(failed)?;
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Socket { listener, path: path.to_owned() })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// What answers requests.
pub struct Daemon {
    pub inbox: Inbox,
    pub plugins: Arc<Plugins>,
}

impl Daemon {
    async fn answer(&self, request: Request) -> Answer {
        match request {
            Request::Calls => match self.inbox.look(|switch, _| switch.calls()).await {
                Some(calls) => Answer::Calls(calls),
                None => Answer::Failed("the daemon is stopping".to_owned()),
            },
            Request::Plugins => Answer::Plugins(self.plugins.status()),
            Request::HangUp { call } => {
                self.inbox.post(Input::HangUp { call }).await;
                Answer::Done
            }
        }
    }
}

/// Answers until the process ends.
pub async fn serve(socket: Socket, daemon: Arc<Daemon>) {
    while let Ok((stream, _)) = socket.listener.accept().await {
        let daemon = daemon.clone();
        tokio::spawn(async move {
            let _ = converse(stream, &daemon).await;
        });
    }
}

async fn converse(stream: UnixStream, daemon: &Daemon) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(MAX_REQUEST)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => daemon.answer(request).await,
        Err(error) => Answer::Failed(format!("no such request: {error}")),
    };
    let mut text = serde_json::to_vec(&answer).map_err(io::Error::other)?;
    text.push(b'\n');
    writer.write_all(&text).await
}

/// Asks the daemon that runs with this socket.
pub async fn ask(socket: &Path, request: &Request) -> Result<Answer, String> {
    let stream = UnixStream::connect(socket).await.map_err(|_| {
        "no daemon is running with this configuration: start it with `jackfield run`".to_owned()
    })?;
    let talk = async {
        let (reader, mut writer) = stream.into_split();
        let mut text = serde_json::to_vec(request).map_err(io::Error::other)?;
        text.push(b'\n');
        writer.write_all(&text).await?;
        let mut line = String::new();
        BufReader::new(reader.take(MAX_ANSWER)).read_line(&mut line).await?;
        serde_json::from_str(&line).map_err(io::Error::other)
    };
    match talk.await {
        Ok(Answer::Failed(text)) => Err(text),
        Ok(answer) => Ok(answer),
        Err(error) => Err(format!("the daemon did not answer: {error}")),
    }
}
