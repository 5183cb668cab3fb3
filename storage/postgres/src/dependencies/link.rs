//! What runs wait for, noted as they are stored.

use std::collections::HashSet;

use uuid::Uuid;
use zapjobs_model::{NewRun, RunId};
use zapjobs_storage::{Result, not_open, unknown_parent};

use crate::PostgresStorage;
use crate::row::Columns;
use crate::runs::{NewRuns, Stored};
use crate::session::Session;

/// In the order of ids, as all lock them.
const LOCK: &str = "SELECT id FROM {schema}.{prefix}runs WHERE id = ANY ($1)
    ORDER BY id FOR UPDATE";
/// Adds the edges, marks those that are waited for, and notes the ends of those that have ended.
const LINK: &str = "WITH edges AS (
        INSERT INTO {schema}.{prefix}dependencies (parent, child, on_code)
        SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::int2[])),
    marked AS (
        UPDATE {schema}.{prefix}runs SET followed = true
        WHERE id = ANY ($2::uuid[]) AND NOT followed)
    INSERT INTO {schema}.{prefix}ends (run, status, noted_at)
    SELECT id, status, {now} FROM {schema}.{prefix}runs
    WHERE id = ANY ($2::uuid[]) AND status BETWEEN 3 AND 5
    ON CONFLICT (run) DO NOTHING";

impl PostgresStorage {
    /// Stores runs of which some wait for others, or are members of batches.
    pub(crate) async fn insert_linked(
        &self,
        operation: &'static str,
        session: &mut Session<'_>,
        runs: &[NewRun],
    ) -> Result<Stored> {
        session.begin().await?;
        let open = self.lock_batches(session, runs).await?;
        if let Some((run, parent)) = self.lock_parents(session, runs).await? {
            session.roll_back().await?;
            return Err(unknown_parent(operation, run, parent));
        }
        let stored = self.insert(session, &NewRuns::of(runs)).await?;
        if let Some(batch) = self.count_members(session, runs, &stored, &open).await? {
            session.roll_back().await?;
            return Err(not_open(operation, batch));
        }
        let has_ends = self.link(session, runs, &stored).await?;
        session.commit().await?;
        if has_ends {
            self.events.ended();
        }
        Ok(stored)
    }

    /// Locks what is waited for. Answers a run that waits for one that is neither stored nor in
    /// the batch; of runs that are stored already nothing is asked.
    async fn lock_parents(
        &self,
        session: &mut Session<'_>,
        runs: &[NewRun],
    ) -> Result<Option<(RunId, RunId)>> {
        let batch: HashSet<RunId> = runs.iter().map(|run| run.id).collect();
        let mut seen = HashSet::with_capacity(runs.len());
        let first = runs.iter().filter(|run| seen.insert(run.id));
        let linked: Vec<&NewRun> = first.filter(|run| !run.after.is_empty()).collect();
        if linked.is_empty() {
            return Ok(None);
        }
        let wanted: HashSet<Uuid> = linked
            .iter()
            .flat_map(|run| run.after.iter().map(|of| of.run.0).chain([run.id.0]))
            .collect();
        let rows = session.rows(self.query(LOCK).bind(Vec::from_iter(wanted))).await?;
        let ids = rows.iter().map(|row| Columns::new(row).value::<Uuid>());
        let there: HashSet<Uuid> = session.told(ids.collect())?;
        let is_unknown = |parent: &RunId| !batch.contains(parent) && !there.contains(&parent.0);
        Ok(linked.into_iter().filter(|run| !there.contains(&run.id.0)).find_map(|run| {
            let unknown = run.after.iter().map(|of| of.run).find(is_unknown);
            unknown.map(|parent| (run.id, parent))
        }))
    }

    /// Answers whether some of those waited for have ended.
    async fn link(
        &self,
        session: &mut Session<'_>,
        runs: &[NewRun],
        stored: &Stored,
    ) -> Result<bool> {
        let (mut parents, mut children, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for run in runs.iter().filter(|run| stored.holds(run.id) && seen.insert(run.id)) {
            for of in &run.after {
                parents.push(of.run.0);
                children.push(run.id.0);
                codes.push(i16::from(of.on.code()));
            }
        }
        if parents.is_empty() {
            return Ok(false);
        }
        let query = self.query(LINK).bind(parents).bind(children).bind(codes);
        Ok(session.change(query).await? > 0)
    }
}
