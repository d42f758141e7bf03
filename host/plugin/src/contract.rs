//! Versions of the contract: which plugin runs on which host. See `wit/README.md`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The version that this host has, as the `package` line of `wit/` says.
pub const CONTRACT: Contract = Contract { major: 0, minor: 1, patch: 0 };

/// A version of `jackfield:plugin`, as it stands behind the `@` of an interface's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Contract {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Contract {
    /// Whether a plugin that needs `needed` runs on a host that has this one: it is of the same series, within which
    /// a contract only grows, and not later.
    pub fn serves(self, needed: Contract) -> bool {
        self.series() == needed.series() && needed <= self
    }

    /// All of 0.1, or of 1.
    pub(crate) fn series(self) -> (u32, u32) {
        (self.major, if self.major == 0 { self.minor } else { 0 })
    }
}

/// Three numbers: nobody promised anything of a draft.
impl FromStr for Contract {
    type Err = String;

    fn from_str(text: &str) -> Result<Contract, String> {
        let number =
            |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        let numbers: Option<Vec<u32>> = text.split('.').map(number).collect();
        match numbers.as_deref() {
            Some(&[major, minor, patch]) => Ok(Contract { major, minor, patch }),
            _ => Err(format!("`{text}` is no version of jackfield:plugin: write \"{CONTRACT}\"")),
        }
    }
}

impl TryFrom<String> for Contract {
    type Error = String;

    fn try_from(text: String) -> Result<Contract, String> {
        text.parse()
    }
}

impl From<Contract> for String {
    fn from(contract: Contract) -> String {
        contract.to_string()
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(text: &str) -> Contract {
        text.parse().unwrap()
    }

    #[test]
    fn a_host_serves_its_series_up_to_its_own_version() {
        for (host, plugin, serves) in [
            ("0.1.0", "0.1.0", true),
            ("0.1.7", "0.1.0", true),
            ("0.1.10", "0.1.9", true),
            ("0.1.0", "0.1.7", false),
            ("0.2.0", "0.1.0", false),
            ("0.1.0", "0.2.0", false),
            ("1.4.0", "1.2.9", true),
            ("1.4.0", "1.5.0", false),
            ("2.0.0", "1.0.0", false),
        ] {
            assert_eq!(contract(host).serves(contract(plugin)), serves, "{plugin} on {host}");
        }
    }

    #[test]
    fn a_version_has_three_numbers() {
        assert_eq!(contract("0.1.0").to_string(), "0.1.0");
        for text in ["", "0.1", "0.1.0.0", "0.1.x", "0.1.0-draft", "+0.1.0", "0.1.99999999999", " 0.1.0"] {
            let error = text.parse::<Contract>().unwrap_err();
            assert!(error.contains(&format!("`{text}` is no version")), "{error}");
        }
    }
}
