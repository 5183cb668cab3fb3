//! Wishes of operators: stop a run, run it again.

use rusqlite::params;
use zapjobs_model::{Blame, RunError, RunId, RunStatus, Trigger};
use zapjobs_storage::{Activity, CancelResult, Notice, RequeueResult};

use super::apply::tell_ready;
use super::keys;
use super::standing::{readable_status, standing};
use crate::dependencies;
use crate::error::DbResult;
use crate::outcomes::{self, OutcomeKey};
use crate::writer::Tx;

const CANCEL: &str = "UPDATE {prefix}runs SET status = 5, finished_at = ?2 WHERE id = ?1";
const REQUEST: &str = "UPDATE {prefix}runs SET cancel_requested = 1 WHERE id = ?1";
const REQUEUE: &str = "UPDATE {prefix}runs SET status = 0, due_at = ?2, attempt = 0,
        host_faults = 0, started_at = NULL, finished_at = NULL, cancel_requested = 0,
        trigger_code = ?3
    WHERE id = ?1";

pub(crate) fn request_cancel(tx: &mut Tx<'_>, run: RunId) -> DbResult<CancelResult> {
    let id = run.0.as_bytes();
    let Some(standing) = standing(tx.db, id)? else { return Ok(CancelResult::NotFound) };
    match readable_status(&standing)? {
        status if status.is_final() => Ok(CancelResult::Finished(status)),
        RunStatus::Running => {
            tx.db.prepare(REQUEST)?.execute([id])?;
            tx.tell(Notice::CancelRequested(run));
            Ok(CancelResult::Requested)
        }
        _ => {
            tx.db.prepare(CANCEL)?.execute(params![id, tx.now.as_micros()])?;
            let key = OutcomeKey { seq: standing.seq, lease: standing.lease };
            let error = RunError::new(Blame::Operator, "cancelled", "cancelled on request");
            outcomes::write_error(tx.db, key, &error)?;
            let cancelled = Activity { cancelled: 1, ..Activity::default() };
            tx.count(&standing.tenant, &standing.queue, &cancelled);
            if standing.status == Some(RunStatus::Held) {
                dependencies::forget(tx, id)?;
            }
            if standing.followed {
                dependencies::note_end(tx, id, RunStatus::Cancelled)?;
            }
            Ok(CancelResult::Cancelled)
        }
    }
}

pub(crate) fn requeue(tx: &mut Tx<'_>, run: RunId) -> DbResult<RequeueResult> {
    let id = run.0.as_bytes();
    let Some(standing) = standing(tx.db, id)? else { return Ok(RequeueResult::NotFound) };
    let status = readable_status(&standing)?;
    if !matches!(status, RunStatus::Failed | RunStatus::Cancelled) {
        return Ok(RequeueResult::NotRequeuable(status));
    }
    if let Some(holder) = keys::retake(tx, run)? {
        return Ok(RequeueResult::KeyHeld(holder));
    }
    let row = params![id, tx.now.as_micros(), Trigger::Retry.code()];
    tx.db.prepare(REQUEUE)?.execute(row)?;
    outcomes::as_new(tx.db, standing.seq)?;
    if standing.followed {
        dependencies::take_end_away(tx, id)?;
    }
    tell_ready(tx, &standing.queue);
    Ok(RequeueResult::Requeued)
}
