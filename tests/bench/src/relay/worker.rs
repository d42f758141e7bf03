//! Our media worker as the daemon runs it: sockets of both families, every call two legs, bridged.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use jackfield::{
    config::PortRange,
    rtp,
    shard::{Clock, Gate},
};
use jackfield_media::{Command, Lease, LegId};
use jackfield_switch::Input;

use super::{phones::Phones, scene::Scene, threads};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// CPU microseconds for a packet.
pub(super) fn measure(scene: &Scene) -> f64 {
    let mut phones = Phones::new(scene);
    let gate = Gate::new().expect("a poll can be made");
    let options = rtp::Options {
        address: Ipv6Addr::UNSPECIFIED.into(),
        ports: PortRange { first: 30_000, last: 39_999 },
        workers: 1,
        media_timeout: Duration::ZERO,
        max_legs: scene.legs(),
        tapes: None,
    };
    let before = threads::named("media-0");
    let workers = rtp::start(&options, Clock::start(), &gate.inbox(), 1).expect("media ports are free");
    let tid = threads::new("media-0", &before);

    let mut leases: Vec<Lease> = Vec::new();
    let ports: Vec<SocketAddr> = (0..scene.legs())
        .map(|index| {
            while leases.is_empty() {
                if let Some(Input::Leases(more)) = gate.next_input(Duration::from_secs(5)) {
                    leases = more;
                }
            }
            let Lease { port, number, .. } = leases.remove(0);
            let params = Some(scene.params(index, phones.address(index), HOST));
            workers[0].send(Command::Open { leg: LegId(index as u64), port, params });
            if index % 2 == 1 {
                workers[0].send(Command::Bridge { a: LegId(index as u64 - 1), b: LegId(index as u64) });
            }
            SocketAddr::new(HOST, number)
        })
        .collect();
    let cpu = phones.run(&ports, tid);
    scene.judge(phones.heard());
    cpu
}
