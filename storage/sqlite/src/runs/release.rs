//! Runs that are held are let go.

use rusqlite::params;
use zapjobs_model::{RunId, RunStatus, run::released};
use zapjobs_storage::{Notice, ReleaseResult};

use super::apply::tell_ready;
use super::standing::{Standing, standing};
use crate::dependencies::waits;
use crate::error::DbResult;
use crate::writer::Tx;

/// Whether a limit holds it, which alone lets it go.
const IN_LINE: &str = "SELECT 1 FROM {prefix}runs WHERE id = ?1 AND line IS NOT NULL";
const RELEASE: &str = "UPDATE {prefix}runs SET status = ?2, due_at = ?3 WHERE id = ?1";

pub(crate) fn release(tx: &mut Tx<'_>, runs: &[RunId]) -> DbResult<Vec<ReleaseResult>> {
    runs.iter().map(|run| release_one(tx, *run)).collect()
}

fn release_one(tx: &mut Tx<'_>, run: RunId) -> DbResult<ReleaseResult> {
    let id = run.0.as_bytes();
    let Some(standing) = standing(tx.db, id)? else { return Ok(ReleaseResult::NotFound) };
    match standing.status {
        Some(RunStatus::Held) if !waits(tx.db, id)? => {}
        Some(status) => return Ok(ReleaseResult::WrongStatus(status)),
        // Set aside: nobody's until a person mends it.
        None => return Ok(ReleaseResult::NotFound),
    }
    if tx.db.prepare(IN_LINE)?.exists([id])? {
        return Ok(ReleaseResult::WrongStatus(RunStatus::Held));
    }
    release_standing(tx, id, &standing)?;
    Ok(ReleaseResult::Released)
}

/// Lets go of a run that stands held.
pub(crate) fn release_standing(
    tx: &mut Tx<'_>,
    id: &[u8; 16],
    standing: &Standing,
) -> DbResult<()> {
    let status = released(standing.due_at, tx.now);
    let due_at = standing.due_at.max(tx.now);
    tx.db.prepare(RELEASE)?.execute(params![id, status.code(), due_at.as_micros()])?;
    match status {
        RunStatus::Pending => tell_ready(tx, &standing.queue),
        _ => tx.tell(Notice::Scheduled),
    }
    Ok(())
}
