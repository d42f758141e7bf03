//! The short version of `scripts/fuzz`: each target over its seeds, and over seeds with errors in them.

use jackfield_fuzz::{TARGETS, seeds};

/// Spoiled copies of each seed.
const COPIES: usize = 400;

/// Numbers that look random and are the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit.max(1)
    }

    /// One to four errors: a bit, a byte, a piece that is missing, doubled or from another seed.
    fn spoil(&mut self, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut data = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(data.len());
            let end = at + self.below(data.len() - at + 1);
            match self.below(5) {
                0 => data.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << self.below(8)),
                1 => data.iter_mut().skip(at).take(1).for_each(|byte| *byte = self.below(256) as u8),
                2 => drop(data.drain(at..end)),
                3 => drop(data.splice(at..at, data[at..end].to_vec())),
                _ => {
                    let other = &others[self.below(others.len())];
                    let from = self.below(other.len());
                    drop(data.splice(at..end, other[from..].iter().copied()));
                }
            }
        }
        data
    }
}

#[test]
fn no_target_panics_or_breaks_its_promise() {
    for target in TARGETS {
        let seeds = seeds(target.name);
        assert!(!seeds.is_empty(), "{} has seeds", target.name);
        let mut random = Random(0x5eed);
        for seed in &seeds {
            (target.run)(seed);
            for _ in 0..COPIES {
                (target.run)(&random.spoil(seed, &seeds));
            }
        }
    }
}
