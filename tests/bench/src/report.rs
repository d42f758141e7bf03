//! The table and `summary.json`.

use std::{fs, io, path::PathBuf};

use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// What it is compared with, and that value in the same unit.
    pub(crate) yardstick: Option<Yardstick>,
    /// `value` divided by the yardstick's.
    pub(crate) ratio: Option<f64>,
    pub(crate) target: Option<f64>,
}

#[derive(Serialize)]
pub(crate) struct Yardstick {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
}

impl Figure {
    pub(crate) fn new(name: &'static str, value: f64, unit: &'static str) -> Figure {
        Figure { name, value, unit, yardstick: None, ratio: None, target: None }
    }

    pub(crate) fn beside(mut self, name: &'static str, value: f64) -> Figure {
        self.ratio = Some(self.value / value);
        self.yardstick = Some(Yardstick { name, value });
        self
    }

    pub(crate) fn target(mut self, target: f64) -> Figure {
        self.target = Some(target);
        self
    }
}

pub(crate) fn print(figures: &[Figure]) {
    println!("{:<24} {:>10} {:<14} {:>8}  {:>7}  beside", "figure", "value", "unit", "target", "ratio");
    for figure in figures {
        let target = figure.target.map_or(String::new(), |target| format!("{target:.1}"));
        let ratio = figure.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let beside =
            figure.yardstick.as_ref().map_or(String::new(), |y| format!("{} ({:.2})", y.name, y.value));
        println!(
            "{:<24} {:>10.2} {:<14} {target:>8}  {ratio:>7}  {beside}",
            figure.name, figure.value, figure.unit
        );
    }
}

pub(crate) fn write(figures: &[Figure]) -> io::Result<()> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = target.join("bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("summary.json"), serde_json::to_vec_pretty(figures)?)
}
