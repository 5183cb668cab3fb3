//! Types of errors, named one by one or by how they begin.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bytes of a pattern at most.
const PATTERN_BYTES_MAX: usize = 200;

/// A type of error, such as `config.missing`, or all that begin alike: `config.*` stands for
/// `config.` and whatever follows, and `*` for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ErrorPattern(String);

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid error type {0:?}: use a name, or how names begin and \".*\", 1 to 200 bytes without \
     control characters"
)]
pub struct InvalidPattern(String);

impl ErrorPattern {
    /// Checks and takes the text.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidPattern> {
        let text = text.into();
        let begins = text.strip_suffix('*').unwrap_or(&text);
        let star_stands = begins.len() == text.len() || begins.is_empty() || begins.ends_with('.');
        let is_plain = !begins.contains('*') && !text.chars().any(char::is_control);
        if star_stands && is_plain && (1..=PATTERN_BYTES_MAX).contains(&text.len()) {
            return Ok(Self(text));
        }
        Err(InvalidPattern(text.chars().take(80).collect()))
    }

    /// Whether errors of this type are meant. Names are compared byte by byte.
    pub fn matches(&self, error_type: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(begins) => error_type.starts_with(begins),
            None => error_type == self.0,
        }
    }
}

impl fmt::Display for ErrorPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ErrorPattern {
    type Error = InvalidPattern;
    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        Self::new(text)
    }
}

impl From<ErrorPattern> for String {
    fn from(pattern: ErrorPattern) -> String {
        pattern.0
    }
}
