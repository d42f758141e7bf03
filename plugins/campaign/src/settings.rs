//! `[config.campaigns.NAME]`: what each campaign does.

use std::{collections::BTreeMap, time::Duration};

use jackfield_sdk::settings::{Finding, Time};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub campaigns: BTreeMap<String, Campaign>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Campaign {
    /// The plugin that an answered contact talks to.
    pub app: String,
    /// What the contact sees.
    pub caller: Option<String>,
    pub caller_name: Option<String>,
    /// After the first attempt.
    #[serde(default)]
    pub retries: u32,
    /// From the start of an attempt to the start of the next.
    #[serde(default = "five_minutes")]
    pub retry_time: Time,
    /// How long it rings.
    #[serde(default = "half_a_minute")]
    pub wait_time: Time,
}

fn five_minutes() -> Time {
    Time(Duration::from_secs(300))
}

fn half_a_minute() -> Time {
    Time(Duration::from_secs(30))
}

impl Settings {
    /// What is wrong with them.
    pub fn check(&self) -> Vec<Finding> {
        self.campaigns.iter().flat_map(|(name, campaign)| campaign.check(name)).collect()
    }
}

impl Campaign {
    fn check(&self, name: &str) -> Vec<Finding> {
        let at = |key: &str, text: &str, help: &str| Finding::at(["campaigns", name, key], text).help(help);
        let mut findings = Vec::new();
        if self.app.is_empty() {
            findings.push(at(
                "app",
                "nobody talks to who answers",
                "write app = \"message\", a plugin of jackfield.toml",
            ));
        }
        if self.wait_time.is_zero() {
            findings.push(at("wait-time", "does not ring at all", "write wait-time = \"30s\""));
        }
        if self.retries > 0 && self.retry_time <= self.wait_time {
            let text = "the next attempt would begin while the last one rings: it counts from start to start";
            findings.push(at("retry-time", text, "write more than wait-time"));
        }
        findings
    }
}
