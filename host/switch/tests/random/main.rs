//! The switch as a whole, in a simulation: random phones on a bad network, plugins that do what they
//! like, an operator who interferes; all rules are looked at after everything that happens.
//!
//! A *case* is a seed, a weather and a list of steps (`action`); it always takes the same course. `life`
//! plays it, `judge` and `Switch::audit` look, `shrink` makes a case that fails as short as it can be.
//!
//! # When a seed fails
//! The test prints the seed, the step, the rule that is broken, and the shortest case that breaks it, as
//! Rust. To see it again:
//! ```sh
//! JACKFIELD_SEED=17 cargo test -p jackfield-switch --test random -- --nocapture replay
//! ```
//! `JACKFIELD_TRACE=1` prints every message of the shortest case, too.
//! A defect that was found stays as a test of that shortest case, in `found.rs`.
//! `JACKFIELD_SEED=17 JACKFIELD_SEEDS=1000` plays a thousand seeds from there on. `make soak` plays a
//! million steps.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod action;
mod fault;
mod found;
mod judge;
mod life;
mod message;
mod phone;
mod shrink;
mod weather;

use std::time::Instant;

use life::{Case, Count};
use rand::{SeedableRng, rngs::StdRng};
use weather::{FAIR, RAIN, STORM};

/// Steps of one case.
const LENGTH: usize = 200;

/// What a seed leads to.
fn case(seed: u64) -> Case {
    let mut rng = StdRng::seed_from_u64(seed);
    let weather = [FAIR, RAIN, STORM][(seed % 3) as usize];
    Case { seed, weather, steps: action::steps(&mut rng, LENGTH) }
}

/// Plays one seed; prints how it fails, and the shortest way to it.
fn play(seed: u64) -> Count {
    let case = case(seed);
    match shrink::run(&case) {
        Ok(count) => count,
        Err((fault, count)) => {
            eprintln!("seed {seed} fails after step {} ({} events): {fault}", count.steps, count.events);
            let short = shrink::shrink(&case, &fault);
            let is_traced = std::env::var_os("JACKFIELD_TRACE").is_some();
            let (fault, _) = shrink::run_traced(&short, is_traced).expect_err("the shorter case fails");
            panic!("seed {seed}, {} of {LENGTH} steps: {fault}\n{short}", short.steps.len());
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "measures how fast the simulation is")]
fn play_all(seeds: impl Iterator<Item = u64>, enough: usize) -> Count {
    let (began, mut total, mut cases) = (Instant::now(), Count::default(), 0);
    for seed in seeds {
        let count = play(seed);
        cases += 1;
        total.steps += count.steps;
        total.events += count.events;
        total.comparisons += count.comparisons;
        total.records += count.records;
        total.moves += count.moves;
        if total.steps >= enough {
            break;
        }
    }
    let rate = total.events as f64 / began.elapsed().as_secs_f64();
    println!("{cases} cases: {total:?}, {rate:.0} events/s");
    total
}

#[test]
fn thousands_of_steps_break_no_rule() {
    let total = play_all(1.., 12_000);
    assert!(total.comparisons > 50_000 && total.records > 500, "too little happens: {total:?}");
    assert!(total.moves > 100, "too few legs move: {total:?}");
}

#[test]
fn a_seed_always_takes_the_same_course() {
    for seed in [3, 4, 5] {
        assert_eq!(play(seed), play(seed));
    }
}

#[test]
#[ignore = "minutes; part of make soak"]
fn soak_a_million_steps_break_no_rule() {
    let total = play_all(1_000_000.., 1_000_000);
    assert!(total.steps >= 1_000_000);
}

/// Plays JACKFIELD_SEED, or JACKFIELD_SEEDS from there on.
#[test]
fn replay() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("JACKFIELD_SEED") {
        let count = number("JACKFIELD_SEEDS").unwrap_or(1);
        play_all(seed..seed + count, usize::MAX);
    }
}
