//! What the writer is asked, and what a request writes within.
//!
//! **Invariant:** a request is answered once, by [`Execute::answer`] or [`Execute::fail`], and
//! its place in the queue is free after that.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use zapjobs_model::Timestamp;
use zapjobs_storage::{Activity, ErrorKind, Notice, Result};

use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::statistics::Counted;

/// Times that a renewal or heartbeat waits out the busy timeout before it is answered `Busy`.
const PATIENT_ROUNDS: u32 = 6;

/// What a request writes within.
pub(crate) struct Tx<'a> {
    pub(crate) db: &'a Db,
    /// The store's now, read once per request.
    pub(crate) now: Timestamp,
    notices: &'a mut Vec<Notice>,
    counted: &'a mut Counted,
}

impl<'a> Tx<'a> {
    pub(super) const fn new(
        db: &'a Db,
        now: Timestamp,
        notices: &'a mut Vec<Notice>,
        counted: &'a mut Counted,
    ) -> Self {
        Self { db, now, notices, counted }
    }

    /// Counts what happened to a tenant's run in a queue; written at the end of the group.
    pub(crate) fn count(&mut self, tenant: &str, queue: &str, activity: &Activity) {
        self.counted.add(self.now, tenant, queue, activity);
    }

    /// Tells listeners once the group is committed; the same notice once.
    pub(crate) fn tell(&mut self, notice: Notice) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}

/// How a request is to be treated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriteKind {
    /// Its name in errors.
    pub(crate) operation: &'static str,
    /// About how many bytes it writes.
    pub(crate) bytes: usize,
    pub(super) busy_rounds: u32,
}

impl WriteKind {
    pub(crate) const fn new(operation: &'static str, bytes: usize) -> Self {
        Self { operation, bytes, busy_rounds: 1 }
    }

    /// It survives long writes of other processes: giving up would cost leases.
    pub(crate) const fn patient(operation: &'static str) -> Self {
        Self { operation, bytes: 0, busy_rounds: PATIENT_ROUNDS }
    }
}

/// A request in the queue.
pub(super) struct Request {
    pub(super) kind: WriteKind,
    pub(super) call: Box<dyn Execute>,
    _permit: OwnedSemaphorePermit,
}

impl Request {
    pub(super) fn new(
        kind: WriteKind,
        call: Box<dyn Execute>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self { kind, call, _permit: permit }
    }
}

/// A request with its type of answer hidden.
pub(super) trait Execute: Send {
    /// Whether whoever asked has gone.
    fn is_abandoned(&self) -> bool;
    fn execute(&mut self, tx: &mut Tx<'_>) -> DbResult<()>;
    fn answer(self: Box<Self>);
    fn fail(self: Box<Self>, error: &DbError);
}

/// A request with its type of answer.
pub(super) struct Call<T, F> {
    operation: &'static str,
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Call<T, F> {
    pub(super) const fn new(
        operation: &'static str,
        work: F,
        reply: oneshot::Sender<Result<T>>,
    ) -> Self {
        Self { operation, work, result: None, reply }
    }
}

impl<T, F> Execute for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> DbResult<T> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn execute(&mut self, tx: &mut Tx<'_>) -> DbResult<()> {
        // A request that panics is a bug, but no reason for the writer to die.
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(tx))).unwrap_or_else(|_| {
            Err(DbError::Told(ErrorKind::Other, "the request panicked in the driver".to_owned()))
        });
        self.result = Some(result?);
        Ok(())
    }

    fn answer(self: Box<Self>) {
        let result = self.result.expect("it was executed before the commit");
        // Whoever asked may have gone.
        let _ = self.reply.send(Ok(result));
    }

    fn fail(self: Box<Self>, error: &DbError) {
        let _ = self.reply.send(Err(error.describe(self.operation)));
    }
}
