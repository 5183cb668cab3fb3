//! The schema, for operators.
//!
//! **Invariant:** nothing but [`SchemaAdmin::up`] creates the file.

use std::path::PathBuf;

use async_trait::async_trait;
use zapjobs_storage::{ErrorKind, Result, SchemaAdmin, SchemaStep, StorageError};

use crate::db::{Db, expanded};
use crate::error::{DbError, DbResult};
use crate::migrate;
use crate::options::{Location, SqliteOptions};
use crate::schema::migrations;

/// Looks after the schema of a database in a file: of the tables with one prefix, whatever else
/// is in the file. A database in memory is refused as `Configuration`: it has nothing to look
/// after. Other errors are those of [`crate::SqliteStorage::open`].
#[derive(Debug, Clone)]
pub struct SqliteSchema {
    options: SqliteOptions,
}

impl SqliteSchema {
    /// The schema that a storage opened with these options has. Opens nothing yet.
    pub const fn new(options: SqliteOptions) -> Self {
        Self { options }
    }

    /// The checked options, and the file.
    fn target(&self, operation: &'static str) -> Result<(SqliteOptions, PathBuf)> {
        let options = self.options.clone().checked()?;
        match &options.location {
            Location::File(path) => Ok((options.clone(), path.clone())),
            Location::Memory => Err(StorageError::new(
                ErrorKind::Configuration,
                operation,
                "a database in memory has no schema to look after: name a file",
            )),
        }
    }

    /// Reads from the file if it is there; else answers `without`.
    async fn look<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
        without: impl FnOnce(&SqliteOptions) -> T + Send + 'static,
    ) -> Result<T> {
        let (options, path) = self.target(operation)?;
        apart(operation, move || {
            if !path.exists() {
                return Ok(without(&options));
            }
            work(&Db::open_reader(&options, &path)?)
        })
        .await
    }

    /// Writes to the file if it is there; else answers `without`.
    async fn change<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Db) -> DbResult<T> + Send + 'static,
        without: T,
    ) -> Result<T> {
        let (options, path) = self.target(operation)?;
        apart(operation, move || {
            if !path.exists() {
                return Ok(without);
            }
            written(&options, work)
        })
        .await
    }
}

#[async_trait]
impl SchemaAdmin for SqliteSchema {
    fn location(&self) -> String {
        format!("{}, tables {}*", self.options.location, self.options.table_prefix)
    }

    async fn steps(&self) -> Result<Vec<SchemaStep>> {
        let none = |_: &SqliteOptions| {
            migrations().iter().map(|step| migrate::described(step, None)).collect()
        };
        self.look("read the schema's migrations", migrate::steps, none).await
    }

    async fn plan(&self) -> Result<String> {
        let all = |options: &SqliteOptions| {
            let steps: Vec<_> = migrations().iter().collect();
            migrate::sql_of(&steps, |sql| expanded(sql, &options.table_prefix))
        };
        let missing = |db: &Db| Ok(migrate::sql_of(&migrate::pending(db)?, |sql| db.expand(sql)));
        self.look("plan the schema's migration", missing, all).await
    }

    async fn up(&self) -> Result<Vec<SchemaStep>> {
        const OPERATION: &str = "migrate the schema";
        let (options, _) = self.target(OPERATION)?;
        apart(OPERATION, move || {
            let now = options.clock.now();
            written(&options, |db| migrate::up(db, now))
        })
        .await
    }

    async fn down(&self, version: u32) -> Result<Vec<SchemaStep>> {
        let undo = move |db: &Db| migrate::down(db, version);
        self.change("undo migrations", undo, Vec::new()).await
    }

    async fn drop_all(&self) -> Result<()> {
        self.change("drop the schema", migrate::drop_all, ()).await
    }
}

/// On a connection that is closed after it, so that the log is emptied.
fn written<T>(options: &SqliteOptions, work: impl FnOnce(&Db) -> DbResult<T>) -> DbResult<T> {
    let db = Db::open_writer(options)?;
    let done = work(&db)?;
    db.close()?;
    Ok(done)
}

/// On a thread that may block.
async fn apart<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> DbResult<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    let broke_off = |error| DbError::Told(ErrorKind::Other, format!("it broke off: {error}"));
    done.map_err(broke_off).flatten().map_err(|error| error.describe(operation))
}
