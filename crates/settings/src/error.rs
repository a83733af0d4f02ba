//! Violations: what is wrong, why, what to do; all of a start at once.

use std::fmt;

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The setting, or the file, that is wrong.
    pub key: String,
    /// Where the value came from: a file with line, an environment variable, a flag.
    pub place: String,
    /// What is wrong, with the given value where it is no secret.
    pub what: String,
    /// What was expected, or why it cannot stay so.
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, place, what, why, hint } = self;
        write!(f, "{key}")?;
        if !place.is_empty() {
            write!(f, " ({place})")?;
        }
        write!(f, ": {what}; {why}; {hint}")
    }
}

/// Everything that is wrong with the settings; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violations(pub Vec<Violation>);

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "settings: {one}"),
            many => {
                write!(f, "settings: {} things are wrong", many.len())?;
                many.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
            }
        }
    }
}

impl std::error::Error for Violations {}
