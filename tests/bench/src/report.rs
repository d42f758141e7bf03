//! The table and `summary.json`.

use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::paths;

#[derive(Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: String,
    /// What it is compared with, and that value in the same unit.
    pub(crate) yardstick: Option<Yardstick>,
    /// `value` divided by the yardstick's.
    pub(crate) ratio: Option<f64>,
    /// The most that `value` may be.
    pub(crate) target: Option<f64>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Yardstick {
    pub(crate) name: String,
    pub(crate) value: f64,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &str) -> Figure {
        let unit = unit.to_owned();
        Figure { name: name.into(), value, unit, yardstick: None, ratio: None, target: None }
    }

    pub(crate) fn beside(mut self, name: impl Into<String>, value: f64) -> Figure {
        self.ratio = Some(self.value / value);
        self.yardstick = Some(Yardstick { name: name.into(), value });
        self
    }

    pub(crate) fn target(mut self, target: f64) -> Figure {
        self.target = Some(target);
        self
    }
}

pub(crate) fn print(figures: &[Figure]) {
    println!("\n{:<26} {:>9} {:>9}  {:<12} {:>6}  beside", "figure", "value", "target", "unit", "ratio");
    for figure in figures {
        let target = figure.target.map_or(String::new(), |target| format!("{target:.2}"));
        let ratio = figure.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let beside = figure.yardstick.as_ref();
        let beside = beside.map_or(String::new(), |y| format!("{}: {:.2}", y.name, y.value));
        let over =
            if figure.target.is_some_and(|target| figure.value > target) { "  OVER TARGET" } else { "" };
        let line = format!(
            "{:<26} {:>9.2} {target:>9}  {:<12} {ratio:>6}  {beside}{over}",
            figure.name, figure.value, figure.unit
        );
        println!("{}", line.trim_end());
    }
}

pub(crate) fn to_json(figures: &[Figure]) -> String {
    serde_json::to_string_pretty(figures).expect("figures are plain data")
}

pub(crate) fn write(figures: &[Figure]) -> io::Result<()> {
    let folder = paths::summary();
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("summary.json"), to_json(figures))
}
