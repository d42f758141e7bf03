//! Outbound flows: resolve a host, choose a listener or open a connection.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jackfield_sip::{Flow, Transport};
use jackfield_switch::Target;
use rustls::pki_types::ServerName;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::stream::{Context, adopt};

const CONNECT: Duration = Duration::from_secs(10);

/// How this process reaches others.
pub struct Opener {
    pub context: Context,
    pub tls: Option<TlsConnector>,
    /// Our UDP listeners: their flow id and bound address.
    pub udp: Vec<(jackfield_sip::FlowId, SocketAddr)>,
}

impl Opener {
    /// A flow to the target; the error is a sentence for the operator.
    pub async fn open(self: Arc<Self>, target: Target) -> Result<Flow, String> {
        let name = format!("{}:{}", target.host, target.port);
        let resolved = timeout(CONNECT, lookup_host((target.host.as_str(), target.port)))
            .await
            .map_err(|_| format!("{name}: no answer from the name server"))?
            .map_err(|error| format!("{name}: {error}"))?;
        let mut last = format!("{name}: no address");
        for remote in resolved {
            let tried = match target.transport {
                Transport::Udp => self.datagram(remote),
                Transport::Tcp => self.connect(remote, None).await,
                Transport::Tls => self.connect(remote, Some(&target.host)).await,
            };
            match tried {
                Ok(flow) => return Ok(flow),
                Err(error) => last = format!("{name}: {error}"),
            }
        }
        Err(last)
    }

    fn datagram(&self, remote: SocketAddr) -> Result<Flow, String> {
        let (id, bound) = self
            .udp
            .iter()
            .find(|(_, bound)| bound.is_ipv4() == remote.is_ipv4())
            .ok_or("no UDP listener of that address family")?;
        let mut local = *bound;
        if local.ip().is_unspecified() {
            local.set_ip(super::udp::source_address(remote).map_err(|error| error.to_string())?);
        }
        Ok(Flow { id: *id, transport: Transport::Udp, local, remote })
    }

    async fn connect(&self, remote: SocketAddr, tls_name: Option<&str>) -> Result<Flow, String> {
        let stream = timeout(CONNECT, TcpStream::connect(remote))
            .await
            .map_err(|_| format!("{remote} did not answer in {} s", CONNECT.as_secs()))?
            .map_err(|error| error.to_string())?;
        super::stream::prepare(&stream).map_err(|error| error.to_string())?;
        let local = stream.local_addr().map_err(|error| error.to_string())?;
        let transport = if tls_name.is_some() { Transport::Tls } else { Transport::Tcp };
        let flow = Flow { id: self.context.ids.next(), transport, local, remote };
        match tls_name {
            None => adopt(stream, flow, self.context.clone()).await,
            Some(name) => {
                let connector = self.tls.as_ref().ok_or("TLS is not configured")?;
                let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
                let stream = timeout(CONNECT, connector.connect(name, stream))
                    .await
                    .map_err(|_| "TLS handshake took too long".to_owned())?
                    .map_err(|error| format!("TLS: {error}"))?;
                adopt(stream, flow, self.context.clone()).await;
            }
        }
        Ok(flow)
    }
}
