//! Runs for a worker.
//!
//! Each queue is one seek into the index that stands in the order of claims, so that the
//! cost depends on the number of queues and runs taken, and not on how many wait.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use rusqlite::{CachedStatement, params};
use zapjobs_model::{RunStatus, Timestamp, WorkerId};
use zapjobs_storage::{
    Activity, ClaimRequest, ClaimRunRequest, ClaimRunResult, ClaimedRun, QueueSelection,
};

use super::standing::{readable_status, standing};
use crate::error::{DbError, DbResult};
use crate::quarantine::{is_of_record, set_aside};
use crate::row::{SELECT_RUN, read_run};
use crate::writer::Tx;

/// Bytes of inputs in one answer, about; the run that crosses it is the last.
const CLAIM_BYTES_MAX: usize = 64 << 20;
/// Rounds in which unreadable runs are replaced by others at most.
const ROUNDS_MAX: usize = 100;

// From one queue with pending runs to the next, one seek each.
const QUEUES: &str = "WITH RECURSIVE queues (queue) AS (
        SELECT min(queue) FROM {prefix}runs INDEXED BY {prefix}runs_pending WHERE status = 0
        UNION ALL
        SELECT (SELECT min(r.queue) FROM {prefix}runs r INDEXED BY {prefix}runs_pending
                WHERE r.status = 0 AND r.queue > queues.queue)
        FROM queues WHERE queues.queue IS NOT NULL)
    SELECT queue FROM queues WHERE queue IS NOT NULL";
const PICK: &str = "SELECT priority, due_at, id
    FROM {prefix}runs INDEXED BY {prefix}runs_pending
    WHERE status = 0 AND queue = ?1 ORDER BY priority DESC, due_at, id LIMIT ?2 OFFSET ?3";
const TAKE: &str = "UPDATE {prefix}runs SET status = 2, attempt = attempt + 1, lease = lease + 1,
        worker = ?2, started_at = ?3, lease_expires_at = ?4
    WHERE id = ?1 AND (status = 0 OR status = 1 OR status = 6)";
const WORKER: &str = "SELECT worker FROM {prefix}runs WHERE id = ?1";

/// The place of a run in the order of claims: smallest first.
type Place = (Reverse<i64>, i64, Vec<u8>);

pub(crate) fn claim(tx: &mut Tx<'_>, request: &ClaimRequest) -> DbResult<Vec<ClaimedRun>> {
    let queues = match &request.queues {
        QueueSelection::All => pending_queues(tx)?,
        QueueSelection::Only(queues) => {
            let mut names: Vec<String> =
                queues.iter().map(|queue| queue.as_str().to_owned()).collect();
            names.sort();
            names.dedup();
            names
        }
    };
    let mut taker = Taker::new(tx, request.worker, request.lease)?;
    let mut claimed = Vec::with_capacity(request.limit.min(1_000));
    let mut bytes = 0;
    for _ in 0..ROUNDS_MAX {
        let wanted = request.limit - claimed.len();
        let places = pick(tx, &queues, wanted)?;
        let is_last = places.len() < wanted;
        for (_, _, id) in places {
            if let Some(run) = taker.take(tx, &id)? {
                bytes += run.run.input.as_str().len();
                claimed.push(run);
            }
            if bytes > CLAIM_BYTES_MAX {
                return Ok(claimed);
            }
        }
        if is_last || claimed.len() == request.limit {
            break;
        }
    }
    Ok(claimed)
}

pub(crate) fn claim_run(tx: &mut Tx<'_>, request: ClaimRunRequest) -> DbResult<ClaimRunResult> {
    let id = request.run.0.as_bytes();
    let Some(standing) = standing(tx.db, id)? else { return Ok(ClaimRunResult::NotFound) };
    match readable_status(&standing)? {
        RunStatus::Running => {
            let worker = worker_of(tx, id)?;
            return Ok(ClaimRunResult::AlreadyAssigned { worker });
        }
        status if status.is_final() => return Ok(ClaimRunResult::WrongStatus(status)),
        status if status.is_delayed() && standing.due_at > tx.now => {
            return Ok(ClaimRunResult::NotDue { due_at: standing.due_at });
        }
        _ => {}
    }
    // An unreadable one is answered as such and stays: the next claim sets it aside.
    let claimed = Taker::new(tx, request.worker, request.lease)?.take_readable(tx, id)?;
    Ok(ClaimRunResult::Claimed(Box::new(claimed)))
}

