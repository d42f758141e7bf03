//! TCP and TLS connections: one task each that frames what comes in and writes
//! what the switch sends.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use jackfield_sip::{Flow, Frame, Framer, Transport};
use socket2::TcpKeepalive;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use super::{CONNECTION_QUEUE, FlowIds};
use crate::shard::Inbox;

/// Connections at once; a further one is closed at once.
const MAX_CONNECTIONS: usize = 20_000;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A peer that does not read for this long is gone.
const WRITE: Duration = Duration::from_secs(20);

/// From the first byte of a message to its last, and from the begin of a connection to its first message.
const MESSAGE: Duration = Duration::from_secs(60);
/// A peer that is silent for so long is asked by TCP itself; that keeps NATs open, and finds the dead.
const PROBE: Duration = Duration::from_secs(30);

/// What connections need of the house.
#[derive(Clone)]
pub struct Context {
    pub inbox: Inbox,
    pub ids: Arc<FlowIds>,
    places: Arc<Semaphore>,
}

impl Context {
    pub fn new(inbox: Inbox, ids: Arc<FlowIds>) -> Context {
        Context { inbox, ids, places: Arc::new(Semaphore::new(MAX_CONNECTIONS)) }
    }
}

/// Takes connections until the process ends.
pub async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, context: Context) {
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, mostly: let some close first.
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = context.places.clone().try_acquire_owned() else {
            warn!(%remote, "{MAX_CONNECTIONS} connections are open: this one is closed");
            continue;
        };
        let (tls, context) = (tls.clone(), context.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(stream, Transport::Tcp, &context).await,
                Some(tls) => secure(stream, remote, tls, &context).await,
            }
            drop(place);
        });
    }
}

async fn secure(stream: TcpStream, remote: SocketAddr, tls: TlsAcceptor, context: &Context) {
    let Ok(addresses) = Addresses::of(&stream) else { return };
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => run(stream, addresses, Transport::Tls, context).await,
        Ok(Err(error)) => info!(%remote, %error, "TLS handshake failed"),
        Err(_) => info!(%remote, "TLS handshake took over {} s", HANDSHAKE.as_secs()),
    }
}

async fn serve(stream: TcpStream, transport: Transport, context: &Context) {
    let Ok(addresses) = Addresses::of(&stream) else { return };
    run(stream, addresses, transport, context).await;
}

/// Both ends of a connection.
#[derive(Clone, Copy)]
struct Addresses {
    local: SocketAddr,
    remote: SocketAddr,
}

impl Addresses {
    fn of(stream: &TcpStream) -> io::Result<Addresses> {
        prepare(stream)?;
        Ok(Addresses { local: stream.local_addr()?, remote: stream.peer_addr()? })
    }
}

/// Sets what every connection has, whoever opened it.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(PROBE).with_interval(PROBE / 3);
    socket2::SockRef::from(stream).set_tcp_keepalive(&probes)
}

async fn run(
    stream: impl AsyncRead + AsyncWrite,
    addresses: Addresses,
    transport: Transport,
    context: &Context,
) {
    let flow = Flow { id: context.ids.next(), transport, local: addresses.local, remote: addresses.remote };
    let outgoing = register(flow, context).await;
    carry(stream, flow, outgoing, context).await;
}

/// Makes a connection known to the shard. From then on the switch can send on it.
async fn register(flow: Flow, context: &Context) -> mpsc::Receiver<Bytes> {
    let (sender, outgoing) = mpsc::channel(CONNECTION_QUEUE);
    context.inbox.connected(flow.id, sender).await;
    outgoing
}

/// Starts the task of a connection that we opened ourselves.
pub async fn adopt<S>(stream: S, flow: Flow, context: Context)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let outgoing = register(flow, &context).await;
    tokio::spawn(async move { carry(stream, flow, outgoing, &context).await });
}

async fn carry(
    stream: impl AsyncRead + AsyncWrite,
    flow: Flow,
    mut outgoing: mpsc::Receiver<Bytes>,
    context: &Context,
) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    // A keep-alive is answered by the reading side through this queue of its own.
    let (pong, mut pongs) = mpsc::channel::<Bytes>(4);
    let reading = read(&mut reader, &flow, pong, context);
    let writing = async {
        loop {
            let bytes = tokio::select! {
                message = outgoing.recv() => message,
                pong = pongs.recv() => pong,
            };
            let Some(bytes) = bytes else { return };
            match timeout(WRITE, writer.write_all(&bytes)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
    let _ = timeout(WRITE, writer.shutdown()).await;
    context.inbox.disconnected(flow.id).await;
}

async fn read(
    reader: &mut (impl AsyncRead + Unpin),
    flow: &Flow,
    pong: mpsc::Sender<Bytes>,
    context: &Context,
) {
    let mut framer = Framer::new();
    let mut buffer = vec![0; 16 * 1024];
    let mut deadline = Some(Instant::now() + MESSAGE);
    loop {
        let reading = reader.read(&mut buffer);
        let read = match deadline {
            Some(deadline) => timeout_at(deadline, reading).await,
            None => Ok(reading.await),
        };
        let length = match read {
            Ok(Ok(0)) => return,
            Ok(Ok(length)) => length,
            Ok(Err(error)) => {
                debug!(remote = %flow.remote, %error, "connection lost");
                return;
            }
            Err(_) => {
                info!(remote = %flow.remote, "closed: no whole message in {} s", MESSAGE.as_secs());
                return;
            }
        };
        framer.push(&buffer[..length]);
        loop {
            match framer.next() {
                Ok(Some(Frame::Message(bytes))) => {
                    deadline = None;
                    context.inbox.sip(*flow, bytes).await;
                }
                // RFC 5626 3.5.1: a double CRLF is answered by one.
                Ok(Some(Frame::Ping)) => {
                    let _ = pong.try_send(Bytes::from_static(b"\r\n"));
                }
                Ok(Some(Frame::Pong)) => {}
                Ok(None) if framer.is_within_message() => {
                    deadline.get_or_insert_with(|| Instant::now() + MESSAGE);
                    break;
                }
                Ok(None) => break,
                Err(error) => {
                    info!(remote = %flow.remote, transport = %flow.transport, "closed: {error}");
                    return;
                }
            }
        }
    }
}
