//! The UDP ports of the media.

use crate::config::PortRange;

/// Every RTP port of one of `workers` workers: even ones, each with the next one for RTCP (RFC 3550 11).
pub(super) fn share(range: PortRange, index: u16, workers: u16) -> impl Iterator<Item = u16> {
    let first = range.first.saturating_add(range.first % 2);
    (first..range.last).step_by(2).skip(usize::from(index)).step_by(usize::from(workers.max(1)))
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
        assert_eq!(share(range, 0, 2).collect::<Vec<_>>(), [20002, 20006]);
        assert_eq!(share(range, 1, 2).collect::<Vec<_>>(), [20004, 20008]);
    }

    #[test]
    fn no_worker_is_without_a_port() {
        let range = PortRange { first: 20000, last: 20003 };
        assert_eq!([0, 1, 2, 16].map(|wanted| workers(range, wanted)), [1, 1, 2, 2]);
    }
}
