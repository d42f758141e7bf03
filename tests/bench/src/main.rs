//! `make bench`: what a message and a packet cost, each figure beside a yardstick in the same run.
//!
//! Prints a table and writes `target/bench/summary.json`: one object per figure,
//! `{"name", "value", "unit", "yardstick", "ratio", "target"}`. Ratios compare two
//! measurements of one run, so they hold on a noisy machine; absolute figures do not.

mod allocations;
mod parse;
mod relay;
mod report;

use report::Figure;

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let groups: [(&str, fn() -> Vec<Figure>); 2] = [("parse", parse::figures), ("relay", relay::figures)];
    let figures: Vec<Figure> = groups
        .into_iter()
        .filter(|(name, _)| only.is_empty() || only.iter().any(|wanted| wanted == name))
        .flat_map(|(_, measure)| measure())
        .collect();
    report::print(&figures);
    if let Err(error) = report::write(&figures) {
        eprintln!("bench: the summary was not written: {error}");
        std::process::exit(1);
    }
}
