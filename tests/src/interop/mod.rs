//! The matrix of foreign telephones: each calls each through the exchange, over each transport,
//! with and without SRTP, and does everything that people do in a call.

mod page;
mod pair;
mod verdict;

pub use page::{Row, publish, versions};
pub use pair::{Pair, run};
pub use verdict::{Deed, Verdict};

use crate::baresip::Over;

/// A telephone that somebody else wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// baresip of Debian 12.
    Baresip,
    /// linphonec of Debian 12.
    Linphone,
    /// SIPp: of Debian 12, for TLS of sid.
    Sipp,
    /// Asterisk of Debian sid, as a telephone.
    Asterisk,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Baresip, Kind::Linphone, Kind::Sipp, Kind::Asterisk];

    /// Its name in arguments and tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Baresip => "baresip",
            Kind::Linphone => "linphonec",
            Kind::Sipp => "SIPp",
            Kind::Asterisk => "Asterisk",
        }
    }
}

/// How both telephones of a pair reach the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Their transport.
    pub over: Over,
    /// They insist on SRTP.
    pub secured: bool,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 6] = {
        const fn way(over: Over, secured: bool) -> Way {
            Way { over, secured }
        }
        [
            way(Over::Udp, false),
            way(Over::Tcp, false),
            way(Over::Tls, false),
            way(Over::Udp, true),
            way(Over::Tcp, true),
            way(Over::Tls, true),
        ]
    };

    /// Its name in arguments and headings: `udp`, `tls+srtp`.
    pub fn name(self) -> &'static str {
        match (self.over, self.secured) {
            (Over::Udp, false) => "udp",
            (Over::Tcp, false) => "tcp",
            (Over::Tls, false) => "tls",
            (Over::Udp, true) => "udp+srtp",
            (Over::Tcp, true) => "tcp+srtp",
            (Over::Tls, true) => "tls+srtp",
        }
    }
}

/// One run: who calls whom, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Who calls, holds, transfers and presses keys.
    pub caller: Kind,
    /// Who is called.
    pub callee: Kind,
    /// How.
    pub way: Way,
}

impl Meeting {
    /// Every one.
    pub fn all() -> Vec<Meeting> {
        let mut all = Vec::new();
        for way in Way::ALL {
            for caller in Kind::ALL {
                all.extend(Kind::ALL.map(|callee| Meeting { caller, callee, way }));
            }
        }
        all
    }

    /// `baresip-SIPp-tls+srtp`: its name, and that of its folder.
    pub fn name(&self) -> String {
        format!("{}-{}-{}", self.caller.name(), self.callee.name(), self.way.name())
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Meeting> {
        Meeting::all().into_iter().find(|meeting| meeting.name() == name)
    }
}
