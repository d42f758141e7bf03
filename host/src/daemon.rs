//! Start and drain.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use jackfield_plugin::{Engine, EngineOptions, Plugins, TICK};
use jackfield_sip::Timers;
use jackfield_switch::{Input, Options, Switch};
use rand::{
    RngExt, SeedableRng,
    rngs::{StdRng, SysRng},
};
use tokio::{
    net::TcpListener,
    runtime,
    sync::{mpsc, oneshot, watch},
};
use tracing::{info, warn};

use crate::{
    cli,
    config::{self, Config, Reload, settings::to_settings},
    control,
    journal::{self, Journal},
    net::{FlowIds, external, open::Opener, stream, tls, udp::Listener},
    onlooker::{self, Onlooker},
    outlet::House,
    plugins::{
        Activity, DaemonServices, DiskCache, Helpers, How, HttpClient, Instances, Kept, Manager, Reach, Seen,
        Speaker, SpeechCache, Watcher, unix_now,
    },
    reload::{Live, commands, entries, operator, order},
    rtp,
    shard::{Clock, Gate, Inbox},
    store::{Recordings, Store, Writer},
    tapes::Tapes,
};

/// Legs that one media worker carries.
const MAX_LEGS: usize = 20_000;
/// Running calls get their BYE, and the peers some time to answer.
const DRAIN: Duration = Duration::from_secs(2);

/// What the store has been asked to write gets so long at the end.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// A start that failed, in a sentence.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the exchange until it is told to stop.
pub async fn run(file: &Path) -> Result<(), Failure> {
    run_watched(file, Onlooker::default()).await
}

/// As [`run`], with somebody who looks on, and tells himself how to reach it.
pub async fn run_watched(file: &Path, onlooker: Onlooker) -> Result<(), Failure> {
    let operators_file = Seen::of(file.to_owned());
    let config = config::load(file)?;
    let store = Store::open(&config.database()).await?;
    store.fix_realm(&config.exchange.realm).await?;

    let clock = Clock::start();
    let offset = unix_now() - clock.now();
    let gate = Gate::new()?;
    let inbox = gate.inbox();
    let ids = Arc::new(FlowIds::default());
    let network = Network::bind(&config, &ids).await?;
    let control_socket = control::Socket::bind(&config.control_socket())?;
    // Only now: the socket proves that no other daemon has calls under way.
    let interrupted = store.close_open_attempts(unix_now().as_millis() as u64).await?;
    if interrupted > 0 {
        warn!(
            "{interrupted} calls of campaigns were under way at the last end: interrupted, they count as attempts"
        );
    }

    let interrupted = store.close_open_calls().await?;
    if interrupted > 0 {
        warn!("{interrupted} calls were up at the last end: their records say interrupted");
    }

    let mut random = StdRng::try_from_rng(&mut SysRng)?;
    let recordings = recordings(&config);
    let tapes =
        Tapes::start(recordings.clone()).map_err(|error| format!("the thread for recordings: {error}"))?;
    let media =
        rtp::start(&media_options(&config, tapes), clock, &inbox, random.random()).map_err(|error| {
            let (file, ports) = (config.file.display(), config.media.ports);
            format!("{file}: [media] ports = \"{}-{}\": {error}", ports.first, ports.last)
        })?;
    let guests = Guests::start()?;
    let journal = Journal::start(journal::folder_of(&config), journal::Settings::of(&config))
        .map_err(|error| format!("the journal: {}: {error}", journal::folder_of(&config).display()))?;
    let journal = Arc::new(journal);
    let witnesses = Witnesses { journal: Some(journal.clone()), onlooker: onlooker.clone() };
    let plugins = plugin_house(&config, &store, &inbox, clock, guests.handle(), witnesses)?;
    guests.handle().spawn(plugins.speaker.clone().prepare(plugins.manager.host.clone()));
    let live = plugins.manager.plugins.clone();
    let quota = move |plugin: &str| live.limits(plugin).recordings;
    let recordings = Recordings::new(recordings, Box::new(quota));
    let (writer, writing) =
        Writer::start(store.clone(), recordings, config.store.events, offset, inbox.clone());

    // They are shown once, so not before a start that can still be refused.
    let new_passwords = cli::users::ensure_passwords(&config, &store).await?;
    let digests = store.digests().await?;
    let settings = Arc::new(to_settings(&config, &digests));
    let options = Options {
        seed: random.random(),
        node: "j".to_owned(),
        user_agent: concat!("Jackfield/", env!("CARGO_PKG_VERSION")).to_owned(),
        started_unix: offset,
        sip_timers: Timers::default(),
    };
    let context = stream::Context::new(inbox.clone(), ids);
    let opener = Opener {
        context: context.clone(),
        tls: network.connector.clone(),
        udp: network.udp.iter().map(|listener| (listener.id, listener.local())).collect(),
    };
    let house = House {
        runtime: runtime::Handle::current(),
        inbox: inbox.clone(),
        opener: Arc::new(opener),
        media,
        instances: plugins.manager.instances.clone(),
        host: plugins.manager.host.clone(),
        writer,
        onlooker: onlooker.clone(),
    };
    let listeners: Vec<_> = network.udp.iter().map(|listener| (listener.id, listener.local())).collect();
    let shard = gate.shard(clock, Switch::new(options, settings), network.udp, house)?;
    std::thread::Builder::new().name("switch".to_owned()).spawn(move || shard.run())?;

    let owner = |local: SocketAddr| {
        let owns = |bound: &SocketAddr| {
            bound.port() == local.port() && (bound.ip() == local.ip() || bound.ip().is_unspecified())
        };
        listeners.iter().find(|(_, bound)| owns(bound)).map(|(id, _)| *id)
    };
    inbox.post(Input::Restored(store.bindings(offset, owner).await?)).await;
    plugins.manager.set_entries(entries(&config));
    plugins.manager.look(config.plugins.keys().cloned(), How::Rested).await;
    if let Some(certificate) = network.certificate {
        let config = config.clone();
        // Its names are this host's, and those may change.
        tokio::spawn(certificate.follow(move || self::certificate(&config).map(drop)));
    }
    for (listener, tls) in network.streams {
        tokio::spawn(stream::accept(listener, tls, context.clone()));
    }
    if !onlooker.is_there() {
        announce(&config, &new_passwords);
    }

    let (apply, applied) = mpsc::channel(1);
    let handler = control::Daemon {
        apply,
        inbox: inbox.clone(),
        manager: plugins.manager.clone(),
        speech: control::speech::Desk::new(&plugins.manager),
        store: store.clone(),
    };
    tokio::spawn(control::serve(control_socket, Arc::new(handler)));
    onlooker.show(|| onlooker::Seen::Ready);
    let (stun, server) = watch::channel(config.listen.stun.clone());
    let (found, seen) = mpsc::channel(1);
    tokio::spawn(external::follow(server, found));
    let mut live = Live {
        file: operators_file,
        polled: None,
        config,
        digests,
        store,
        inbox: inbox.clone(),
        plugins,
        stun,
        seen_as: None,
    };
    let signal = follow(&mut live, applied, seen).await?;

    info!("{signal}: no new calls; running calls end");
    inbox.post(Input::Shutdown).await;
    live.plugins.manager.stop_services();
    tokio::time::sleep(DRAIN).await;
    inbox.stop().await;
    // Calls that ended with the switch are on their way.
    tokio::task::spawn_blocking(move || journal.flush(LAST_WRITES)).await?;
    // The switch has gone, and with it who writes.
    if tokio::time::timeout(LAST_WRITES, writing).await.is_err() {
        warn!("the database is slow: its last writes are lost");
    }
    info!("stopped");
    Ok(())
}

