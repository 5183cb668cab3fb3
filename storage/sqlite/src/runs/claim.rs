//! Runs for a worker.
//!
//! Each lane, a tenant and a queue, is one seek into the index that stands in the order of
//! claims, so that the cost depends on the number of lanes and runs taken, and not on how many
//! wait.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use rusqlite::{CachedStatement, params};
use zapjobs_model::{RunStatus, Timestamp, WorkerId};
use zapjobs_storage::{
    Activity, ClaimRequest, ClaimRunRequest, ClaimRunResult, ClaimedRun, TenantSelection,
};

use super::lanes::{self, Lane};
use super::standing::{readable_status, standing};
use super::sweep::promote_one;
use crate::error::{DbError, DbResult};
use crate::quarantine::{is_of_record, set_aside};
use crate::row::{SELECT_RUN, read_run};
use crate::writer::Tx;

/// Bytes of inputs in one answer, about; the run that crosses it is the last.
const CLAIM_BYTES_MAX: usize = 64 << 20;
/// Rounds in which unreadable runs are replaced by others at most.
const ROUNDS_MAX: usize = 100;
/// Places read from one of several lanes at once at least.
const PART_MIN: usize = 2;

pub(super) const PICK: &str = "SELECT priority, due_at, id
    FROM {prefix}runs INDEXED BY {prefix}runs_pending
    WHERE status = 0 AND tenant = ?1 AND queue = ?2
    ORDER BY priority DESC, due_at, id LIMIT ?3 OFFSET ?4";
const TAKE: &str = "UPDATE {prefix}runs SET status = 2, attempt = attempt + 1, lease = lease + 1,
        worker = ?2, started_at = ?3, lease_expires_at = ?4
    WHERE id = ?1 AND (status = 0 OR status = 1 OR status = 6)";
const WORKER: &str = "SELECT worker FROM {prefix}runs WHERE id = ?1";

/// The place of a run in the order of claims: smallest first.
type Place = (Reverse<i64>, i64, Vec<u8>);

pub(crate) fn claim(tx: &mut Tx<'_>, request: &ClaimRequest) -> DbResult<Vec<ClaimedRun>> {
    let mut basket = Basket {
        taker: Taker::new(tx, request.worker, request.lease)?,
        claimed: Vec::with_capacity(request.limit.min(1_000)),
        bytes: 0,
    };
    match &request.tenants {
        TenantSelection::All => {
            let lanes = lanes::all(tx.db, &request.queues)?;
            basket.fill(tx, &lanes, request.limit)?;
        }
        TenantSelection::Shares(shares) => {
            for share in shares {
                let room = share.limit.min(request.limit - basket.claimed.len());
                if room == 0 || basket.is_heavy() {
                    break;
                }
                let lanes = lanes::of(tx.db, &share.tenant, &request.queues)?;
                basket.fill(tx, &lanes, room)?;
            }
        }
    }
    Ok(basket.claimed)
}

/// What one claim has taken so far.
struct Basket<'a> {
    taker: Taker<'a>,
    claimed: Vec<ClaimedRun>,
    bytes: usize,
}

impl Basket<'_> {
    const fn is_heavy(&self) -> bool {
        self.bytes > CLAIM_BYTES_MAX
    }

    /// Takes up to `room` runs more, the first of these lanes together.
    fn fill(&mut self, tx: &mut Tx<'_>, lanes: &[Lane], room: usize) -> DbResult<()> {
        let full = self.claimed.len() + room;
        for _ in 0..ROUNDS_MAX {
            let wanted = full - self.claimed.len();
            let places = pick(tx, lanes, wanted)?;
            let is_last = places.len() < wanted;
            for (_, _, id) in places {
                if let Some(run) = self.taker.take(tx, &id)? {
                    self.bytes += run.run.input.as_str().len();
                    self.claimed.push(run);
                }
                if self.is_heavy() {
                    return Ok(());
                }
            }
            if is_last || self.claimed.len() == full {
                break;
            }
        }
        Ok(())
    }
}

