//! What is done in a call, and how it went.

use crate::handset::{Ability, Digits};

/// One column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The call is answered, and gone when the caller has hung up.
    Call,
    /// The tone of each is heard at the other for a second.
    Talk,
    /// The caller holds: his tone is not heard any more.
    Hold,
    /// He resumes: both hear each other again.
    Resume,
    /// He transfers the callee to a third telephone without asking; the two talk.
    Transfer,
    /// He asks the third first.
    Consult,
    /// The keys that he presses arrive: sent by RFC 4733.
    Event,
    /// By INFO.
    Info,
    /// As sound.
    InBand,
}

impl Deed {
    /// In the order of the table.
    pub const ALL: [Deed; 9] = [
        Deed::Call,
        Deed::Talk,
        Deed::Hold,
        Deed::Resume,
        Deed::Transfer,
        Deed::Consult,
        Deed::Event,
        Deed::Info,
        Deed::InBand,
    ];

    /// The head of its column.
    pub fn name(self) -> &'static str {
        match self {
            Deed::Call => "call",
            Deed::Talk => "talk",
            Deed::Hold => "hold",
            Deed::Resume => "resume",
            Deed::Transfer => "blind transfer",
            Deed::Consult => "attended transfer",
            Deed::Event => "keys by 4733",
            Deed::Info => "keys by INFO",
            Deed::InBand => "keys in band",
        }
    }

    /// What the caller's telephone must be able to do.
    pub(super) fn needs(self) -> Option<Ability> {
        match self {
            Deed::Call | Deed::Talk => None,
            Deed::Hold | Deed::Resume => Some(Ability::Hold),
            Deed::Transfer => Some(Ability::Transfer),
            Deed::Consult => Some(Ability::Consult),
            Deed::Event => Some(Ability::Press(Digits::Event)),
            Deed::Info => Some(Ability::Press(Digits::Info)),
            Deed::InBand => Some(Ability::Press(Digits::InBand)),
        }
    }
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Pass,
    /// A telephone is unable to do it: why.
    Cannot(String),
    /// Not as it should: what was seen.
    Fail(String),
}

impl Verdict {
    /// One line: the deed, the verdict and the reason, parted by tabs.
    pub fn line(&self, deed: Deed) -> String {
        let (word, reason) = match self {
            Verdict::Pass => ("pass", ""),
            Verdict::Cannot(reason) => ("cannot", reason.as_str()),
            Verdict::Fail(reason) => ("fail", reason.as_str()),
        };
        let reason = reason.replace(['\t', '\n', '\r'], " ");
        format!("{}\t{word}\t{reason}", deed.name())
    }

    /// Reads what [`Verdict::line`] wrote.
    pub fn read(line: &str) -> Option<(Deed, Verdict)> {
        let mut fields = line.splitn(3, '\t');
        let name = fields.next()?;
        let deed = Deed::ALL.into_iter().find(|deed| deed.name() == name)?;
        let (word, reason) = (fields.next()?, fields.next()?.to_owned());
        let verdict = match word {
            "pass" => Verdict::Pass,
            "cannot" => Verdict::Cannot(reason),
            "fail" => Verdict::Fail(reason),
            _ => return None,
        };
        Some((deed, verdict))
    }
}

impl From<Result<(), String>> for Verdict {
    fn from(result: Result<(), String>) -> Verdict {
        result.map_or_else(Verdict::Fail, |()| Verdict::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_survives_its_line() {
        for verdict in [Verdict::Pass, Verdict::Cannot("no key".into()), Verdict::Fail("quiet".into())] {
            for deed in Deed::ALL {
                assert_eq!(Verdict::read(&verdict.line(deed)), Some((deed, verdict.clone())));
            }
        }
    }
}
