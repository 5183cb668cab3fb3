//! From Redis's errors to the contract's, in one line a person can act on.
//!
//! **Invariant:** no message holds a password: what is told is the server's own word, which
//! never repeats one, or ours.

use redis::{RedisError, ServerErrorKind};
use zapjobs_storage::{ErrorKind, StorageError};

/// The error as the caller of `operation` sees it.
pub(crate) fn describe(operation: &'static str, error: &RedisError) -> StorageError {
    let kind = kind_of(error);
    StorageError::new(kind, operation, message_of(kind, error))
}

pub(crate) fn closed(operation: &'static str) -> StorageError {
    StorageError::new(ErrorKind::Closed, operation, "the storage is closed")
}

pub(crate) fn invalid(operation: &'static str, message: impl Into<String>) -> StorageError {
    StorageError::new(ErrorKind::InvalidRequest, operation, message)
}

pub(crate) fn corrupt(operation: &'static str, message: impl Into<String>) -> StorageError {
    StorageError::new(ErrorKind::Corrupt, operation, message)
}

/// An answer that no script of ours gives.
pub(crate) fn unexpected(operation: &'static str) -> StorageError {
    StorageError::new(
        ErrorKind::Other,
        operation,
        "the server answered in a form that this program does not know",
    )
}

/// Whether the server surely did nothing, and may do it a moment later, perhaps elsewhere.
pub(crate) fn was_turned_away(error: &RedisError) -> bool {
    use ServerErrorKind as S;
    matches!(
        error.kind(),
        redis::ErrorKind::Server(
            S::BusyLoading
                | S::Moved
                | S::Ask
                | S::TryAgain
                | S::ClusterDown
                | S::MasterDown
                | S::ReadOnly
        )
    )
}

/// Whether the connection is of no more use.
pub(crate) fn ends_connection(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_connection_dropped()
        || error.is_unrecoverable_error()
        || matches!(error.kind(), redis::ErrorKind::Server(ServerErrorKind::ReadOnly))
}

fn kind_of(error: &RedisError) -> ErrorKind {
    use redis::ErrorKind as R;
    if was_turned_away(error) {
        return ErrorKind::Unavailable;
    }
    if is_distrusted(error) {
        return ErrorKind::Configuration;
    }
    match error.kind() {
        // A Sentinel names no master in the middle of a failover either.
        R::Io
        | R::ClusterConnectionNotFound
        | R::NoValidReplicasFoundBySentinel
        | R::MasterNameNotFoundBySentinel => ErrorKind::Unavailable,
        R::AuthenticationFailed
        | R::InvalidClientConfig
        | R::EmptySentinelList
        | R::Server(ServerErrorKind::NoPerm) => ErrorKind::Configuration,
        _ => match error.code() {
            Some("OOM") => ErrorKind::Full,
            Some("WRONGPASS" | "NOAUTH" | "DENIED") => ErrorKind::Configuration,
            Some("BUSY") => ErrorKind::Busy,
            Some("MISCONF" | "NOREPLICAS" | "UNKILLABLE") => ErrorKind::Unavailable,
            Some("WRONGTYPE") => ErrorKind::Corrupt,
            _ => ErrorKind::Other,
        },
    }
}

/// Whether the server's certificate is not to be trusted, as the TLS library says it.
fn is_distrusted(error: &RedisError) -> bool {
    error.to_string().contains("invalid peer certificate")
}

fn message_of(kind: ErrorKind, error: &RedisError) -> String {
    let text = one_line(error);
    let is_refused_login = error.kind() == redis::ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"));
    let advice = if is_refused_login {
        "the server refused the login: check user and password"
    } else if is_distrusted(error) {
        "the server's certificate is not trusted: name the CA file that it goes back to"
    } else if error.kind() == redis::ErrorKind::MasterNameNotFoundBySentinel {
        "the Sentinels name no master that answers: check its name in the address, or wait for \
         the failover to end"
    } else if error.is_connection_refusal() {
        "the connection was refused: is Redis running there, on that port?"
    } else if error.is_timeout() {
        "the server did not answer in time"
    } else {
        match kind {
            ErrorKind::Unavailable => "the server cannot serve this now",
            ErrorKind::Full => "the server has reached its maxmemory; nothing was written",
            ErrorKind::Configuration => "the server does not allow this, or is not what was meant",
            ErrorKind::Corrupt => "a key holds what is not ours; look at what else uses the prefix",
            ErrorKind::Busy => "the server is busy with a script",
            _ => return text,
        }
    };
    format!("{advice} ({text})")
}

fn one_line(error: &RedisError) -> String {
    error.to_string().replace(['\n', '\r'], " ")
}
