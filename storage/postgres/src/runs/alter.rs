//! Changes of many runs at once: each a statement or two for up to so many.

use std::collections::HashMap;

use async_trait::async_trait;
use uuid::Uuid;
use zapjobs_model::{Blame, RunError, RunId, RunStatus};
use zapjobs_storage::{AlterResult, Alteration, Alterations, Result, check_alter};

use super::cancel::{CANCEL, REQUEUE, SET_INPUT};
use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::{Columns, blame_code};
use crate::session::Session;

/// Runs that one transaction alters at most.
const ALTERED_MAX: usize = 500;

/// Changes those runs of `$ids` that stand in `$where`, under their locks, and answers how all
/// of them stood.
macro_rules! altering {
    ($ids:literal, $set:literal, $where:literal) => {
        concat!(
            "WITH held AS MATERIALIZED (
                SELECT id, status, queue, followed FROM {schema}.{prefix}runs
                WHERE id = ANY (",
            $ids,
            ") ORDER BY id FOR UPDATE),
            altered AS (
                UPDATE {schema}.{prefix}runs r SET ",
            $set,
            " FROM held WHERE r.id = held.id AND held.status IN ",
            $where,
            ")
            SELECT status, queue, followed, NULL::uuid, id FROM held"
        )
    };
}

/// The limits of the new queue decide about a run that is pending, or that those of the old one
/// hold: a status that is written is looked at by them.
const MOVE: &str = altering!(
    "$1",
    "queue = $2, status = CASE WHEN r.line IS NULL THEN r.status ELSE 0 END",
    "(0, 1, 6, 7)"
);
const PRIORITISE: &str = altering!("$1", "priority = $2", "(0, 1, 6, 7)");
const RUN_NOW: &str = altering!("$2", "status = 0, due_at = {now}", "(1, 6)");
const DELETE: &str = "WITH held AS MATERIALIZED (
        SELECT id, status, queue, followed, unique_key FROM {schema}.{prefix}runs
        WHERE id = ANY ($1) ORDER BY id FOR UPDATE),
    doomed AS MATERIALIZED (SELECT id, unique_key FROM held WHERE status BETWEEN 3 AND 5),
    inputs AS (
        DELETE FROM {schema}.{prefix}inputs WHERE id IN (SELECT id FROM doomed)),
    outcomes AS (
        DELETE FROM {schema}.{prefix}outcomes WHERE id IN (SELECT id FROM doomed)),
    tags AS (
        DELETE FROM {schema}.{prefix}tags WHERE id IN (SELECT id FROM doomed)),
    logs AS (
        DELETE FROM {schema}.{prefix}logs WHERE id IN (SELECT id FROM doomed)),
    steps AS (
        DELETE FROM {schema}.{prefix}steps WHERE id IN (SELECT id FROM doomed)),
    signals AS (
        DELETE FROM {schema}.{prefix}signals WHERE id IN (SELECT id FROM doomed)),
    waits AS (
        DELETE FROM {schema}.{prefix}waits WHERE id IN (SELECT id FROM doomed)),
    keys AS (
        DELETE FROM {schema}.{prefix}keys k USING doomed WHERE k.key = doomed.unique_key
            AND k.run = doomed.id AND k.expires_at IS NULL),
    gone AS (
        DELETE FROM {schema}.{prefix}runs WHERE id IN (SELECT id FROM doomed))
    SELECT status, queue, followed, unique_key, id FROM held";
/// One pruning at a time: two that delete the same entries of logs could deadlock.
const ALONE: &str = "SELECT id FROM {schema}.{prefix}log_pruning FOR UPDATE";

/// How a run stood.
struct Stood {
    status: i16,
    queue: String,
    followed: bool,
    is_unique: bool,
}

#[async_trait]
impl Alterations for PostgresStorage {
    async fn alter(&self, runs: &[RunId], alteration: &Alteration) -> Result<Vec<AlterResult>> {
        const OPERATION: &str = "alter runs";
        check_alter(OPERATION, runs)?;
        let mut session = self.session(OPERATION).await?;
        let mut results = Vec::with_capacity(runs.len());
        for runs in runs.chunks(ALTERED_MAX) {
            session.begin().await?;
            let stood = self.alter_part(&mut session, runs, alteration).await?;
            session.commit().await?;
            for run in runs {
                results.push(match (stood.get(&run.0), alteration) {
                    (None, _) => AlterResult::NotFound,
                    (Some(stood), Alteration::Requeue { input })
                        if stood.is_unique && takes(alteration, stood) =>
                    {
                        let input = input.as_ref();
                        self.requeue_unique(&mut session, *run, input).await?.into()
                    }
                    (Some(stood), _) => self.answer_alter(*run, stood, alteration),
                });
            }
        }
        Ok(results)
    }
}

impl PostgresStorage {
    async fn alter_part(
        &self,
        session: &mut Session<'_>,
        runs: &[RunId],
        alteration: &Alteration,
    ) -> Result<HashMap<Uuid, Stood>> {
        let ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
        let query = match alteration {
            Alteration::Cancel => {
                let error = RunError::new(Blame::Operator, "cancelled", "cancelled on request");
                let query = self.query(CANCEL).bind(ids).bind(error.error_type);
                query.bind(error.message).bind(blame_code(error.blame))
            }
            Alteration::Requeue { .. } => self.query(REQUEUE).bind(ids),
            Alteration::Delete => {
                session.row(self.query(ALONE)).await?;
                self.query(DELETE).bind(ids)
            }
            Alteration::Move(queue) => self.query(MOVE).bind(ids).bind(queue.as_str().to_owned()),
            Alteration::Prioritise(priority) => {
                self.query(PRIORITISE).bind(ids).bind(priority.get())
            }
            Alteration::RunNow => self.query(RUN_NOW).bind(ids),
        };
        let rows = session.rows(query).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            let (status, queue) = (columns.value()?, columns.value()?);
            let followed = columns.value()?;
            let is_unique = columns.value::<Option<Uuid>>()?.is_some();
            Ok((columns.value()?, Stood { status, queue, followed, is_unique }))
        });
        let stood: HashMap<Uuid, Stood> = session.told(read.collect::<DbResult<_>>())?;
        if let Alteration::Requeue { input: Some(input) } = alteration {
            let requeued = stood.iter().filter(|(_, it)| takes(alteration, it) && !it.is_unique);
            let ids: Vec<Uuid> = requeued.map(|(id, _)| *id).collect();
            let query = self.query(SET_INPUT).bind(ids).bind(input.as_str().to_owned());
            session.change(query).await?;
        }
        Ok(stood)
    }

    /// Answers for one run, and tells listeners.
    fn answer_alter(&self, run: RunId, stood: &Stood, alteration: &Alteration) -> AlterResult {
        // Set aside: nobody's until a person mends it.
        let Some(status) = RunStatus::from_code(stood.status.into()) else {
            return AlterResult::NotFound;
        };
        if !alteration.takes(status) {
            return AlterResult::WrongStatus(status);
        }
        match alteration {
            Alteration::Cancel if status == RunStatus::Running => {
                self.events.cancel_requested(run);
                return AlterResult::Requested;
            }
            Alteration::Cancel if stood.followed => self.events.ended(),
            Alteration::Cancel | Alteration::Delete => self.events.changed(),
            Alteration::Requeue { .. } | Alteration::RunNow => {
                self.events.ready_named(&stood.queue);
            }
            Alteration::Move(queue) if status == RunStatus::Pending => self.events.ready(queue),
            Alteration::Prioritise(_) if status == RunStatus::Pending => {
                self.events.ready_named(&stood.queue);
            }
            Alteration::Move(_) | Alteration::Prioritise(_) => self.events.changed(),
        }
        AlterResult::Altered
    }
}

fn takes(alteration: &Alteration, stood: &Stood) -> bool {
    RunStatus::from_code(stood.status.into()).is_some_and(|status| alteration.takes(status))
}
