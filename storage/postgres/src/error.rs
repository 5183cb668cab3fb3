//! From the server's errors to the contract's, in one line a person can act on.
//!
//! **Invariant:** no message holds the address: it may hold a password.

use sqlx::Error;
use zapjobs_storage::{ErrorKind, StorageError};

/// What goes wrong below the contract, before the operation's name is added.
#[derive(Debug)]
pub(crate) enum DbError {
    /// The server refused or could not be reached.
    Sql(Box<Error>),
    /// We refused.
    Told(ErrorKind, String),
}

pub(crate) type DbResult<T> = Result<T, DbError>;

impl DbError {
    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::Told(ErrorKind::Corrupt, message.into())
    }

    pub(crate) fn timed_out(what: &str) -> Self {
        Self::Told(ErrorKind::Unavailable, format!("{what} did not end in time; try again"))
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Sql(error) => kind_of(error),
            Self::Told(kind, _) => *kind,
        }
    }

    /// Whether the connection that gave it may be used again: the server answered, and did
    /// not say farewell.
    pub(crate) fn leaves_connection_usable(&self) -> bool {
        match self {
            Self::Sql(error) => match &**error {
                Error::Database(_) => kind_of(error) != ErrorKind::Unavailable,
                Error::RowNotFound | Error::ColumnDecode { .. } => true,
                _ => false,
            },
            Self::Told(kind, _) => *kind == ErrorKind::Corrupt,
        }
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

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        Self::Sql(Box::new(error))
    }
}

pub(crate) fn closed(operation: &'static str) -> StorageError {
    StorageError::new(ErrorKind::Closed, operation, "the storage is closed")
}

pub(crate) fn invalid(operation: &'static str, message: impl Into<String>) -> StorageError {
    StorageError::new(ErrorKind::InvalidRequest, operation, message)
}

fn kind_of(error: &Error) -> ErrorKind {
    match error {
        Error::Database(refusal) => kind_of_code(&refusal.code().unwrap_or_default()),
        error if is_untrusted(error) => ErrorKind::Configuration,
        Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed => ErrorKind::Unavailable,
        Error::Configuration(_) | Error::Tls(_) => ErrorKind::Configuration,
        Error::ColumnDecode { .. } | Error::Decode(_) => ErrorKind::Corrupt,
        Error::PoolClosed => ErrorKind::Closed,
        Error::PoolTimedOut => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

/// By SQLSTATE, or by its class.
fn kind_of_code(code: &str) -> ErrorKind {
    match code {
        "42501" | "25006" => ErrorKind::ReadOnly,
        "3D000" => ErrorKind::Configuration,
        "42P01" | "3F000" | "42703" | "42883" => ErrorKind::Schema,
        "53100" => ErrorKind::Full,
        "53300" | "40001" | "40P01" | "55P03" => ErrorKind::Busy,
        "57014" => ErrorKind::Unavailable,
        _ => match code.get(..2).unwrap_or_default() {
            "28" => ErrorKind::Configuration,
            "08" | "53" | "57" | "58" => ErrorKind::Unavailable,
            "54" => ErrorKind::InvalidRequest,
            "XX" => ErrorKind::Corrupt,
            _ => ErrorKind::Other,
        },
    }
}

fn message_of(kind: ErrorKind, error: &Error) -> String {
    let advice = match kind {
        ErrorKind::Unavailable if is_timeout(error) => {
            "the server stopped the statement because it took too long; try again"
        }
        ErrorKind::Unavailable => "the server cannot be reached or is restarting; try again",
        ErrorKind::Busy => "the server is busy with others; try again",
        ErrorKind::Full => "the server's disk is full; nothing was written",
        ErrorKind::ReadOnly => {
            "the server is read-only or the user lacks a right; grant it or use another user"
        }
        ErrorKind::Schema => "the schema is missing or not up to date; migrate it first",
        ErrorKind::Configuration if is_untrusted(error) => {
            "the server's certificate is not trusted; name its root by sslrootcert, or use another \
             sslmode"
        }
        ErrorKind::Configuration => {
            "the server refused the connection; check the address, user, password and database"
        }
        _ => return one_line(error),
    };
    format!("{advice} ({})", one_line(error))
}

/// A certificate that cannot be verified comes as a failure of the handshake's input and output.
fn is_untrusted(error: &Error) -> bool {
    let Error::Io(error) = error else { return false };
    error.kind() == std::io::ErrorKind::InvalidData && error.to_string().contains("certificate")
}

fn is_timeout(error: &Error) -> bool {
    matches!(error, Error::Database(refusal) if refusal.code().as_deref() == Some("57014"))
}

fn one_line(error: &Error) -> String {
    let text = match error {
        // Without the words around it, which repeat what it is.
        Error::Database(refusal) => refusal.message().to_owned(),
        Error::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    text.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_kind() {
        let kinds = [
            ("28P01", ErrorKind::Configuration),
            ("3D000", ErrorKind::Configuration),
            ("42501", ErrorKind::ReadOnly),
            ("25006", ErrorKind::ReadOnly),
            ("42P01", ErrorKind::Schema),
            ("53100", ErrorKind::Full),
            ("53300", ErrorKind::Busy),
            ("40P01", ErrorKind::Busy),
            ("57014", ErrorKind::Unavailable),
            ("57P01", ErrorKind::Unavailable),
            ("08006", ErrorKind::Unavailable),
            ("XX001", ErrorKind::Corrupt),
            ("22012", ErrorKind::Other),
            ("", ErrorKind::Other),
        ];
        for (code, kind) in kinds {
            assert_eq!(kind_of_code(code), kind, "{code}");
        }
    }

    #[test]
    fn an_untrusted_certificate_is_no_passing_failure() {
        let io = |text| Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
        assert_eq!(kind_of(&io("invalid peer certificate: X")), ErrorKind::Configuration);
        assert_eq!(kind_of(&io("stream did not contain valid UTF-8")), ErrorKind::Unavailable);
    }

    #[test]
    fn a_message_is_one_line() {
        let error = Error::Io(std::io::Error::other("two\nlines"));
        let error = DbError::from(error).describe("claim runs");
        assert!(!error.to_string().contains('\n'), "{error}");
        assert!(error.is_retryable());
    }
}
