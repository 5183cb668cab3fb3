//! Wishes of operators: stop a run, run it again.

use zapjobs_model::{Blame, Json, RunError, RunId, RunStatus};
use zapjobs_storage::{CancelResult, RequeueResult, Result};

use crate::PostgresStorage;
use crate::error::{DbError, DbResult};
use crate::row::{Columns, blame_code};
use crate::session::{Bound, Session};
use crate::statistics::counting;

pub(super) const CANCEL: &str = concat!(
    "WITH held AS MATERIALIZED (
        SELECT id, status, lease, tenant, queue, followed FROM {schema}.{prefix}runs
        WHERE id = ANY ($2) ORDER BY id FOR UPDATE),
    cancelled AS (
        UPDATE {schema}.{prefix}runs r SET status = 5, finished_at = {now}
        FROM held WHERE r.id = held.id AND held.status IN (0, 1, 6, 7)),
    marked AS (
        UPDATE {schema}.{prefix}runs r SET cancel_requested = true
        FROM held WHERE r.id = held.id AND held.status = 2),
    noted AS (
        INSERT INTO {schema}.{prefix}outcomes (id, lease, error_type, error_message, error_blame)
        SELECT id, lease, $3, $4, $5 FROM held WHERE status IN (0, 1, 6, 7)
        ON CONFLICT (id) DO UPDATE SET lease = excluded.lease, error_type = excluded.error_type,
            error_message = excluded.error_message, error_blame = excluded.error_blame,
            error_details = NULL),
    unlinked AS (
        DELETE FROM {schema}.{prefix}dependencies d USING held
        WHERE d.child = held.id AND held.status = 7),
    ended AS (
        INSERT INTO {schema}.{prefix}ends (run, status, noted_at)
        SELECT id, 5, {now} FROM held WHERE followed AND status IN (0, 1, 6, 7)
        ON CONFLICT (run) DO NOTHING),
    counted AS (",
    counting!("cancelled", "held WHERE status IN (0, 1, 6, 7)"),
    ")
    SELECT status, queue, followed, NULL::uuid, id FROM held"
);
/// Makes failed or cancelled runs pending, if a condition on `held` is met.
macro_rules! requeueing {
    ($if:literal) => {
        concat!(
            "WITH held AS MATERIALIZED (
                SELECT id, status, queue, followed, unique_key FROM {schema}.{prefix}runs
                WHERE id = ANY ($2) ORDER BY id FOR UPDATE),
            requeued AS (
                UPDATE {schema}.{prefix}runs r SET status = 0, due_at = {now}, attempt = 0,
                    host_faults = 0, started_at = NULL, finished_at = NULL,
                    cancel_requested = false, trigger_code = 4
                FROM held WHERE r.id = held.id AND held.status IN (4, 5)",
            $if,
            "),
            noted AS (
                UPDATE {schema}.{prefix}outcomes o SET error_type = NULL, error_message = NULL,
                    error_blame = NULL, error_details = NULL, output = NULL, progress_done = 0,
                    progress_total = NULL, progress_message = '', items_processed = 0,
                    items_succeeded = 0, items_failed = 0
                FROM held WHERE o.id = held.id AND held.status IN (4, 5)",
            $if,
            "),
            taken_back AS (
                DELETE FROM {schema}.{prefix}ends e USING held
                WHERE e.run = held.id AND held.followed AND held.status IN (4, 5)",
            $if,
            ")
            SELECT status, queue, followed, unique_key, id FROM held"
        )
    };
}

/// Of runs without a key.
pub(super) const REQUEUE: &str = requeueing!(" AND held.unique_key IS NULL");
/// Of a run that has taken its key again.
const REQUEUE_UNIQUE: &str = requeueing!("");
const LOCK: &str = "SELECT status, queue, followed, unique_key FROM {schema}.{prefix}runs
    WHERE id = $1 FOR UPDATE";

pub(super) const SET_INPUT: &str = "WITH sized AS (
        UPDATE {schema}.{prefix}runs SET input_bytes = octet_length($2) WHERE id = ANY ($1))
    UPDATE {schema}.{prefix}inputs SET input = $2 WHERE id = ANY ($1)";

/// How a run stood when the statement met it.
struct Standing {
    status: RunStatus,
    queue: String,
    followed: bool,
    is_unique: bool,
}

impl Standing {
    const fn is_requeuable(&self) -> bool {
        matches!(self.status, RunStatus::Failed | RunStatus::Cancelled)
    }
}

impl PostgresStorage {
    pub(super) async fn ask_to_stop(
        &self,
        session: &mut Session<'_>,
        run: RunId,
    ) -> Result<CancelResult> {
        let error = RunError::new(Blame::Operator, "cancelled", "cancelled on request");
        let query = self.query(CANCEL).bind(vec![run.0]).bind(error.error_type).bind(error.message);
        let standing = standing(session, query.bind(blame_code(error.blame))).await?;
        let Some(Standing { status, followed, .. }) = standing else {
            return Ok(CancelResult::NotFound);
        };
        Ok(match status {
            RunStatus::Running => {
                self.events.cancel_requested(run);
                CancelResult::Requested
            }
            status if status.is_final() => CancelResult::Finished(status),
            _ => {
                if followed {
                    self.events.ended();
                }
                self.events.changed();
                CancelResult::Cancelled
            }
        })
    }

    pub(super) async fn requeue_run(
        &self,
        session: &mut Session<'_>,
        run: RunId,
    ) -> Result<RequeueResult> {
        let standing = standing(session, self.query(REQUEUE).bind(vec![run.0])).await?;
        let Some(standing) = standing else { return Ok(RequeueResult::NotFound) };
        if standing.is_requeuable() && standing.is_unique {
            return self.requeue_unique(session, run, None).await;
        }
        let Standing { status, queue, .. } = standing;
        if !matches!(status, RunStatus::Failed | RunStatus::Cancelled) {
            return Ok(RequeueResult::NotRequeuable(status));
        }
        self.events.ready_named(&queue);
        Ok(RequeueResult::Requeued)
    }

    /// The same of a run that must take its key again. It is locked first, and the key then:
    /// whoever has the key waits for no run that has ended.
    pub(super) async fn requeue_unique(
        &self,
        session: &mut Session<'_>,
        run: RunId,
        input: Option<&Json>,
    ) -> Result<RequeueResult> {
        session.begin().await?;
        let locked = standing(session, self.query(LOCK).bind(run.0)).await?;
        let refusal = match locked {
            None => Some(RequeueResult::NotFound),
            Some(locked) if !locked.is_requeuable() => {
                Some(RequeueResult::NotRequeuable(locked.status))
            }
            Some(_) => self.retake(session, run).await?.map(RequeueResult::KeyHeld),
        };
        if let Some(refusal) = refusal {
            session.roll_back().await?;
            return Ok(refusal);
        }
        let requeued = standing(session, self.query(REQUEUE_UNIQUE).bind(vec![run.0])).await?;
        if let Some(input) = input {
            let query = self.query(SET_INPUT).bind(vec![run.0]).bind(input.as_str().to_owned());
            session.change(query).await?;
        }
        session.commit().await?;
        requeued.into_iter().for_each(|requeued| self.events.ready_named(&requeued.queue));
        Ok(RequeueResult::Requeued)
    }
}

async fn standing(session: &mut Session<'_>, query: Bound) -> Result<Option<Standing>> {
    let row = session.row(query).await?;
    let read = row.as_ref().map(|row| {
        let mut columns = Columns::new(row);
        let status = columns.value::<i16>()?;
        let status = RunStatus::from_code(status.into())
            .ok_or_else(|| DbError::corrupt("the run's record cannot be read and is set aside"))?;
        let (queue, followed) = (columns.value()?, columns.value()?);
        let is_unique = columns.value::<Option<uuid::Uuid>>()?.is_some();
        Ok(Standing { status, queue, followed, is_unique })
    });
    session.told(read.transpose() as DbResult<_>)
}
