//! The network between phones and exchange: datagrams that take their time, get lost, come twice or
//! overtake each other, all by a seed.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What the network does to each datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// From one end to the other.
    pub latency: Duration,
    /// Up to this much more, each datagram by itself: what was sent later may come first.
    pub jitter: Duration,
    /// Lost, of 100.
    pub loss: u32,
    /// Delivered twice, of 100.
    pub duplication: u32,
}

impl Weather {
    /// 10 ms, and nothing goes wrong.
    pub const FAIR: Weather =
        Weather { latency: Duration::from_millis(10), jitter: Duration::ZERO, loss: 0, duplication: 0 };
    /// A bad wireless network: 5 of 100 are lost, 5 come twice, and up to 40 ms of jitter.
    pub const FOUL: Weather = Weather {
        latency: Duration::from_millis(10),
        jitter: Duration::from_millis(40),
        loss: 5,
        duplication: 5,
    };
}

impl Default for Weather {
    fn default() -> Self {
        Weather::FAIR
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// Datagrams under way.
pub(crate) struct Link {
    pub(crate) weather: Weather,
    random: StdRng,
    /// By arrival, then in the order of sending.
    air: BTreeMap<(Duration, u64), Datagram>,
    sent: u64,
}

impl Link {
    pub(crate) fn new(seed: u64, weather: Weather) -> Link {
        Link { weather, random: StdRng::seed_from_u64(seed), air: BTreeMap::new(), sent: 0 }
    }

    /// How many copies will arrive.
    pub(crate) fn send(&mut self, now: Duration, datagram: Datagram) -> usize {
        let Weather { latency, jitter, loss, duplication } = self.weather;
        let copies = 1 + usize::from(self.chance(duplication));
        let mut arriving = 0;
        for _ in 0..copies {
            if self.chance(loss) {
                continue;
            }
            let more = if jitter.is_zero() { Duration::ZERO } else { jitter.mul_f64(self.random.random()) };
            self.sent += 1;
            self.air.insert((now + latency + more, self.sent), datagram.clone());
            arriving += 1;
        }
        arriving
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.air.keys().next().map(|(at, _)| *at)
    }

    /// The next datagram that has arrived.
    pub(crate) fn arrived(&mut self, now: Duration) -> Option<Datagram> {
        let first = self.air.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    fn chance(&mut self, percent: u32) -> bool {
        percent > 0 && self.random.random_range(0..100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(seed: u64, weather: Weather) -> Vec<(Duration, u8)> {
        let mut link = Link::new(seed, weather);
        let end: SocketAddr = ([192, 0, 2, 1], 5060).into();
        for n in 0..100 {
            link.send(
                Duration::from_millis(20 * u64::from(n)),
                Datagram { from: end, to: end, bytes: vec![n] },
            );
        }
        let next = |link: &mut Link| {
            let at = link.next()?;
            Some((at, link.arrived(at)?.bytes[0]))
        };
        std::iter::from_fn(|| next(&mut link)).collect()
    }

    #[test]
    fn in_fair_weather_all_arrive_in_order_after_the_latency() {
        let expected: Vec<_> = (0..100).map(|n| (Duration::from_millis(20 * u64::from(n) + 10), n)).collect();
        assert_eq!(arrivals(1, Weather::FAIR), expected);
    }

    #[test]
    fn in_foul_weather_some_are_lost_some_come_twice_and_some_overtake_the_same_for_the_same_seed() {
        let foul = arrivals(7, Weather { loss: 20, duplication: 20, ..Weather::FOUL });
        let numbers: Vec<u8> = foul.iter().map(|(_, n)| *n).collect();
        let count = |n: u8| numbers.iter().filter(|m| **m == n).count();
        assert!((0..100).any(|n| count(n) == 0) && (0..100).any(|n| count(n) == 2));
        assert!(!numbers.is_sorted());
        assert_eq!(foul, arrivals(7, Weather { loss: 20, duplication: 20, ..Weather::FOUL }));
        assert_ne!(foul, arrivals(8, Weather { loss: 20, duplication: 20, ..Weather::FOUL }));
    }
}
