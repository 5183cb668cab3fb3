//! One certain run for a worker.

use uuid::Uuid;
use zapjobs_model::{RunStatus, WorkerId};
use zapjobs_storage::{ClaimRunRequest, ClaimRunResult, ClaimedRun, Result};

use crate::PostgresStorage;
use crate::error::{DbError, DbResult};
use crate::quarantine::is_of_record;
use crate::row::{Columns, claimed_columns, read_claimed};
use crate::session::Session;
use crate::statistics::counting;
use crate::storage::span_micros;

/// Makes the run pending if its time has come: then a limit holds it, where one applies.
const PROMOTE: &str = "UPDATE {schema}.{prefix}runs SET status = 0
    WHERE id = $2 AND (status = 1 OR status = 6) AND due_at <= {now}";
/// Takes the run if it is pending or due, and answers how it stood before, then the run itself.
const CLAIM: &str = concat!(
    "WITH held AS MATERIALIZED (
        SELECT id, status, due_at, worker FROM {schema}.{prefix}runs WHERE id = $4 FOR UPDATE),
    r AS (
        UPDATE {schema}.{prefix}runs taken SET status = 2, attempt = attempt + 1,
            lease = lease + 1, worker = $2, started_at = {now}, lease_expires_at = {now+$3}
        FROM held WHERE taken.id = held.id
            AND (held.status = 0 OR held.status IN (1, 6) AND held.due_at <= {now})
        RETURNING taken.*),
    counted AS (",
    counting!("started", "r"),
    ")
    SELECT ",
    claimed_columns!(),
    ", held.status, held.due_at, held.worker FROM held LEFT JOIN r ON true
    LEFT JOIN {schema}.{prefix}inputs i ON i.id = r.id"
);
/// Where the columns that tell how the run stood begin: behind the run's own.
const STANDING_AT: usize = 29;

impl PostgresStorage {
    pub(super) async fn claim_certain(
        &self,
        session: &mut Session<'_>,
        request: &ClaimRunRequest,
    ) -> Result<ClaimRunResult> {
        session.change(self.query(PROMOTE).bind(request.run.0)).await?;
        let query = self.query(CLAIM).bind(request.worker.0).bind(span_micros(request.lease));
        let Some(row) = session.row(query.bind(request.run.0)).await? else {
            return Ok(ClaimRunResult::NotFound);
        };
        let is_taken = session.told(Columns::new(&row).value::<Option<Uuid>>())?.is_some();
        if !is_taken {
            return session.told(refusal(&mut Columns::from(&row, STANDING_AT)));
        }
        match read_claimed(&mut Columns::new(&row)) {
            Ok(run) => {
                self.events.changed();
                Ok(ClaimRunResult::Claimed(Box::new(ClaimedRun { run })))
            }
            Err(error) if is_of_record(&error) => {
                let told = session.told(Err(DbError::corrupt(format!(
                    "the run's record cannot be read and is set aside: {}",
                    error.describe("read a run")
                ))));
                self.set_aside(session, vec![(request.run.0, error)]).await?;
                told
            }
            Err(error) => session.told(Err(error)),
        }
    }
}

/// Why a run was not taken.
fn refusal(columns: &mut Columns<'_>) -> DbResult<ClaimRunResult> {
    let status: i16 = columns.value()?;
    let due_at = columns.time()?;
    let worker = columns.value::<Option<Uuid>>()?;
    let status = RunStatus::from_code(status.into())
        .ok_or_else(|| DbError::corrupt("the run's record cannot be read and is set aside"))?;
    Ok(match (status, worker) {
        (RunStatus::Running, Some(worker)) => {
            ClaimRunResult::AlreadyAssigned { worker: WorkerId(worker) }
        }
        (RunStatus::Running, None) => {
            return Err(DbError::corrupt("the run is running and has no worker"));
        }
        (status, _) if status.is_delayed() => ClaimRunResult::NotDue { due_at },
        (status, _) => ClaimRunResult::WrongStatus(status),
    })
}