/// Follows the files until a signal comes; returns its name.
async fn follow(
    live: &mut Live,
    mut applied: mpsc::Receiver<oneshot::Sender<Vec<String>>>,
    mut seen: mpsc::Receiver<Option<IpAddr>>,
) -> Result<&'static str, Failure> {
    let activity = live.plugins.manager.activity.clone();
    let mut watch = live.config.exchange.watch;
    let mut watcher = Watcher::new(watch, &activity);
    let mut stop = Stop::new()?;
    loop {
        if live.config.exchange.watch != watch {
            watch = live.config.exchange.watch;
            watcher = Watcher::new(watch, &activity);
        }
        watcher.watch(live.places());
        tokio::select! {
            change = watcher.changed() => {
                if live.config.exchange.reload == Reload::Auto {
                    // What has come since the last look is watched, and has to rest, before it is looked at.
                    let new = watcher.watch(live.places());
                    live.follow(change.without(&new)).await;
                }
            }
            Some(answer) = applied.recv() => {
                let _ = answer.send(live.look().await);
            }
            Some(seen_as) = seen.recv() => live.moved(seen_as).await,
            signal = stop.wait() => return Ok(signal),
        }
    }
}

/// Everything that a start would refuse: the configuration and every plugin.
pub async fn check(file: &Path) -> Result<(), Failure> {
    let config = config::load(file)?;
    let gate = Gate::new()?;
    let folder = config.var();
    fs::create_dir_all(&folder)?;
    let store = Store::open(&config.database()).await?;
    store.check_realm(&config.exchange.realm).await?;
    let guests = Guests::start()?;
    let nobody = Witnesses::default();
    let plugins = plugin_house(&config, &store, &gate.inbox(), Clock::start(), guests.handle(), nobody)?;
    let problems = plugins.manager.check(&entries(&config)).await;
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\n").into())
}

