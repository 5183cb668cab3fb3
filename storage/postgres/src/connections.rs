//! The connections of one storage.
//!
//! **Invariant:** a connection is either idle here or held by one session. One that failed, or
//! whose session was dropped in the middle of a statement, is closed and never seen again; a
//! failure closes the idle ones too, for a restarted server has forgotten them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use zapjobs_storage::ErrorKind;

use crate::error::{DbError, DbResult};

/// After so long unused, a connection is tried before it is given out.
const TRIED_AFTER: Duration = Duration::from_secs(1);
/// How long a polite farewell may take.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

pub(crate) struct Connections {
    options: PgConnectOptions,
    connect_timeout: Duration,
    size: u32,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    is_closed: AtomicBool,
}

struct Idle {
    connection: PgConnection,
    since: Instant,
}

/// A connection that is given out. Dropped, it is closed; see [`Connections::give_back`].
pub(crate) struct Held {
    pub(crate) connection: PgConnection,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(options: PgConnectOptions, size: u32, connect_timeout: Duration) -> Self {
        Self {
            options,
            connect_timeout,
            size,
            permits: Arc::new(Semaphore::new(size as usize)),
            idle: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// An idle connection, or a new one.
    pub(crate) async fn take(&self) -> DbResult<Held> {
        let waited = timeout(self.connect_timeout, Arc::clone(&self.permits).acquire_owned());
        let Ok(permit) = waited.await else {
            return Err(DbError::timed_out("the wait for a free connection"));
        };
        let permit = permit.map_err(|_| closed())?;
        if self.is_closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        while let Some(mut idle) = self.pop_idle() {
            if idle.since.elapsed() < TRIED_AFTER || answers(&mut idle.connection).await {
                return Ok(Held { connection: idle.connection, _permit: permit });
            }
        }
        let connection = connect(&self.options, self.connect_timeout).await?;
        Ok(Held { connection, _permit: permit })
    }

    /// Takes back a connection that is between statements and outside of a transaction.
    pub(crate) fn give_back(&self, held: Held) {
        if !self.is_closed.load(Ordering::Acquire) {
            self.idle.lock().push(Idle { connection: held.connection, since: Instant::now() });
        }
    }

    /// Closes what is idle, for the server may have forgotten it.
    pub(crate) fn forget_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        drop(idle);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Waits for what is under way and closes all. Answers whether this call was the first.
    pub(crate) async fn close(&self) -> bool {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return false;
        }
        // All permits: nobody holds a connection. Statements end by their timeout.
        let all = self.permits.acquire_many(self.size).await;
        drop(all);
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle.lock());
        for Idle { connection, .. } in idle {
            // A server that does not answer the farewell sees the socket close.
            let _ = timeout(FAREWELL_MAX, connection.close()).await;
        }
        true
    }

    /// The one used last, so that those beyond the need grow old together.
    fn pop_idle(&self) -> Option<Idle> {
        self.idle.lock().pop()
    }
}

/// Connects within a time.
pub(crate) async fn connect(
    options: &PgConnectOptions,
    within: Duration,
) -> DbResult<PgConnection> {
    match timeout(within, PgConnection::connect_with(options)).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(DbError::timed_out("the connection to the server")),
    }
}

async fn answers(connection: &mut PgConnection) -> bool {
    matches!(timeout(FAREWELL_MAX, connection.ping()).await, Ok(Ok(())))
}

fn closed() -> DbError {
    DbError::Told(ErrorKind::Closed, "the storage is closed".to_owned())
}
