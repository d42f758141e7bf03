//! Our address as the world sees it, asked of a STUN server (RFC 5389).

use std::{net::IpAddr, time::Duration};

use jackfield_sip::stun;
use rand::{
    RngExt, SeedableRng,
    rngs::{StdRng, SysRng},
};
use tokio::{
    net::{UdpSocket, lookup_host},
    sync::{mpsc, watch},
    time::{sleep, timeout},
};
use tracing::{info, warn};

/// The port of RFC 5389 9, where none is named.
const PORT: u16 = 3478;
/// How often the server is asked: the address of a home changes once a day, or with the router.
const AGAIN: Duration = Duration::from_secs(300);
/// After a failure.
const RETRY: Duration = Duration::from_secs(30);
/// The waits of RFC 5389 7.2.1, less the last ones: the next question is soon.
const WAITS: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Follows the server that the configuration names, and tells each address that differs from the last one.
pub async fn follow(mut server: watch::Receiver<Option<String>>, found: mpsc::Sender<Option<IpAddr>>) {
    let mut known = None;
    let mut failed = false;
    loop {
        let named = server.borrow_and_update().clone();
        let (now, wait) = match &named {
            None => (None, None),
            Some(server) => match ask(server).await {
                Ok(address) => {
                    failed = false;
                    (Some(address), Some(AGAIN))
                }
                Err(error) => {
                    if !std::mem::replace(&mut failed, true) {
                        warn!("[listen] stun = \"{server}\": {error}; {}", consequence(known));
                    }
                    (known, Some(RETRY))
                }
            },
        };
        if now != known {
            known = now;
            if let Some(address) = known {
                info!("this exchange is seen as {address}");
            }
            if found.send(known).await.is_err() {
                return;
            }
        }
        let rest = async {
            match wait {
                Some(wait) => sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = rest => {}
            changed = server.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

fn consequence(known: Option<IpAddr>) -> String {
    match known {
        Some(address) => format!("peers outside are still told {address}"),
        None => "peers outside are told the address of this machine, and may not reach it".to_owned(),
    }
}

async fn ask(server: &str) -> Result<IpAddr, String> {
    let has_port =
        server.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let server = if has_port { server.to_owned() } else { format!("{server}:{PORT}") };
    let found: Vec<_> = lookup_host(&server).await.map_err(|error| error.to_string())?.collect();
    // It is IPv4 that is hidden by a NAT.
    let remote = found.iter().find(|address| address.is_ipv4()).or(found.first()).ok_or("no address")?;
    let socket = UdpSocket::bind(if remote.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).await;
    let socket = socket.map_err(|error| error.to_string())?;
    socket.connect(remote).await.map_err(|error| error.to_string())?;
    let mut random = StdRng::try_from_rng(&mut SysRng).map_err(|error| error.to_string())?;
    let id: stun::TransactionId = random.random();
    let mut buffer = [0; 600];
    for wait in WAITS {
        socket.send(&stun::request(id)).await.map_err(|error| error.to_string())?;
        let answer = async {
            loop {
                let length = socket.recv(&mut buffer).await.map_err(|error| error.to_string())?;
                if let Some(address) = stun::mapped_address(&buffer[..length], id) {
                    return Ok(address.ip());
                }
            }
        };
        if let Ok(answer) = timeout(wait, answer).await {
            return answer;
        }
    }
    Err(format!("no answer from {remote}"))
}
