//! The connections that read, each query on a thread where it may block.
//!
//! **Invariant:** a query never waits for a write: in write-ahead logging readers see the
//! latest commit as of their first row. A database in memory has one connection only, so its
//! queries go to the writer.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use zapjobs_storage::{ErrorKind, Result, StorageError};

use crate::db::Db;
use crate::error::{DbError, DbResult, closed};
use crate::options::{Location, SqliteOptions};
use crate::writer::{WriteKind, Writer};

/// Who answers queries.
pub(crate) enum Readers {
    /// Connections of their own.
    Pool(Arc<Pool>),
    /// The writer's connection.
    Writer,
}

pub(crate) struct Pool {
    idle: Mutex<Vec<Db>>,
    permits: Semaphore,
}

impl Readers {
    pub(crate) fn open(options: &SqliteOptions) -> DbResult<Self> {
        let Location::File(path) = &options.location else { return Ok(Self::Writer) };
        let idle = (0..options.readers)
            .map(|_| Db::open_reader(options, path))
            .collect::<DbResult<Vec<_>>>()?;
        let permits = Semaphore::new(idle.len());
        Ok(Self::Pool(Arc::new(Pool { idle: Mutex::new(idle), permits })))
    }

    /// Answers a query with one snapshot of the database.
    pub(crate) async fn read<T, F>(
        &self,
        writer: &Writer,
        operation: &'static str,
        mut query: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&Db) -> DbResult<T> + Send + 'static,
    {
        let pool = match self {
            Self::Pool(pool) => Arc::clone(pool),
            Self::Writer => {
                return writer.write(WriteKind::new(operation, 0), move |tx| query(tx.db)).await;
            }
        };
        let task = {
            let permit = pool.permits.acquire().await.map_err(|_| closed(operation))?;
            let db = pool.idle.lock().pop().ok_or_else(|| closed(operation))?;
            let pool = Arc::clone(&pool);
            // The task gives the permit back, even when its caller has gone.
            permit.forget();
            tokio::task::spawn_blocking(move || {
                let lent = Lent { pool, db: Some(db) };
                lent.snapshot(|db| query(db))
            })
        };
        let answer = task.await.map_err(|error| {
            StorageError::new(ErrorKind::Other, operation, "the query broke off").with_source(error)
        })?;
        answer.map_err(|error| error.describe(operation))
    }

    /// Waits for the queries under way, and closes.
    pub(crate) async fn close(&self, readers: usize) {
        let Self::Pool(pool) = self else { return };
        let readers = u32::try_from(readers).unwrap_or(u32::MAX);
        if let Ok(permits) = pool.permits.acquire_many(readers).await {
            permits.forget();
            pool.permits.close();
        }
        pool.idle.lock().clear();
    }
}

/// A connection under way, which goes back however the query ends.
struct Lent {
    pool: Arc<Pool>,
    db: Option<Db>,
}

impl Lent {
    fn snapshot<T>(&self, mut query: impl FnMut(&Db) -> DbResult<T>) -> DbResult<T> {
        let db = self
            .db
            .as_ref()
            .ok_or_else(|| DbError::Told(ErrorKind::Other, "the connection is gone".to_owned()))?;
        db.prepare("BEGIN")?.execute([])?;
        let answer = query(db);
        db.prepare("COMMIT")?.execute([])?;
        answer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(db) = self.db.take() {
            if !db.conn.is_autocommit() {
                // Only after a panic or a failed read; nothing was written.
                let _ = db.conn.execute_batch("ROLLBACK");
            }
            self.pool.idle.lock().push(db);
            self.pool.permits.add_permits(1);
        }
    }
}
