//! A storage: opened, described, closed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use zapjobs_model::Timestamp;
use zapjobs_storage::{Clock, ErrorKind, Result, Storage, StorageInfo};

use crate::db::Db;
use crate::error::{DbError, DbResult, closed};
use crate::events::Listeners;
use crate::migrate;
use crate::options::{Location, Migrating, SqliteOptions, Synchronous};
use crate::readers::Readers;
use crate::schema::{Migration, migrations};
use crate::writer::{Tx, WriteKind, Writer};

const OPEN: &str = "open the SQLite storage";

/// A storage in one SQLite file. Dropping it writes what was asked, in the background;
/// [`Storage::close`] waits for that.
pub struct SqliteStorage {
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) writer: Writer,
    readers: Readers,
    options: SqliteOptions,
    is_closed: AtomicBool,
}

impl SqliteStorage {
    /// Opens the database, creates the file where it is missing, and brings its schema up to
    /// date or checks it, as [`SqliteOptions::migrating`] says. Blocks for as long as that takes.
    ///
    /// Errors: `Configuration` for a directory that is missing, a file that is no database or
    /// options out of bounds; `ReadOnly`; `Schema` for one that a newer program made, or that was
    /// to be migrated by hand; `Busy` while another process writes for longer than the busy
    /// timeout.
    pub fn open(options: SqliteOptions) -> Result<Self> {
        let options = options.checked()?;
        Self::assemble(options).map_err(|error| error.describe(OPEN))
    }

    fn assemble(options: SqliteOptions) -> DbResult<Self> {
        if options.migrating == Migrating::Manual {
            check_schema(&options)?;
        }
        let db = Db::open_writer(&options)?;
        migrate::up(&db, options.clock.now())?;
        Self::on(db, options)
    }

    /// Around the connection that writes.
    pub(crate) fn on(db: Db, options: SqliteOptions) -> DbResult<Self> {
        let readers = Readers::open(&options)?;
        let listeners = Arc::new(Listeners::new());
        let writer = Writer::start(db, &options, Arc::clone(&listeners))?;
        let is_closed = AtomicBool::new(false);
        Ok(Self { listeners, writer, readers, options, is_closed })
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.options.clock
    }

    /// Writes; see [`Writer::write`].
    pub(crate) async fn write<T, F>(&self, kind: WriteKind, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> DbResult<T> + Send + 'static,
    {
        self.writer.write(kind, work).await
    }

    /// Reads from one snapshot.
    pub(crate) async fn read<T, F>(&self, operation: &'static str, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&Db) -> DbResult<T> + Send + 'static,
    {
        self.readers.read(&self.writer, operation, query).await
    }

    fn check_open(&self, operation: &'static str) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) { Err(closed(operation)) } else { Ok(()) }
    }
}

/// The migrations that opening would apply. Writes nothing, and creates no file.
///
/// Errors as [`SqliteStorage::open`].
pub fn pending(options: &SqliteOptions) -> Result<Vec<&'static Migration>> {
    let options = options.clone().checked()?;
    look(&options).map_err(|error| error.describe("look for pending migrations"))
}

fn look(options: &SqliteOptions) -> DbResult<Vec<&'static Migration>> {
    match &options.location {
        Location::File(path) if path.exists() => migrate::pending(&Db::open_reader(options, path)?),
        _ => Ok(migrations().iter().collect()),
    }
}

/// Refuses a file whose schema is not up to date.
fn check_schema(options: &SqliteOptions) -> DbResult<()> {
    if options.location == Location::Memory {
        return Ok(());
    }
    let pending = look(options)?;
    let Some(first) = pending.first() else { return Ok(()) };
    let message = format!(
        "the schema in {} lacks {} migration(s), from version {} on: migrate it first",
        options.location,
        pending.len(),
        first.version
    );
    Err(DbError::Told(ErrorKind::Schema, message))
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn now(&self) -> Result<Timestamp> {
        self.check_open("read the clock")?;
        Ok(self.clock().now())
    }

    async fn info(&self) -> Result<StorageInfo> {
        const OPERATION: &str = "describe the storage";
        const APPLIED: &str = "SELECT max(version) FROM {prefix}schema";
        let schema_version = self
            .read(OPERATION, |db| {
                Ok(db.prepare(APPLIED)?.query_row([], |row| row.get::<_, u32>(0))?)
            })
            .await?;
        let durability = match (&self.options.location, self.options.synchronous) {
            (Location::Memory, _) => "nothing survives the end of the process",
            (_, Synchronous::Normal) => {
                "survives the death of the process; a power failure may lose the last commits"
            }
            (_, Synchronous::Full) => "survives the death of the process and a power failure",
        };
        Ok(StorageInfo {
            driver: "sqlite".to_owned(),
            location: self.options.location.to_string(),
            schema_version,
            server_version: format!("SQLite {}", rusqlite::version()),
            durability: durability.to_owned(),
        })
    }

    async fn close(&self) -> Result<()> {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // Readers first: a snapshot under way would keep the log from being emptied.
        self.readers.close(self.options.readers).await;
        let result = self.writer.close().await;
        self.listeners.close();
        result
    }
}

impl fmt::Debug for SqliteStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStorage").field("options", &self.options).finish_non_exhaustive()
    }
}
