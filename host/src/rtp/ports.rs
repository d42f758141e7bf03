//! The UDP ports of the media.

use jackfield_media::PortId;

use crate::config::PortRange;

/// Every RTP port of one of `workers` workers: even ones, each with the next one for RTCP (RFC 3550 11). No two
/// workers have the same id.
pub(super) fn share(range: PortRange, index: u16, workers: u16) -> impl Iterator<Item = (PortId, u16)> {
    let first = range.first.saturating_add(range.first % 2);
    let ports = (0..).map(PortId).zip((first..range.last).step_by(2));
    ports.skip(usize::from(index)).step_by(usize::from(workers.max(1)))
}

/// Workers of use: each needs a port.
pub(super) fn workers(range: PortRange, wanted: u16) -> u16 {
    let ports = share(range, 0, 1).count().try_into().unwrap_or(u16::MAX);
    wanted.clamp(1, ports.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_the_even_ports() {
        let range = PortRange { first: 20001, last: 20009 };
        let share =
            |index| share(range, index, 2).map(|(PortId(id), number)| (id, number)).collect::<Vec<_>>();
        assert_eq!(share(0), [(0, 20002), (2, 20006)]);
        assert_eq!(share(1), [(1, 20004), (3, 20008)]);
    }

    #[test]
    fn no_worker_is_without_a_port() {
        let range = PortRange { first: 20000, last: 20003 };
        assert_eq!([0, 1, 2, 16].map(|wanted| workers(range, wanted)), [1, 1, 2, 2]);
    }
}
