//! From SQLite's errors to the contract's, in one line a person can act on.

use rusqlite::ErrorCode;
use zapjobs_model::{BatchId, RunId};
use zapjobs_storage::{ErrorKind, StorageError, not_open_message, unknown_parent_message};

/// What goes wrong below the contract, before the operation's name is added.
#[derive(Debug)]
pub(crate) enum DbError {
    /// SQLite refused.
    Sql(rusqlite::Error),
    /// We did.
    Told(ErrorKind, String),
}

pub(crate) type DbResult<T> = Result<T, DbError>;

impl DbError {
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::Told(ErrorKind::Corrupt, message.into())
    }

    /// A run waits for one that is not there.
    pub(crate) fn unknown_parent(run: RunId, parent: RunId) -> Self {
        Self::Told(ErrorKind::InvalidRequest, unknown_parent_message(run, parent))
    }

    pub(crate) fn not_open(batch: BatchId) -> Self {
        Self::Told(ErrorKind::InvalidRequest, not_open_message(batch))
    }

    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sql(error) if kind_of(error) == ErrorKind::Busy)
    }

    /// The error as the caller of `operation` sees it.
    pub(crate) fn describe(&self, operation: &'static str) -> StorageError {
        match self {
            Self::Sql(error) => {
                let kind = kind_of(error);
                StorageError::new(kind, operation, message_of(kind, error))
            }
            Self::Told(kind, message) => StorageError::new(*kind, operation, message.clone()),
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<std::io::Error> for DbError {
    fn from(error: std::io::Error) -> Self {
        Self::Told(
            ErrorKind::Unavailable,
            format!("a thread of the storage did not start: {error}"),
        )
    }
}

pub(crate) fn closed(operation: &'static str) -> StorageError {
    StorageError::new(ErrorKind::Closed, operation, "the storage is closed")
}

pub(crate) fn invalid(operation: &'static str, message: impl Into<String>) -> StorageError {
    StorageError::new(ErrorKind::InvalidRequest, operation, message)
}

fn kind_of(error: &rusqlite::Error) -> ErrorKind {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => ErrorKind::Corrupt,
        error => error.sqlite_error_code().map_or(ErrorKind::Other, kind_of_code),
    }
}

const fn kind_of_code(code: ErrorCode) -> ErrorKind {
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Busy,
        ErrorCode::DiskFull => ErrorKind::Full,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => ErrorKind::ReadOnly,
        ErrorCode::CannotOpen | ErrorCode::NotADatabase => ErrorKind::Configuration,
        ErrorCode::DatabaseCorrupt => ErrorKind::Corrupt,
        ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed => ErrorKind::Unavailable,
        ErrorCode::TooBig => ErrorKind::InvalidRequest,
        _ => ErrorKind::Other,
    }
}

fn message_of(kind: ErrorKind, error: &rusqlite::Error) -> String {
    let advice = match kind {
        ErrorKind::Busy => "another process holds the database's write lock; try again",
        ErrorKind::Full => "the disk or the database is full; nothing was written",
        ErrorKind::ReadOnly => {
            "the database may not be written; check the rights of the file and its directory"
        }
        ErrorKind::Configuration => "the file cannot be opened as a SQLite database",
        ErrorKind::Corrupt => "the database holds something unreadable; restore or repair it",
        ErrorKind::Unavailable => "reading or writing the database's files failed",
        _ => return one_line(error),
    };
    format!("{advice} ({})", one_line(error))
}

fn one_line(error: &rusqlite::Error) -> String {
    error.to_string().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn described(code: i32) -> StorageError {
        DbError::Sql(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
            .describe("claim runs")
    }

    #[test]
    fn each_cause_has_its_kind_and_fits_on_one_line() {
        let kinds = [
            (ffi::SQLITE_BUSY, ErrorKind::Busy),
            (ffi::SQLITE_BUSY_SNAPSHOT, ErrorKind::Busy),
            (ffi::SQLITE_LOCKED, ErrorKind::Busy),
            (ffi::SQLITE_FULL, ErrorKind::Full),
            (ffi::SQLITE_READONLY, ErrorKind::ReadOnly),
            (ffi::SQLITE_READONLY_DIRECTORY, ErrorKind::ReadOnly),
            (ffi::SQLITE_PERM, ErrorKind::ReadOnly),
            (ffi::SQLITE_CANTOPEN, ErrorKind::Configuration),
            (ffi::SQLITE_NOTADB, ErrorKind::Configuration),
            (ffi::SQLITE_CORRUPT, ErrorKind::Corrupt),
            (ffi::SQLITE_IOERR_FSYNC, ErrorKind::Unavailable),
        ];
        for (code, kind) in kinds {
            let error = described(code);
            assert_eq!(error.kind(), kind, "{code}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
        assert!(described(ffi::SQLITE_BUSY).is_retryable());
        assert!(described(ffi::SQLITE_FULL).is_retryable());
        assert!(!described(ffi::SQLITE_READONLY).is_retryable());
    }
}
