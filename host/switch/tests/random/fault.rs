//! A broken rule.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What should have been so; the shrinker looks for the same rule.
    pub(crate) rule: &'static str,
    /// What was so instead.
    pub(crate) text: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "broken: {}\n  {}", self.rule, self.text)
    }
}
