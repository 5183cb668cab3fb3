//! Which jobs a plugin may enqueue as children of its runs.
//!
//! **Invariant:** a pattern matches whole names; `*` in it stands for any characters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidGrant;

/// Patterns that are granted to one plugin at most.
pub const ENQUEUE_PATTERNS_MAX: usize = 256;
/// Bytes of a pattern at most.
const PATTERN_BYTES_MAX: usize = 100;

/// Jobs that a plugin may enqueue: those that one of the patterns matches. None where there is
/// no pattern.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnqueueGrant {
    /// The patterns.
    pub jobs: Vec<JobPattern>,
}

impl EnqueueGrant {
    /// Whether the job may be enqueued.
    pub fn allows(&self, job: &str) -> bool {
        self.jobs.iter().any(|pattern| pattern.matches(job))
    }
}

/// A job's name, or part of one with `*` for the rest: `resize`, `report-*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobPattern(String);

impl JobPattern {
    /// Checks and takes a pattern.
    pub fn parse(text: &str) -> Result<Self, InvalidGrant> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-*".contains(&byte);
        let well_formed = (1..=PATTERN_BYTES_MAX).contains(&text.len()) && text.bytes().all(known);
        if well_formed {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidGrant(format!(
            "{:?} is no pattern for jobs: use 1 to {PATTERN_BYTES_MAX} of a-z, A-Z, 0-9, '.', '_', \
             '-', and '*' for any characters",
            text.chars().take(80).collect::<String>()
        )))
    }

    /// Whether it matches a whole name. Its time grows with the product of both lengths.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl TryFrom<String> for JobPattern {
    type Error = InvalidGrant;
    fn try_from(text: String) -> Result<Self, InvalidGrant> {
        Self::parse(&text)
    }
}

impl FromStr for JobPattern {
    type Err = InvalidGrant;
    fn from_str(text: &str) -> Result<Self, InvalidGrant> {
        Self::parse(text)
    }
}

impl From<JobPattern> for String {
    fn from(pattern: JobPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for JobPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, matched, others) in [
            ("resize", &["resize"][..], &["resize2", "Resize", "a-resize", ""][..]),
            ("report-*", &["report-", "report-a", "report-a-b"], &["report", "a-report-b"]),
            ("*-fast", &["a-fast", "-fast"], &["a-fast-b", "fast"]),
            ("a*b*c", &["abc", "a1b2c", "abbc"], &["ac", "abcd", "acb"]),
            ("a*a", &["aa", "aba"], &["a"]),
            ("*", &["a", "a.b"], &[]),
        ] {
            let parsed = JobPattern::parse(pattern).expect("a pattern");
            for name in matched {
                assert!(parsed.matches(name), "{pattern} and {name}");
            }
            for name in others {
                assert!(!parsed.matches(name), "{pattern} and {name}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", "a b", "a/b", "a?", &"a".repeat(101)] {
            assert!(JobPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
