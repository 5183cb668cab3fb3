//! Transitions of attempts that ended.

use rusqlite::{CachedStatement, params};
use zapjobs_model::{QueueName, RunStatus, Transition};
use zapjobs_storage::{Activity, ApplyResult, Notice};

use super::standing::{STANDING, Standing, read_standing};
use crate::dependencies::note_end;
use crate::error::DbResult;
use crate::outcomes::TransitionWriter;
use crate::writer::Tx;

/// Bytes of a transition beside its output, about.
const TRANSITION_BYTES: usize = 300;

const WRITE: &str = "UPDATE {prefix}runs SET status = ?3, attempt = ?4, host_faults = ?5,
        due_at = coalesce(?6, due_at), finished_at = ?7, lease_expires_at = NULL,
        digest = coalesce(?8, digest), admitted = admitted AND ?3 = 0
    WHERE id = ?1 AND lease = ?2 AND status = 2";

pub(crate) fn apply(tx: &mut Tx<'_>, transitions: &[Transition]) -> DbResult<Vec<ApplyResult>> {
    let mut applier = Applier {
        standing: tx.db.prepare(STANDING)?,
        write: tx.db.prepare(WRITE)?,
        outcomes: TransitionWriter::new(tx.db)?,
    };
    transitions.iter().map(|transition| applier.apply(tx, transition)).collect()
}

/// About how many bytes these transitions are.
pub(crate) fn bytes_of(transitions: &[Transition]) -> usize {
    let output = |of: &Transition| of.output.as_ref().map_or(0, |output| output.as_str().len());
    transitions.iter().map(|transition| TRANSITION_BYTES + output(transition)).sum()
}

/// Applies transitions one by one, with statements that are looked up once.
struct Applier<'a> {
    standing: CachedStatement<'a>,
    write: CachedStatement<'a>,
    outcomes: TransitionWriter<'a>,
}

impl Applier<'_> {
    fn apply(&mut self, tx: &mut Tx<'_>, transition: &Transition) -> DbResult<ApplyResult> {
        let id = transition.key.run.0.as_bytes();
        // Read, then written under the same write lock: nothing comes in between.
        let Some(standing) = read_standing(&mut self.standing, id)? else {
            return Ok(ApplyResult::NotFound);
        };
        if standing.lease != transition.key.lease {
            return Ok(ApplyResult::StaleLease);
        }
        match standing.status {
            Some(RunStatus::Running) => {}
            Some(status) => return Ok(ApplyResult::WrongStatus(status)),
            // Set aside: nobody's until a person mends it. No reason to fail the batch.
            None => return Ok(ApplyResult::NotFound),
        }
        if standing.cancel_requested && transition.yields_to_cancel() {
            return Ok(ApplyResult::CancelRequested);
        }
        let is_final = transition.status.is_final();
        self.write.execute(params![
            id,
            transition.key.lease.0,
            transition.status.code(),
            transition.attempt,
            transition.host_faults,
            transition.due_at.map(|time| time.as_micros()),
            is_final.then(|| transition.at.as_micros()),
            transition.digest.as_ref().map(|digest| digest.as_bytes()),
        ])?;
        self.outcomes.write(standing.seq, transition)?;
        tx.count(&standing.tenant, &standing.queue, &Activity::of_transition(transition));
        if is_final && standing.followed {
            note_end(tx, id, transition.status)?;
        }
        tell(tx, transition.status, &standing);
        Ok(ApplyResult::Applied)
    }
}

fn tell(tx: &mut Tx<'_>, status: RunStatus, standing: &Standing) {
    match status {
        RunStatus::Pending => tell_ready(tx, &standing.queue),
        status if status.is_delayed() => tx.tell(Notice::Scheduled),
        _ => {}
    }
}

/// An unreadable queue has no listeners; its run is set aside when it is claimed.
pub(crate) fn tell_ready(tx: &mut Tx<'_>, queue: &str) {
    if let Ok(queue) = QueueName::new(queue) {
        tx.tell(Notice::Ready(queue));
    }
}