pub(crate) fn claim_run(tx: &mut Tx<'_>, request: ClaimRunRequest) -> DbResult<ClaimRunResult> {
    let id = request.run.0.as_bytes();
    let Some(standing) = standing(tx.db, id)? else { return Ok(ClaimRunResult::NotFound) };
    match readable_status(&standing)? {
        RunStatus::Running => {
            let worker = worker_of(tx, id)?;
            return Ok(ClaimRunResult::AlreadyAssigned { worker });
        }
        status if status.is_final() || status == RunStatus::Held => {
            return Ok(ClaimRunResult::WrongStatus(status));
        }
        status if status.is_delayed() && standing.due_at > tx.now => {
            return Ok(ClaimRunResult::NotDue { due_at: standing.due_at });
        }
        _ => {}
    }
    if standing.status != Some(RunStatus::Pending) {
        // As if it had been promoted: then a limit holds it, where one applies.
        promote_one(tx, id)?;
        let promoted = super::standing::standing(tx.db, id)?;
        if promoted.is_some_and(|promoted| promoted.status == Some(RunStatus::Held)) {
            return Ok(ClaimRunResult::WrongStatus(RunStatus::Held));
        }
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

/// The first `limit` runs over all lanes, in the order of claims.
fn pick(tx: &Tx<'_>, lanes: &[Lane], limit: usize) -> DbResult<Vec<Place>> {
    if let [lane] = lanes {
        return pick_from(tx, lane, limit, 0);
    }
    // Lanes share the answer: each gives a part, and more, each time twice as many, only if its
    // part was used up.
    let part = (2 * limit / lanes.len().max(1)).clamp(PART_MIN, limit.max(PART_MIN));
    let mut heads = Vec::with_capacity(lanes.len());
    for lane in lanes {
        heads.push(Head { lane, places: VecDeque::new(), read: 0, part, may_have_more: true });
    }
    // The first of each lane's: two places never are the same, for the id is part of them.
    let mut line = BinaryHeap::with_capacity(lanes.len());
    for (at, head) in heads.iter_mut().enumerate() {
        line.extend(head.next(tx)?.map(|place| Reverse((place, at))));
    }
    let mut picked = Vec::with_capacity(limit.min(1_000));
    while picked.len() < limit {
        let Some(Reverse((place, at))) = line.pop() else { break };
        picked.push(place);
        if picked.len() < limit {
            line.extend(heads[at].next(tx)?.map(|place| Reverse((place, at))));
        }
    }
    Ok(picked)
}

/// The runs of one lane that are not picked yet.
struct Head<'a> {
    lane: &'a Lane,
    places: VecDeque<Place>,
    read: usize,
    /// How many are read next.
    part: usize,
    may_have_more: bool,
}

impl Head<'_> {
    fn next(&mut self, tx: &Tx<'_>) -> DbResult<Option<Place>> {
        if self.places.is_empty() && self.may_have_more {
            let places = pick_from(tx, self.lane, self.part, self.read)?;
            self.read += places.len();
            self.may_have_more = places.len() == self.part;
            self.part *= 2;
            self.places = places.into();
        }
        Ok(self.places.pop_front())
    }
}

fn pick_from(tx: &Tx<'_>, lane: &Lane, limit: usize, skip: usize) -> DbResult<Vec<Place>> {
    let mut statement = tx.db.prepare(PICK)?;
    let row_limits = (i64::try_from(limit), i64::try_from(skip));
    let (Ok(limit), Ok(skip)) = row_limits else { return Ok(Vec::new()) };
    let places = statement.query_map(params![lane.tenant, lane.queue, limit, skip], |row| {
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
        tx.count(
            run.tenant.as_str(),
            run.queue.as_str(),
            &Activity { started: 1, ..Activity::default() },
        );
        Ok(ClaimedRun { run })
    }
}
