//! Runs that are held are let go.

use std::collections::HashMap;

use uuid::Uuid;
use zapjobs_model::{RunId, RunStatus};
use zapjobs_storage::{ReleaseResult, Result};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::Columns;
use crate::session::Session;

/// Releases what is held, and answers how each run stood and stands. Whether it must wait for
/// its time is said as `zapjobs_model::run::released` says it.
const RELEASE: &str = "WITH held AS MATERIALIZED (
        SELECT id, queue, status, due_at, {now} AS now, line IS NOT NULL OR EXISTS (
            SELECT 1 FROM {schema}.{prefix}dependencies d WHERE d.child = id) AS waits
        FROM {schema}.{prefix}runs WHERE id = ANY ($2) ORDER BY id FOR UPDATE),
    released AS (
        UPDATE {schema}.{prefix}runs r SET due_at = greatest(held.due_at, held.now),
            status = CASE WHEN held.due_at > held.now THEN 1 ELSE 0 END
        FROM held WHERE r.id = held.id AND held.status = 7 AND NOT held.waits
        RETURNING r.id, r.status)
    SELECT id, queue, held.status, released.status FROM held LEFT JOIN released USING (id)";

/// How a run stood, and how it stands once it is released.
struct Standing {
    queue: String,
    status: i16,
    /// How it stands once it is released, by a limit perhaps held again; nothing if it was not.
    then: Option<i16>,
}

/// How runs stood that were to be released.
pub(crate) struct Standings(HashMap<Uuid, Standing>);

impl PostgresStorage {
    pub(super) async fn release_held(
        &self,
        session: &mut Session<'_>,
        runs: &[RunId],
    ) -> Result<Vec<ReleaseResult>> {
        let mut standings = self.release_standing(session, runs).await?;
        Ok(self.answer_releases(runs, &mut standings))
    }

    /// Releases what is held; answers how each run stood and stands, and tells nobody yet.
    pub(crate) async fn release_standing(
        &self,
        session: &mut Session<'_>,
        runs: &[RunId],
    ) -> Result<Standings> {
        let mut ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let rows = session.rows(self.query(RELEASE).bind(ids)).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            let id: Uuid = columns.value()?;
            let queue = columns.value()?;
            Ok((id, Standing { queue, status: columns.value()?, then: columns.value()? }))
        });
        session.told(read.collect::<DbResult<_>>()).map(Standings)
    }

    /// Answers each wish, and tells listeners.
    pub(crate) fn answer_releases(
        &self,
        runs: &[RunId],
        Standings(standings): &mut Standings,
    ) -> Vec<ReleaseResult> {
        runs.iter().map(|run| self.answer_release(standings.get_mut(&run.0))).collect()
    }

    /// Answers one wish, and notes that its run is released.
    fn answer_release(&self, standing: Option<&mut Standing>) -> ReleaseResult {
        let Some(standing) = standing else { return ReleaseResult::NotFound };
        match RunStatus::from_code(standing.status.into()) {
            Some(status) if standing.then.is_none() => ReleaseResult::WrongStatus(status),
            Some(RunStatus::Held) => {
                let then = standing.then.take().unwrap_or(standing.status);
                standing.status = then;
                if RunStatus::from_code(then.into()).is_some_and(RunStatus::is_delayed) {
                    self.events.scheduled();
                } else {
                    self.events.ready_named(&standing.queue);
                }
                ReleaseResult::Released
            }
            Some(status) => ReleaseResult::WrongStatus(status),
            // Set aside: nobody's until a person mends it.
            None => ReleaseResult::NotFound,
        }
    }
}
