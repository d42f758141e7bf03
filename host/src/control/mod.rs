//! The local control socket: one JSON request a line, one JSON answer a line. Only
//! the daemon's own user can open it.
//!
//! A file goes through the socket as it is, behind the line that names its length: the
//! operator's own rights read and write it, whoever the daemon runs as.

pub mod campaigns;
pub mod speech;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jackfield_plugin::{Kind, Speech};
use jackfield_switch::{CallSummary, Input, TapeAction};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot},
};

use crate::{
    campaign::MAX_FILE,
    config::suggest,
    plugins::{Manager, RolledBack, Shown, Versions},
    records,
    shard::Inbox,
    store::Store,
};

/// A request is one line of at most so many bytes, and then perhaps a file.
const MAX_REQUEST: u64 = 64 << 10;
const MAX_ANSWER: u64 = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    Calls,
    Plugins,
    /// Those of a plugin that can be gone back to.
    Versions {
        plugin: String,
    },
    /// To that version, or else to the one before.
    RollBack {
        plugin: String,
        to: Option<u64>,
    },
    HangUp {
        call: String,
    },
    Record {
        call: String,
        action: TapeAction,
    },
    /// Look at the files now.
    Apply,
    /// Who can speak.
    Voices,
    /// Answered with a WAV file.
    Say {
        text: String,
        lang: String,
        voice: String,
        ssml: bool,
    },
    /// A message for the service of a plugin.
    Send {
        plugin: String,
        topic: String,
        body: String,
    },
    /// `bytes` of CSV follow.
    StartCampaign {
        start: campaigns::Start,
        bytes: u64,
    },
    Campaigns {
        name: Option<String>,
    },
    PauseCampaign {
        name: String,
        paused: bool,
    },
    ExportCampaign {
        name: String,
    },
    /// As JSON, one a line: the newest `limit` events, of the call or linked id `of`.
    Events {
        of: Option<String>,
        limit: u32,
    },
    /// As CSV: calls that began at `since` (Unix milliseconds) or later, the newest `limit` of them.
    Records {
        since: u64,
        limit: u32,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Calls(Vec<CallSummary>),
    Plugins(Vec<Shown>),
    Versions(Versions),
    RolledBack(RolledBack),
    Voices(Vec<speech::Provider>),
    Started(campaigns::Started),
    Campaigns(Vec<campaigns::Campaign>),
    /// A file of so many bytes follows.
    File(u64),
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
            if is_served(path) {
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

/// Looks at the files and answers with a sentence for each that stays as it was.
pub type Apply = mpsc::Sender<oneshot::Sender<Vec<String>>>;

/// What answers requests.
pub struct Daemon {
    pub apply: Apply,
    pub inbox: Inbox,
    pub manager: Arc<Manager>,
    pub speech: speech::Desk,
    pub store: Store,
}

impl Daemon {
    /// The answer, and the file that follows it.
    async fn answer(&self, request: Request, body: Vec<u8>) -> (Answer, Vec<u8>) {
        let answer = match request {
            Request::Calls => or_failed(self.calls().await, Answer::Calls),
            Request::Plugins => Answer::Plugins(self.manager.status()),
            Request::Versions { plugin } => or_failed(self.manager.versions(&plugin), Answer::Versions),
            Request::RollBack { plugin, to } => {
                or_failed(self.manager.roll_back(&plugin, to).await, Answer::RolledBack)
            }
            Request::HangUp { call } => or_failed(self.hang_up(call).await, |()| Answer::Done),
            Request::Record { call, action } => or_failed(self.record(call, action).await, |()| Answer::Done),
            Request::Voices => Answer::Voices(self.speech.voices().await),
            Request::Say { text, lang, voice, ssml } => {
                match self.speech.say(Speech { text, lang, voice, ssml }).await {
                    Ok(file) => return (Answer::File(file.len() as u64), file),
                    Err(text) => Answer::Failed(text),
                }
            }
            Request::Apply => or_failed(self.apply().await, |()| Answer::Done),
            Request::Send { plugin, topic, body } => {
                or_failed(self.send(plugin, topic, body).await, |()| Answer::Done)
            }
            Request::StartCampaign { start, .. } => {
                or_failed(campaigns::start(self, start, body).await, Answer::Started)
            }
            Request::Campaigns { name } => {
                or_failed(campaigns::status(self, name.as_deref()).await, Answer::Campaigns)
            }
            Request::PauseCampaign { name, paused } => {
                let campaign = campaigns::pause(self, &name, paused).await;
                or_failed(campaign, |campaign| Answer::Campaigns(vec![campaign]))
            }
            Request::ExportCampaign { name } => match campaigns::results(self, &name).await {
                Ok(file) => return (Answer::File(file.len() as u64), file),
                Err(text) => Answer::Failed(text),
            },
            Request::Events { of, limit } => match self.events(of.as_deref(), limit).await {
                Ok(file) => return (Answer::File(file.len() as u64), file),
                Err(text) => Answer::Failed(text),
            },
            Request::Records { since, limit } => match self.records(since, limit).await {
                Ok(file) => return (Answer::File(file.len() as u64), file),
                Err(text) => Answer::Failed(text),
            },
        };
        (answer, Vec::new())
    }

    async fn calls(&self) -> Result<Vec<CallSummary>, String> {
        self.inbox.look(|switch, _| switch.calls()).await.ok_or_else(stopping)
    }

    async fn events(&self, of: Option<&str>, limit: u32) -> Result<Vec<u8>, String> {
        let events = self.store.events(of, limit).await.map_err(|error| error.to_string())?;
        let mut file = Vec::new();
        for event in events {
            serde_json::to_writer(&mut file, &event).map_err(|error| error.to_string())?;
            file.push(b'\n');
        }
        Ok(file)
    }

    async fn records(&self, since: u64, limit: u32) -> Result<Vec<u8>, String> {
        let records = self.store.records(since, limit).await.map_err(|error| error.to_string())?;
        records::export(&records, &TimeZone::system()).map_err(|error| error.to_string())
    }

    async fn hang_up(&self, call: String) -> Result<(), String> {
        if !self.calls().await?.iter().any(|known| known.id == call) {
            return Err(no_call(&call));
        }
        self.inbox.post(Input::HangUp { call }).await;
        Ok(())
    }

    async fn record(&self, id: String, action: TapeAction) -> Result<(), String> {
        let calls = self.calls().await?;
        let call = calls.iter().find(|call| call.id == id).ok_or_else(|| no_call(&id))?;
        match (action, call.recording.as_deref()) {
            (TapeAction::Start, Some(state)) => {
                return Err(format!("the call {id} has a recording already: {state}"));
            }
            (TapeAction::Pause | TapeAction::Resume, Some("running" | "paused"))
            | (TapeAction::Stop, Some(_))
            | (TapeAction::Start, None) => {}
            (_, state) => {
                let state = state.unwrap_or("none; `jackfield record CALL start` begins one");
                return Err(format!("the call {id} has no running recording: {state}"));
            }
        }
        self.inbox.post(Input::Tape { call: id, action }).await;
        Ok(())
    }

    async fn send(&self, plugin: String, topic: String, body: String) -> Result<(), String> {
        let live = self.manager.plugins.all_live();
        let services = live.iter().filter(|version| version.kinds().contains(&Kind::Service));
        let names: Vec<&str> = services.map(|version| version.name()).collect();
        if !names.contains(&plugin.as_str()) {
            return Err(match suggest(&plugin, names.iter().copied()) {
                help if help.is_empty() => format!("no plugin `{plugin}` with a service is live"),
                help => format!("no plugin `{plugin}` with a service is live; {help}"),
            });
        }
        let sender = "operator".to_owned();
        self.inbox.post(Input::Message { plugin, sender, topic, body: body.into_bytes() }).await;
        Ok(())
    }

    async fn apply(&self) -> Result<(), String> {
        let (answer, problems) = oneshot::channel();
        self.apply.send(answer).await.map_err(|_| stopping())?;
        match problems.await.map_err(|_| stopping())? {
            problems if problems.is_empty() => Ok(()),
            problems => Err(problems.join("\n")),
        }
    }
}

fn no_call(id: &str) -> String {
    format!("there is no call {id}; `jackfield calls` lists them")
}

fn stopping() -> String {
    "the daemon is stopping".to_owned()
}

fn or_failed<T>(result: Result<T, String>, answer: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(Answer::Failed, answer)
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
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    (&mut reader).take(MAX_REQUEST).read_line(&mut line).await?;
    let (answer, file) = match serde_json::from_str(&line) {
        Ok(request) => match file_of(&request, &mut reader).await? {
            Some(file) => daemon.answer(request, file).await,
            None => (Answer::Failed(format!("the file is larger than {} MiB", MAX_FILE >> 20)), Vec::new()),
        },
        Err(error) => (Answer::Failed(format!("no such request: {error}")), Vec::new()),
    };
    write(&mut writer, &answer, &file).await
}

/// The file that follows a request, whole; none when it is too large.
async fn file_of(request: &Request, reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Vec<u8>>> {
    let length = match request {
        Request::StartCampaign { bytes, .. } if *bytes > MAX_FILE => return Ok(None),
        Request::StartCampaign { bytes, .. } => *bytes,
        _ => 0,
    };
    let mut file = Vec::new();
    reader.take(length).read_to_end(&mut file).await?;
    // Who sent less has gone.
    if file.len() as u64 == length { Ok(Some(file)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

async fn write(writer: &mut OwnedWriteHalf, line: &impl Serialize, file: &[u8]) -> io::Result<()> {
    let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    writer.write_all(&text).await?;
    writer.write_all(file).await
}

/// A daemon listens there.
pub fn is_served(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

/// Asks the daemon that runs with this socket.
pub async fn ask(socket: &Path, request: &Request) -> Result<Answer, String> {
    send(socket, request, &[]).await
}

/// Asks with a file.
pub async fn send(socket: &Path, request: &Request, file: &[u8]) -> Result<Answer, String> {
    Ok(talk(socket, request, file).await?.0)
}

/// Asks for a file, and writes it to `sink`, whole.
pub async fn fetch(socket: &Path, request: &Request, sink: &mut impl io::Write) -> Result<(), String> {
    let (Answer::File(length), mut reader) = talk(socket, request, &[]).await? else {
        return Err("the daemon answered with something else than a file".to_owned());
    };
    let mut missing = length;
    let mut part = [0; 64 << 10];
    while missing > 0 {
        let read = reader.read(&mut part).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err(format!("the daemon ended: {missing} of {length} bytes are missing"));
        }
        sink.write_all(&part[..read]).map_err(|error| error.to_string())?;
        missing = missing.saturating_sub(read as u64);
    }
    sink.flush().map_err(|error| error.to_string())
}

async fn talk(
    socket: &Path,
    request: &Request,
    file: &[u8],
) -> Result<(Answer, BufReader<OwnedReadHalf>), String> {
    let stream = UnixStream::connect(socket).await.map_err(|_| {
        "no daemon is running with this configuration: start it with `jackfield run`".to_owned()
    })?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let talk = async {
        write(&mut writer, request, file).await?;
        let mut line = String::new();
        (&mut reader).take(MAX_ANSWER).read_line(&mut line).await?;
        serde_json::from_str(&line).map_err(io::Error::other)
    };
    match talk.await {
        Ok(Answer::Failed(text)) => Err(text),
        Ok(answer) => Ok((answer, reader)),
        Err(error) => Err(format!("the daemon did not answer: {error}")),
    }
}
