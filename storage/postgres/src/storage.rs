//! A storage: opened, described, closed.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::PgConnectOptions;
use zapjobs_model::Timestamp;
use zapjobs_storage::{ErrorKind, Result, Storage, StorageInfo};

use crate::connections::{Connections, connect};
use crate::error::{DbError, DbResult, closed};
use crate::events::Events;
use crate::migrate;
use crate::names::Names;
use crate::options::{Migrating, PostgresOptions};
use crate::row::Columns;

const CONNECT: &str = "open the PostgreSQL storage";

/// A storage in one schema of a PostgreSQL database. Dropping it closes its connections;
/// [`Storage::close`] waits for what is under way.
pub struct PostgresStorage {
    pub(crate) options: PostgresOptions,
    pub(crate) names: Arc<Names>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) events: Events,
    location: String,
}

impl PostgresStorage {
    /// Connects, and brings the schema up to date or checks it, as
    /// [`PostgresOptions::migrating`] says. Must be called in a Tokio runtime with its timers
    /// and I/O enabled.
    ///
    /// Errors: `Configuration` for an address, user, password, database or option that is
    /// wrong; `Unavailable` where nothing answers; `ReadOnly` where the user lacks a right;
    /// `Schema` for one that a newer program made, or that was to be migrated by hand.
    pub async fn connect(options: PostgresOptions) -> Result<Self> {
        Box::pin(Self::assemble(options)).await.map_err(|error| error.describe(CONNECT))
    }

    async fn assemble(options: PostgresOptions) -> DbResult<Self> {
        let address = options.checked()?;
        // Once by itself, so that its failure is told at once and in its own words.
        drop(connect(&address, options.connect_timeout).await?);
        check_schema(&options).await?;
        let location = location(&options, &address);
        let size = u32::try_from(options.connections).expect("it was checked to be small");
        let timeout = options.connect_timeout;
        let connections = Arc::new(Connections::new(address.clone(), size, timeout));
        let names = Arc::new(options.names());
        let events = Events::start(&options, address, &connections, &names);
        Ok(Self { options, names, connections, events, location })
    }
}

/// Where a storage is, for people; without secrets.
pub(crate) fn location(options: &PostgresOptions, address: &PgConnectOptions) -> String {
    let (host, port) = (address.get_host(), address.get_port());
    let database = address.get_database().unwrap_or(address.get_username());
    format!("{host}:{port}/{database}, schema {}", options.schema)
}

async fn check_schema(options: &PostgresOptions) -> DbResult<()> {
    match options.migrating {
        Migrating::Automatic => migrate::migrate(options).await.map(drop),
        Migrating::Manual => {
            let pending = migrate::pending(options).await?;
            let Some(first) = pending.first() else { return Ok(()) };
            let message = format!(
                "the schema {} lacks {} migration(s), from version {} on: migrate it first",
                options.schema,
                pending.len(),
                first.version
            );
            Err(DbError::Told(ErrorKind::Schema, message))
        }
    }
}

#[async_trait]
impl Storage for PostgresStorage {
    async fn now(&self) -> Result<Timestamp> {
        const OPERATION: &str = "read the clock";
        if self.connections.is_closed() {
            return Err(closed(OPERATION));
        }
        match &self.options.clock {
            Some(clock) => Ok(clock.now()),
            None => self.session(OPERATION).await?.now().await,
        }
    }

    async fn info(&self) -> Result<StorageInfo> {
        const DESCRIBE: &str = "SELECT (SELECT max(version) FROM {schema}.{prefix}schema),
            current_setting('server_version'), current_setting('fsync'),
            current_setting('synchronous_commit')";
        let mut session = self.session("describe the storage").await?;
        let rows = session.rows(self.query(DESCRIBE)).await?;
        let mut columns = rows.iter().map(Columns::new);
        let read = |mut columns: Columns<'_>| -> DbResult<StorageInfo> {
            let version = columns.value::<Option<i64>>()?.unwrap_or(0);
            let server: String = columns.value()?;
            let [fsync, commit]: [String; 2] = [columns.value()?, columns.value()?];
            Ok(StorageInfo {
                driver: "postgres".to_owned(),
                location: self.location.clone(),
                schema_version: u32::try_from(version).unwrap_or(u32::MAX),
                server_version: format!("PostgreSQL {server}"),
                durability: durability(&fsync, &commit).to_owned(),
            })
        };
        let row = columns.next().ok_or_else(|| DbError::corrupt("the server answered nothing"));
        session.told(row.and_then(read))
    }

    async fn close(&self) -> Result<()> {
        if !self.connections.is_closed() {
            self.events.flush().await;
        }
        if self.connections.close().await {
            self.events.close();
        }
        Ok(())
    }
}

fn durability(fsync: &str, synchronous_commit: &str) -> &'static str {
    match (fsync, synchronous_commit) {
        ("off", _) => "survives a restart of the server; a power failure may destroy the database",
        (_, "off") => "a crash of the server may lose the last commits of about a second",
        _ => "survives a crash of the server and a power failure",
    }
}

impl fmt::Debug for PostgresStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStorage").field("location", &self.location).finish_non_exhaustive()
    }
}

/// The server takes signed limits; no table holds more rows.
pub(crate) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A span in microseconds, the longest that can be kept at most.
pub(crate) fn span_micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