/// The voice of a configuration whose daemon does not run.
pub async fn speech_desk(file: &Path) -> Result<OfflineDesk, Failure> {
    let mut config = config::load(file)?;
    fs::create_dir_all(config.var())?;
    let store = Store::open(&config.database()).await?;
    let guests = Guests::start()?;
    let gate = Gate::new()?;
    let nobody = Witnesses::default();
    let house = plugin_house(&config, &store, &gate.inbox(), Clock::start(), guests.handle(), nobody)?;
    config.plugins.retain(|name, _| config.speech.provider.contains(name));
    let problems = house.manager.check(&entries(&config)).await;
    match problems.is_empty() {
        true => Ok(OfflineDesk { desk: control::speech::Desk::new(&house.manager), _guests: guests }),
        false => Err(problems.join("\n").into()),
    }
}

/// A voice, with what it needs.
pub struct OfflineDesk {
    desk: control::speech::Desk,
    _guests: Guests,
}

impl std::ops::Deref for OfflineDesk {
    type Target = control::speech::Desk;

    fn deref(&self) -> &Self::Target {
        &self.desk
    }
}

/// The runtime of the guests. Dropped as it is it would wait for them, which no task may do.
struct Guests(Option<runtime::Runtime>);

impl Guests {
    fn start() -> io::Result<Guests> {
        let mut builder = runtime::Builder::new_multi_thread();
        builder.thread_name("guest").enable_time().enable_io().build().map(|runtime| Guests(Some(runtime)))
    }

