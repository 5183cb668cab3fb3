//! Changes of many runs at once.

use async_trait::async_trait;
use rusqlite::params;
use zapjobs_model::{Json, RunId, RunStatus};
use zapjobs_storage::{
    AlterResult, Alteration, Alterations, CancelResult, Notice, RequeueResult, Result, check_alter,
};

use super::apply::tell_ready;
use super::cancel::{request_cancel, requeue};
use super::prune::delete_whole;
use super::rest_between_writes;
use super::standing::{Standing, standing};
use crate::SqliteStorage;
use crate::error::DbResult;
use crate::writer::{Tx, WriteKind};

/// Runs altered in one write at most, so that claims get their turn in between.
const ALTERED_MAX: usize = 500;
/// Runs deleted in one write at most: each may have a long log.
const DELETED_MAX: usize = 20;

/// The limits of the new queue decide about a run that is pending, or that those of the old one
/// hold: a status that is written is looked at by them.
const MOVE: &str = "UPDATE {prefix}runs SET queue = ?2,
    status = CASE WHEN line IS NULL THEN status ELSE 0 END WHERE id = ?1";
const PRIORITISE: &str = "UPDATE {prefix}runs SET priority = ?2 WHERE id = ?1";
const RUN_NOW: &str = "UPDATE {prefix}runs SET status = 0, due_at = ?2 WHERE id = ?1";
const SET_INPUT: &str = "UPDATE {prefix}inputs SET input = ?2 WHERE seq = ?1";

#[async_trait]
impl Alterations for SqliteStorage {
    async fn alter(&self, runs: &[RunId], alteration: &Alteration) -> Result<Vec<AlterResult>> {
        const OPERATION: &str = "alter runs";
        check_alter(OPERATION, runs)?;
        let part = match alteration {
            Alteration::Delete => DELETED_MAX,
            _ => ALTERED_MAX,
        };
        let mut results = Vec::with_capacity(runs.len());
        for (at, runs) in runs.chunks(part).enumerate() {
            if at > 0 {
                rest_between_writes().await;
            }
            let (runs, alteration) = (runs.to_vec(), alteration.clone());
            let kind = WriteKind::new(OPERATION, 0);
            let altered = self.write(kind, move |tx| {
                runs.iter().map(|run| alter(tx, *run, &alteration)).collect::<DbResult<Vec<_>>>()
            });
            results.extend(altered.await?);
        }
        // So that a closed storage says so, though there is nothing to do.
        if runs.is_empty() {
            self.write(WriteKind::new(OPERATION, 0), |_| Ok(())).await?;
        }
        Ok(results)
    }
}

fn alter(tx: &mut Tx<'_>, run: RunId, alteration: &Alteration) -> DbResult<AlterResult> {
    let id = run.0.as_bytes();
    let Some(standing) = standing(tx.db, id)? else { return Ok(AlterResult::NotFound) };
    // Set aside: nobody's until a person mends it.
    let Some(status) = standing.status else { return Ok(AlterResult::NotFound) };
    if !alteration.takes(status) {
        return Ok(AlterResult::WrongStatus(status));
    }
    match alteration {
        Alteration::Cancel => {
            if request_cancel(tx, run)? == CancelResult::Requested {
                return Ok(AlterResult::Requested);
            }
        }
        Alteration::Requeue { input } => {
            debug_assert_ne!(status, RunStatus::Completed);
            match requeue(tx, run)? {
                RequeueResult::Requeued => set_input(tx, &standing, input.as_ref())?,
                refused => return Ok(refused.into()),
            }
        }
        Alteration::Delete => delete_whole(tx, id, standing.seq)?,
        Alteration::Move(queue) => {
            tx.db.prepare(MOVE)?.execute(params![id, queue.as_str()])?;
            tell(tx, status, queue.as_str());
        }
        Alteration::Prioritise(priority) => {
            tx.db.prepare(PRIORITISE)?.execute(params![id, priority.get()])?;
            tell(tx, status, &standing.queue);
        }
        Alteration::RunNow => {
            make_ready(tx, id, &standing)?;
        }
    }
    Ok(AlterResult::Altered)
}

/// Makes a run pending that waits for its time.
pub(crate) fn make_ready(tx: &mut Tx<'_>, id: &[u8; 16], standing: &Standing) -> DbResult<()> {
    tx.db.prepare(RUN_NOW)?.execute(params![id, tx.now.as_micros()])?;
    tell_ready(tx, &standing.queue);
    Ok(())
}

fn set_input(tx: &Tx<'_>, standing: &Standing, input: Option<&Json>) -> DbResult<()> {
    if let Some(input) = input {
        tx.db.prepare(SET_INPUT)?.execute(params![standing.seq, input.as_str()])?;
    }
    Ok(())
}

fn tell(tx: &mut Tx<'_>, status: RunStatus, queue: &str) {
    match status {
        RunStatus::Pending => tell_ready(tx, queue),
        status if status.is_delayed() => tx.tell(Notice::Scheduled),
        _ => {}
    }
}
