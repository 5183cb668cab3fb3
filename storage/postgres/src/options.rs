//! How a storage is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use zapjobs_storage::{Clock, ErrorKind};

use crate::error::{DbError, DbResult};
use crate::names::Names;

/// Bytes of a schema's name at most.
pub const SCHEMA_BYTES_MAX: usize = 30;
/// Bytes of a table prefix at most.
pub const TABLE_PREFIX_BYTES_MAX: usize = 20;
/// Connections of one storage at most.
pub const CONNECTIONS_MAX: usize = 200;

/// How a host learns of other hosts' writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WakeUps {
    /// By `LISTEN`, on a connection of its own: within milliseconds.
    #[default]
    Listen,
    /// By looking every [`PostgresOptions::poll_interval`]. Keeps nothing in a session and
    /// sends no start-up settings: works behind PgBouncer in transaction mode. There, the
    /// role needs a `statement_timeout` of its own.
    Poll,
}

/// What happens to the schema when a storage is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Migrating {
    /// Missing migrations are applied.
    #[default]
    Automatic,
    /// A schema that is not up to date is refused: someone migrates by hand.
    Manual,
}

/// How a storage is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where the server is: `postgres://user:password@host:port/database`, with parameters
    /// such as `sslmode=verify-full`. Never shown or logged.
    pub url: String,
    /// The schema that holds the tables, `[a-z_][a-z0-9_]*`, at most [`SCHEMA_BYTES_MAX`]
    /// bytes. `zapjobs`.
    pub schema: String,
    /// What the names of tables, indices and functions begin with: empty or as `schema`, at
    /// most [`TABLE_PREFIX_BYTES_MAX`] bytes. Empty.
    pub table_prefix: String,
    /// Connections at most, beside the one that listens, 1 to [`CONNECTIONS_MAX`]. 8.
    pub connections: usize,
    /// How long a new connection, or the wait for a free one, may take. 10 seconds.
    pub connect_timeout: Duration,
    /// How long one statement may take, on the server and as seen from here, 1 second at
    /// least. 30 seconds.
    pub statement_timeout: Duration,
    /// A clock in place of the server's, for tests. None.
    pub clock: Option<Arc<dyn Clock>>,
    /// How other hosts' writes are learnt of. [`WakeUps::Listen`].
    pub wake_ups: WakeUps,
    /// How often listeners are told to look for themselves with [`WakeUps::Poll`]. 1 second.
    pub poll_interval: Duration,
    /// Statements that are prepared and kept on each connection; with 0 each is prepared
    /// anew, in a transaction of its own, as PgBouncer before 1.21 needs it in transaction
    /// mode. 200.
    pub prepared_statements: usize,
    /// What happens to the schema. [`Migrating::Automatic`].
    pub migrating: Migrating,
    /// What the server shows as the name of the program. `zapjobs`.
    pub application_name: String,
}

impl PostgresOptions {
    /// A server, with the defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: "zapjobs".to_owned(),
            table_prefix: String::new(),
            connections: 8,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
            clock: None,
            wake_ups: WakeUps::default(),
            poll_interval: Duration::from_secs(1),
            prepared_statements: 200,
            migrating: Migrating::default(),
            application_name: "zapjobs".to_owned(),
        }
    }

    /// The names of the tables.
    pub(crate) fn names(&self) -> Names {
        Names::new(&self.schema, &self.table_prefix)
    }

    /// Checks everything, and parses the address.
    pub(crate) fn checked(&self) -> DbResult<PgConnectOptions> {
        let refuse = |message: String| Err(DbError::Told(ErrorKind::Configuration, message));
        const RULE: &str = "use a-z, 0-9 and '_', not beginning with a digit";
        if !is_name(&self.schema, SCHEMA_BYTES_MAX) || self.schema.starts_with("pg_") {
            return refuse(format!(
                "invalid schema name {:?}: {RULE} or 'pg_', at most {SCHEMA_BYTES_MAX} bytes",
                self.schema
            ));
        }
        let prefix = &self.table_prefix;
        if !prefix.is_empty() && !is_name(prefix, TABLE_PREFIX_BYTES_MAX) {
            return refuse(format!(
                "invalid table prefix {prefix:?}: {RULE}, at most {TABLE_PREFIX_BYTES_MAX} bytes"
            ));
        }
        if !(1..=CONNECTIONS_MAX).contains(&self.connections) {
            return refuse(format!("{} connections: use 1 to {CONNECTIONS_MAX}", self.connections));
        }
        if self.statement_timeout < Duration::from_secs(1) {
            return refuse("the statement timeout is below 1 second: use more".to_owned());
        }
        if self.connect_timeout.is_zero() || self.poll_interval.is_zero() {
            return refuse("the connect timeout or poll interval is zero: use more".to_owned());
        }
        self.parsed()
    }

    fn parsed(&self) -> DbResult<PgConnectOptions> {
        const FORM: &str = "use postgres://user:password@host:port/database";
        let wrong = |what: &str| DbError::Told(ErrorKind::Configuration, format!("{what}: {FORM}"));
        if !self.url.starts_with("postgres://") && !self.url.starts_with("postgresql://") {
            return Err(wrong("the address is no PostgreSQL URL"));
        }
        // The parser's own message may repeat parts of the address, the password included.
        let options = self.url.parse::<<sqlx::PgConnection as Connection>::Options>();
        let options = options.map_err(|_| wrong("the address cannot be read"))?;
        let options = options
            .application_name(&self.application_name)
            .statement_cache_capacity(self.prepared_statements)
            .disable_statement_logging();
        if self.wake_ups == WakeUps::Poll {
            return Ok(options.extra_float_digits(None));
        }
        let timeout_ms = self.statement_timeout.as_millis().to_string();
        Ok(options.options([
            ("statement_timeout", timeout_ms.as_str()),
            ("idle_in_transaction_session_timeout", "60000"),
            ("default_transaction_isolation", "read committed"),
        ]))
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("table_prefix", &self.table_prefix)
            .field("connections", &self.connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("wake_ups", &self.wake_ups)
            .field("poll_interval", &self.poll_interval)
            .field("prepared_statements", &self.prepared_statements)
            .field("migrating", &self.migrating)
            .finish_non_exhaustive()
    }
}

/// Names of tables cannot be bound as parameters, so nothing else may get into a statement.
fn is_name(name: &str, bytes_max: usize) -> bool {
    let begins_well = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
    let goes_on_well =
        name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    begins_well && goes_on_well && name.len() <= bytes_max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        for name in ["zapjobs_", "a", "_x9"] {
            assert!(is_name(name, 30), "{name}");
        }
        for name in ["", "9a", "A", "a;drop", "a b", "a\"", "é", &"a".repeat(31)] {
            assert!(!is_name(name, 30), "{name}");
        }
    }

    #[test]
    fn a_wrong_address_is_refused_without_being_repeated() {
        for url in ["", "redis://x", "postgres://user:hush@host:no-port/db", "hush"] {
            let error = PostgresOptions::new(url).checked().expect_err("it is wrong");
            let error = error.describe("open");
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }
}