    fn handle(&self) -> &runtime::Handle {
        self.0.as_ref().expect("it is taken by drop only").handle()
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The bound sockets. What cannot be bound is named with its key.
struct Network {
    udp: Vec<Listener>,
    streams: Vec<(TcpListener, Option<tokio_rustls::TlsAcceptor>)>,
    connector: Option<tokio_rustls::TlsConnector>,
    certificate: Option<tls::Certificate>,
}

impl Network {
    async fn bind(config: &Config, ids: &FlowIds) -> Result<Network, Failure> {
        let listen = &config.listen;
        let taken = |key: &str, address: &SocketAddr, error: io::Error| {
            let help = match error.kind() {
                io::ErrorKind::AddrInUse => "; is another exchange running? Stop it, or choose another port",
                io::ErrorKind::AddrNotAvailable => "; this host has no such address",
                io::ErrorKind::PermissionDenied => "; ports below 1024 need rights",
                _ => "",
            };
            format!("{}: [listen] {key} = \"{address}\" cannot be used: {error}{help}", config.file.display())
        };
        let mut network =
            Network { udp: Vec::new(), streams: Vec::new(), connector: None, certificate: None };
        for address in &listen.udp {
            let listener =
                Listener::bind(ids.next(), *address).map_err(|error| taken("udp", address, error))?;
            network.udp.push(listener);
        }
        for address in &listen.tcp {
            let listener = TcpListener::bind(address).await.map_err(|error| taken("tcp", address, error))?;
            network.streams.push((listener, None));
        }
        if !listen.tls.is_empty() {
            let files = certificate(config)?;
            network.connector = tls::connector(&files)?;
            let certificate = tls::Certificate::open(files)?;
            let acceptor = certificate.acceptor();
            network.certificate = Some(certificate);
            for address in &listen.tls {
                let listener =
                    TcpListener::bind(address).await.map_err(|error| taken("tls", address, error))?;
                network.streams.push((listener, Some(acceptor.clone())));
            }
        }
        Ok(network)
    }
}

/// That of `[listen]`, or our own.
fn certificate(config: &Config) -> Result<tls::Files, tls::TlsError> {
    match (&config.listen.certificate, &config.listen.key) {
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (config.resolve(certificate), config.resolve(key));
            Ok(tls::Files { certificate, key, authority: None })
        }
        _ => {
            let addresses: Vec<IpAddr> = config.listen.tls.iter().map(SocketAddr::ip).collect();
            tls::own_authority(&config.var().join("tls"), &tls::own_names(&addresses))
        }
    }
}

fn media_options(config: &Config, tapes: Tapes) -> rtp::Options {
    rtp::Options {
        address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ports: config.media.ports,
        workers: config.media.workers.map_or_else(|| cores() as u16, |workers| workers.get()),
        media_timeout: config.media.timeout,
        max_legs: MAX_LEGS,
        tapes: Some(tapes),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

/// The plugin host with all that belongs to it.
pub struct PluginHouse {
    pub manager: Arc<Manager>,
    pub services: Arc<DaemonServices>,
    pub helpers: Arc<Helpers>,
    pub speaker: Arc<Speaker>,
    /// Of plugins' requests.
    pub reach: Arc<Reach>,
    /// None in a process that runs no calls.
    pub journal: Option<Arc<Journal>>,
}

/// Below it, each plugin has a folder of its own, and `calls` are whole calls.
fn recordings(config: &Config) -> PathBuf {
    config.var().join("recordings")
}

/// Who is told what plugins and calls do.
#[derive(Default)]
struct Witnesses {
    /// Writes down what may be replayed.
    journal: Option<Arc<Journal>>,
    onlooker: Onlooker,
}

fn plugin_house(
    config: &Config,
    store: &Store,
    inbox: &Inbox,
    clock: Clock,
    guests: &runtime::Handle,
    witnesses: Witnesses,
) -> Result<PluginHouse, Failure> {
    let max_map_count =
        fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok());
    let engine = Engine::new(EngineOptions {
        max_instances: config.exchange.calls,
        max_map_count,
        computing: (cores() / 2).max(1),
        ..EngineOptions::default()
    })
    .map_err(|error| {
        format!("{}: [exchange] calls = {}: {error}", config.file.display(), config.exchange.calls)
    })?;
    let ticking = engine.clone();
    #[expect(clippy::disallowed_methods, reason = "the epochs of the guests are wall time")]
    let tick = move || {
        loop {
            std::thread::sleep(TICK);
            ticking.tick();
        }
    };
    std::thread::Builder::new().name("epochs".to_owned()).spawn(tick)?;

    let random = StdRng::try_from_rng(&mut SysRng)?;
    let plugins = Arc::new(Plugins::new());
    let helpers = Arc::new(Helpers::new(commands(config)));
    let reach = Arc::new(Reach::new(config.http.inside.clone()));
    let http = Arc::new(HttpClient::new(reach.clone()));
    let speech = SpeechCache::open(&config.var().join("speech"))?;
    let speaker = Arc::new(Speaker::new(speech, plugins.clone(), clock));
    speaker.follow(order(config));
    let services = DaemonServices::new(
        store.clone(),
        helpers.clone(),
        http,
        speaker.clone(),
        plugins.clone(),
        inbox.clone(),
        random,
    );
    services.play_from(recordings(config));
    services.show_to(witnesses.onlooker.clone());
    if let Some(journal) = &witnesses.journal {
        services.record(journal.clone());
    }
    let instances =
        Arc::new(Instances::new(guests.clone(), plugins.clone(), inbox.clone(), clock, witnesses.onlooker));
    let manager = Arc::new(Manager {
        engine,
        cache: DiskCache::open(&config.var().join("compiled"))?,
        kept: Kept::open(&config.var().join("versions"))?,
        stage: config.var().join("cases"),
        plugins,
        host: services.host().ok_or("the plugin services ended")?,
        instances,
        speaker: speaker.clone(),
        guests: guests.clone(),
        inbox: inbox.clone(),
        activity: Activity::default(),
        operator: ArcSwap::from_pointee(operator(config)),
        entries: ArcSwap::default(),
        state: Mutex::default(),
    });
    Ok(PluginHouse { manager, services, helpers, speaker, reach, journal: witnesses.journal })
}

/// How to reach this exchange, for the person who started it.
fn announce(config: &Config, new_passwords: &[(String, String)]) {
    println!("Jackfield is ready.\n");
    let address = crate::net::udp::source_address(([192, 0, 2, 1], 9).into())
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    for (transport, listeners) in
        [("UDP", &config.listen.udp), ("TCP", &config.listen.tcp), ("TLS", &config.listen.tls)]
    {
        for listener in listeners {
            let ip = if listener.ip().is_unspecified() { address } else { listener.ip() };
            println!("  register a phone at   {} over {transport}", SocketAddr::new(ip, listener.port()));
        }
    }
    if !config.listen.tls.is_empty() && config.listen.certificate.is_none() {
        println!("  phones trust          {}", config.var().join("tls/ca.pem").display());
    }
    for (name, user) in &config.users {
        let password = new_passwords.iter().find(|(known, _)| known == name);
        let password = password.map_or("(as given)".to_owned(), |(_, password)| password.clone());
        println!("  user {name:<12} number {:<8} password {password}", user.number.as_deref().unwrap_or("-"));
    }
    if !new_passwords.is_empty() {
        println!("  (new passwords are shown this once)");
    }
    for (pattern, route) in &config.routes {
        println!("  dial {pattern:<12} {}", destination(&route.to));
    }
    println!();
}

fn destination(to: &config::To) -> String {
    match to {
        config::To::AnyUser => "the user with that number".to_owned(),
        config::To::Users(users) => users.join(", "),
        config::To::Plugin(plugin) => format!("plugin {plugin}"),
        config::To::Sip(uri) => uri.clone(),
        config::To::Named(name) => name.clone(),
    }
}

/// SIGTERM and SIGINT.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> io::Result<Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Stop { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
