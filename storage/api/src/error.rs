//! How a storage operation fails.

use std::error::Error;
use std::fmt;

/// What kind of failure it is, and so what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The store cannot be reached or did not answer in time. Try again.
    Unavailable,
    /// The store is busy with others. Try again.
    Busy,
    /// The store has no room: a full disk, or a bound of the memory driver. Nothing was written.
    Full,
    /// The store may not be written: a read-only file or a missing right.
    ReadOnly,
    /// The address or a setting is wrong.
    Configuration,
    /// The store's schema is missing, or newer than this program knows.
    Schema,
    /// A stored record cannot be read.
    Corrupt,
    /// The request breaks the contract: a batch that is too large, a cursor from elsewhere.
    InvalidRequest,
    /// The request contradicts what is stored, such as a name that was given to something else.
    /// Nothing was written.
    Conflict,
    /// What was asked for is not there.
    NotFound,
    /// The storage was closed.
    Closed,
    /// Anything else; a bug in the driver until shown otherwise.
    Other,
}

/// A storage operation that failed. Displayed, it finishes the sentence "failed to ...".
#[derive(Debug)]
pub struct StorageError {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StorageError {
    /// A failure of `operation`, such as `claim runs`; `message` says what was wrong and,
    /// where a person can mend it, how.
    pub fn new(kind: ErrorKind, operation: &'static str, message: impl Into<String>) -> Self {
        Self { kind, operation, message: message.into(), source: None }
    }

    /// Adds the cause.
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What failed.
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Busy | ErrorKind::Full)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.message)
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