fn worker_of(tx: &Tx<'_>, id: &[u8; 16]) -> DbResult<WorkerId> {
    let worker = tx.db.prepare(WORKER)?.query_row([id], |row| row.get::<_, Option<[u8; 16]>>(0))?;
    let worker = worker.ok_or_else(|| DbError::corrupt("a running run has no worker"))?;
    Ok(WorkerId(uuid::Uuid::from_bytes(worker)))
}

fn pending_queues(tx: &Tx<'_>) -> DbResult<Vec<String>> {
    let mut statement = tx.db.prepare(QUEUES)?;
    let queues = statement.query_map([], |row| row.get(0))?;
    Ok(queues.collect::<rusqlite::Result<_>>()?)
}

/// The first `limit` runs over all queues, in the order of claims.
fn pick(tx: &Tx<'_>, queues: &[String], limit: usize) -> DbResult<Vec<Place>> {
    if let [queue] = queues {
        return pick_from(tx, queue, limit, 0);
    }
    // Queues share the answer: each gives a part, and more only if its part was used up.
    let part = (2 * limit / queues.len().max(1)).max(8);
    let mut heads = Vec::with_capacity(queues.len());
    for queue in queues {
        let places = pick_from(tx, queue, part, 0)?;
        let read = places.len();
        heads.push(Head { queue, places: places.into(), read, may_have_more: read == part });
    }
    let mut picked = Vec::with_capacity(limit.min(1_000));
    while picked.len() < limit {
        let waiting = heads.iter_mut().filter(|head| head.first().is_some());
        // Queues differ, but two places never do: the id is part of them.
        let Some(head) = waiting.min_by(|a, b| a.first().cmp(&b.first())) else { break };
        picked.extend(head.places.pop_front());
        if head.places.is_empty() && head.may_have_more {
            let places = pick_from(tx, head.queue, part, head.read)?;
            head.read += places.len();
            head.may_have_more = places.len() == part;
            head.places = places.into();
        }
    }
    Ok(picked)
}

/// The runs of one queue that are not picked yet.
struct Head<'a> {
    queue: &'a str,
    places: VecDeque<Place>,
    read: usize,
    may_have_more: bool,
}

impl Head<'_> {
    fn first(&self) -> Option<&Place> {
        self.places.front()
    }
}

fn pick_from(tx: &Tx<'_>, queue: &str, limit: usize, skip: usize) -> DbResult<Vec<Place>> {
    let mut statement = tx.db.prepare(PICK)?;
    let row_limits = (i64::try_from(limit), i64::try_from(skip));
    let (Ok(limit), Ok(skip)) = row_limits else { return Ok(Vec::new()) };
    let places = statement.query_map(params![queue, limit, skip], |row| {
        Ok((Reverse(row.get(0)?), row.get(1)?, row.get(2)?))
    })?;
    Ok(places.collect::<rusqlite::Result<_>>()?)
}

/// Takes runs one by one, with statements that are looked up once.
struct Taker<'a> {
    take: CachedStatement<'a>,
    read: CachedStatement<'a>,
    worker: [u8; 16],
    expires_at: Timestamp,
}

impl<'a> Taker<'a> {
    fn new(tx: &Tx<'a>, worker: WorkerId, lease: Duration) -> DbResult<Self> {
        Ok(Self {
            take: tx.db.prepare(TAKE)?,
            read: tx.db.prepare(SELECT_RUN)?,
            worker: worker.0.into_bytes(),
            expires_at: tx.now.plus(lease),
        })
    }

    /// Takes one run; sets it aside where it cannot be read.
    fn take(&mut self, tx: &mut Tx<'_>, id: &[u8]) -> DbResult<Option<ClaimedRun>> {
        match self.take_readable(tx, id) {
            Ok(run) => Ok(Some(run)),
            Err(error) if is_of_record(&error) => set_aside(tx, id, &error).map(|()| None),
            Err(error) => Err(error),
        }
    }

    /// Takes one run that waits; fails where it cannot be read.
    fn take_readable(&mut self, tx: &mut Tx<'_>, id: &[u8]) -> DbResult<ClaimedRun> {
        let expires_at = self.expires_at.as_micros();
        self.take.execute(params![id, self.worker, tx.now.as_micros(), expires_at])?;
        let run = self.read.query_row([id], |row| Ok(read_run(row)))??;
        tx.count(run.queue.as_str(), &Activity { started: 1, ..Activity::default() });
        Ok(ClaimedRun { run })
    }
}
