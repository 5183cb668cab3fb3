//! How a storage is opened.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zapjobs_storage::{Clock, ErrorKind, Result, StorageError, SystemClock};

/// Bytes of a table prefix at most.
pub const TABLE_PREFIX_BYTES_MAX: usize = 30;
/// Read connections at most.
pub const READERS_MAX: usize = 64;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In this file, which is created where it is missing. Its directory must exist.
    File(PathBuf),
    /// In this process's memory, gone once the storage is closed or dropped.
    Memory,
}

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// It survives the death of the process, `kill -9` included. A power failure or a crash
    /// of the operating system may lose the last commits, in order: never an earlier one
    /// without all later ones, and the file stays sound.
    #[default]
    Normal,
    /// It survives a power failure too: every group commit waits for the disk.
    Full,
}

/// What happens to the schema when a storage is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Migrating {
    /// Missing migrations are applied.
    #[default]
    Automatic,
    /// A schema that is not up to date is refused, and a missing file is not created: someone
    /// migrates by hand. A database in memory has no one to do so, and is migrated.
    Manual,
}

/// How a storage is opened.
#[derive(Clone)]
pub struct SqliteOptions {
    /// Where the database is.
    pub location: Location,
    /// What an acknowledged write survives. [`Synchronous::Normal`].
    pub synchronous: Synchronous,
    /// What the names of tables and indices begin with: `[a-z_][a-z0-9_]*`, at most
    /// [`TABLE_PREFIX_BYTES_MAX`] bytes. `zapjobs_`.
    pub table_prefix: String,
    /// Where the storage reads the time. The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// How long a write waits for another process's to end before it is answered `Busy`.
    /// Renewals and heartbeats wait several times as long. 5 seconds.
    pub busy_timeout: Duration,
    /// Read connections, 1 to [`READERS_MAX`]. 4.
    pub readers: usize,
    /// How often the file is looked at for other processes' writes while someone listens.
    /// 10 milliseconds.
    pub poll_interval: Duration,
    /// What happens to the schema. [`Migrating::Automatic`].
    pub migrating: Migrating,
}

impl SqliteOptions {
    /// A database in a file, with the defaults.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::at(Location::File(path.into()))
    }

    /// A database in memory, with the defaults.
    pub fn memory() -> Self {
        Self::at(Location::Memory)
    }

    fn at(location: Location) -> Self {
        Self {
            location,
            synchronous: Synchronous::default(),
            table_prefix: "zapjobs_".to_owned(),
            clock: Arc::new(SystemClock),
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            poll_interval: Duration::from_millis(10),
            migrating: Migrating::default(),
        }
    }

    pub(crate) fn checked(self) -> Result<Self> {
        let refuse = |message: String| {
            Err(StorageError::new(ErrorKind::Configuration, "open the SQLite storage", message))
        };
        if !is_table_prefix(&self.table_prefix) {
            return refuse(format!(
                "invalid table prefix {:?}: use a-z, 0-9 and '_', not beginning with a digit, \
                 at most {TABLE_PREFIX_BYTES_MAX} bytes",
                self.table_prefix
            ));
        }
        if !(1..=READERS_MAX).contains(&self.readers) {
            return refuse(format!("{} readers: use 1 to {READERS_MAX}", self.readers));
        }
        if self.poll_interval.is_zero() {
            return refuse("the poll interval is zero: use 1 ms or more".to_owned());
        }
        Ok(self)
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("location", &self.location)
            .field("synchronous", &self.synchronous)
            .field("table_prefix", &self.table_prefix)
            .field("busy_timeout", &self.busy_timeout)
            .field("readers", &self.readers)
            .field("poll_interval", &self.poll_interval)
            .field("migrating", &self.migrating)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => fmt::Display::fmt(&path.display(), f),
            Self::Memory => f.write_str("memory"),
        }
    }
}

/// Table names cannot be bound as parameters, so nothing else may get into a statement.
fn is_table_prefix(prefix: &str) -> bool {
    let begins_well = prefix.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    let goes_on_well =
        prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    // SQLite keeps these names for itself.
    let is_free = !prefix.starts_with("sqlite_");
    begins_well && goes_on_well && is_free && prefix.len() <= TABLE_PREFIX_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_table_prefixes_are_taken() {
        for prefix in ["zapjobs_", "a", "_x9"] {
            assert!(is_table_prefix(prefix), "{prefix}");
        }
        let long = "a".repeat(TABLE_PREFIX_BYTES_MAX + 1);
        for prefix in ["", "9a", "A", "a;drop", "a b", "a\"", "sqlite_", "é", &long] {
            assert!(!is_table_prefix(prefix), "{prefix}");
        }
    }
}
