//! Batches.
//!
//! **Invariant:** a batch's counts are those of its row and of all its changes together, read in
//! one statement. Who ends a member adds a change and locks no batch; who adds a member shares the
//! lock of its batch until the commit, so that a batch that is closed has all its members; who
//! decides holds that lock alone. Batches are locked in the order of ids, and before runs.

mod members;

use async_trait::async_trait;
use sqlx::QueryBuilder;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use zapjobs_model::batch::{self, Place};
use zapjobs_model::{Batch, BatchCounts, BatchId, BatchName, NewRun, RunId, Settlement, TenantId};
use zapjobs_storage::{
    BatchPage, BatchPageRequest, Batches, CreateBatchResult, ENDS_MAX, NewBatch, PruneRequest,
    Result, SettleResult, check_batch, check_new_batch, check_page, not_open, released_by,
};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::Columns;
use crate::runs::NewRuns;
use crate::session::Session;
use crate::storage::row_limit;

/// Changes that one statement adds to their batches' rows at most.
const FOLDED_MAX: usize = 10_000;
/// Such statements in one look for what is due at most.
const FOLDS_MAX: usize = 10;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT b.id, b.tenant, b.name, b.parent, b.created_at, b.is_closed,
                b.total + c.total, b.unfinished + c.unfinished, b.completed + c.completed,
                b.failed + c.failed, b.cancelled + c.cancelled, b.completed_at, b.succeeded_at,
                b.on_complete, b.on_success
            FROM {schema}.{prefix}batches b CROSS JOIN LATERAL (
                SELECT coalesce(sum(total), 0) AS total,
                    coalesce(sum(unfinished), 0) AS unfinished,
                    coalesce(sum(completed), 0) AS completed, coalesce(sum(failed), 0) AS failed,
                    coalesce(sum(cancelled), 0) AS cancelled
                FROM {schema}.{prefix}batch_changes WHERE batch = b.id) c ",
            $rest
        )
    };
}

const BATCH: &str = select!("WHERE b.id = $1");
const DUE: &str = select!(
    "WHERE b.is_closed AND b.unfinished <= 0 AND b.succeeded_at IS NULL
        AND (b.completed_at IS NULL OR b.failed + b.cancelled <= 0) LIMIT $1"
);
const FINISHED: &str = select!(
    "WHERE b.completed_at IS NOT NULL AND b.completed_at < $1
        AND b.unfinished + c.unfinished = 0 ORDER BY b.completed_at, b.id LIMIT $2"
);
const ALL: &str = select!("WHERE true");
const INSERT: &str = "INSERT INTO {schema}.{prefix}batches (id, tenant, name, parent, created_at,
        on_complete, on_success) VALUES ($2, $3, $4, $5, {now}, $6, $7)
    ON CONFLICT (id) DO NOTHING";
const CLOSE: &str = "UPDATE {schema}.{prefix}batches SET is_closed = true WHERE id = $1";
const LOCK: &str = "SELECT 1 FROM {schema}.{prefix}batches WHERE id = $1 FOR UPDATE";
const SETTLE: &str = "UPDATE {schema}.{prefix}batches SET
        completed_at = coalesce(completed_at, {now}),
        succeeded_at = CASE WHEN $3 THEN {now} END
    WHERE id = $2";
const CHANGE: &str = "INSERT INTO {schema}.{prefix}batch_changes (batch, total, unfinished,
        completed, failed) VALUES ($1, $2, $3, $4, $5)";
/// Rows that another folds are passed over. A batch that is gone takes its changes with it.
const FOLD: &str = "WITH taken AS (
        DELETE FROM {schema}.{prefix}batch_changes WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {schema}.{prefix}batch_changes LIMIT $1 FOR UPDATE SKIP LOCKED))
        RETURNING *),
    sums AS MATERIALIZED (
        SELECT batch, count(*) AS rows, sum(total) AS total, sum(unfinished) AS unfinished,
            sum(completed) AS completed, sum(failed) AS failed, sum(cancelled) AS cancelled
        FROM taken GROUP BY batch),
    locked AS MATERIALIZED (
        SELECT id FROM {schema}.{prefix}batches WHERE id IN (SELECT batch FROM sums)
        ORDER BY id FOR UPDATE),
    folded AS (
        UPDATE {schema}.{prefix}batches b SET total = b.total + sums.total,
            unfinished = b.unfinished + sums.unfinished,
            completed = b.completed + sums.completed, failed = b.failed + sums.failed,
            cancelled = b.cancelled + sums.cancelled
        FROM locked JOIN sums ON sums.batch = locked.id WHERE b.id = locked.id)
    SELECT coalesce(sum(rows), 0)::int8 FROM sums";
const DELETE: &str = "WITH gone AS MATERIALIZED (
        SELECT id FROM {schema}.{prefix}batches b
        WHERE id = ANY ($1) AND completed_at IS NOT NULL AND unfinished + (
            SELECT coalesce(sum(c.unfinished), 0) FROM {schema}.{prefix}batch_changes c
            WHERE c.batch = b.id) = 0
        ORDER BY id FOR UPDATE)
    DELETE FROM {schema}.{prefix}batches b USING gone WHERE b.id = gone.id";

#[async_trait]
impl Batches for PostgresStorage {
    async fn create_batch(&self, batch: NewBatch) -> Result<CreateBatchResult> {
        const OPERATION: &str = "create a batch";
        check_new_batch(OPERATION, &batch)?;
        let mut session = self.session(OPERATION).await?;
        self.create(OPERATION, &mut session, &batch).await
    }

    async fn close_batch(&self, id: BatchId) -> Result<bool> {
        let mut session = self.session("close a batch").await?;
        Ok(session.change(self.query(CLOSE).bind(id.0)).await? > 0)
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>> {
        let mut session = self.session("read a batch").await?;
        self.find_batch(&mut session, id).await
    }

    async fn batches(&self, request: BatchPageRequest) -> Result<BatchPage> {
        const OPERATION: &str = "list batches";
        check_page(OPERATION, request.limit)?;
        let mut sql = QueryBuilder::new(self.names.expand(ALL));
        if let Some(tenant) = &request.tenant {
            sql.push(" AND b.tenant = ").push_bind(tenant.as_str().to_owned());
        }
        if let Some(parent) = request.parent {
            sql.push(" AND b.parent = ").push_bind(parent.0);
        }
        if let Some(after) = request.after {
            sql.push(" AND b.id < ").push_bind(after.0);
        }
        sql.push(" ORDER BY b.id DESC LIMIT ").push_bind(row_limit(request.limit + 1));
        let mut session = self.session(OPERATION).await?;
        let rows = session.composed(sql).await?;
        let mut batches = session.told(read_all(&rows))?;
        let has_more = batches.len() > request.limit;
        batches.truncate(request.limit);
        let next = batches.last().filter(|_| has_more).map(|batch| batch.id);
        Ok(BatchPage { batches, next })
    }

    async fn ended_batches(&self, limit: usize) -> Result<Vec<Batch>> {
        let mut session = self.session("list batches that ended").await?;
        for _ in 0..FOLDS_MAX {
            let row = session.row(self.query(FOLD).bind(row_limit(FOLDED_MAX))).await?;
            let folded = row.map(|row| Columns::new(&row).value::<i64>()).transpose();
            if session.told(folded)?.unwrap_or(0) < row_limit(FOLDED_MAX) {
                break;
            }
        }
        let rows = session.rows(self.query(DUE).bind(row_limit(limit.min(ENDS_MAX)))).await?;
        let mut due = session.told(read_all(&rows))?;
        // Not all changes may have been added.
        due.retain(|batch| batch::decide(batch).is_some());
        Ok(due)
    }

    async fn settle_batch(&self, id: BatchId, settlement: Settlement) -> Result<SettleResult> {
        let mut session = self.session("settle a batch").await?;
        self.settle(&mut session, id, settlement).await
    }

    async fn finished_batches(&self, request: PruneRequest) -> Result<Vec<Batch>> {
        const OPERATION: &str = "list batches to prune";
        check_batch(OPERATION, request.limit)?;
        let mut session = self.session(OPERATION).await?;
        let query = self.query(FINISHED).bind(request.finished_before.as_micros());
        let rows = session.rows(query.bind(row_limit(request.limit))).await?;
        session.told(read_all(&rows))
    }

    async fn delete_batches(&self, ids: &[BatchId]) -> Result<usize> {
        const OPERATION: &str = "delete batches";
        check_batch(OPERATION, ids.len())?;
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let mut session = self.session(OPERATION).await?;
        let gone = session.change(self.query(DELETE).bind(ids)).await?;
        Ok(usize::try_from(gone).unwrap_or(usize::MAX))
    }
}

impl PostgresStorage {
    async fn create(
        &self,
        operation: &'static str,
        session: &mut Session<'_>,
        new: &NewBatch,
    ) -> Result<CreateBatchResult> {
        session.begin().await?;
        let id_of = |run: &Option<NewRun>| run.as_ref().map(|run| run.id.0);
        let query = self.query(INSERT).bind(new.id.0).bind(new.tenant.as_str().to_owned());
        let query = query.bind(new.name.as_ref().map(|name| name.as_str().to_owned()));
        let query = query.bind(new.parent.map(|parent| parent.0));
        let query = query.bind(id_of(&new.on_complete)).bind(id_of(&new.on_success));
        if session.change(query).await? == 0 {
            session.roll_back().await?;
            return Ok(CreateBatchResult::Duplicate);
        }
        if let Some(parent) = new.parent {
            let open = self.lock_open(session, vec![parent.0]).await?;
            if open.get(&parent.0).is_none_or(|tenant| *tenant != new.tenant) {
                session.roll_back().await?;
                return Err(not_open(operation, parent));
            }
            let query = self.query(CHANGE).bind(parent.0).bind(1_i32).bind(1_i32);
            session.change(query.bind(0_i32).bind(0_i32)).await?;
        }
        let callbacks: Vec<NewRun> =
            new.on_complete.iter().chain(&new.on_success).cloned().collect();
        self.insert(session, &NewRuns::of(&callbacks)).await?;
        session.commit().await?;
        Ok(CreateBatchResult::Created)
    }

    async fn settle(
        &self,
        session: &mut Session<'_>,
        id: BatchId,
        settlement: Settlement,
    ) -> Result<SettleResult> {
        session.begin().await?;
        // By itself, so that what is read next is as of a later instant.
        session.rows(self.query(LOCK).bind(id.0)).await?;
        let Some(found) = self.find_batch(session, id).await? else {
            session.roll_back().await?;
            return Ok(SettleResult::NotFound);
        };
        if batch::decide(&found) != Some(settlement) {
            session.roll_back().await?;
            return Ok(SettleResult::Changed);
        }
        session.change(self.query(SETTLE).bind(id.0).bind(settlement.succeeds())).await?;
        if let Some(parent) = found.parent {
            let (from, to) = settlement.of_parent();
            let by = |place| i32::from(to == place) - i32::from(from == place);
            let query = self.query(CHANGE).bind(parent.0).bind(0_i32);
            let query = query.bind(by(Place::Unfinished)).bind(by(Place::Completed));
            session.change(query.bind(by(Place::Failed))).await?;
        }
        let callbacks = released_by(&found, settlement);
        // One that is held no more is left as it is.
        let mut standings = self.release_standing(session, &callbacks).await?;
        session.commit().await?;
        self.answer_releases(&callbacks, &mut standings);
        self.events.changed();
        Ok(SettleResult::Settled)
    }

    async fn find_batch(&self, session: &mut Session<'_>, id: BatchId) -> Result<Option<Batch>> {
        let row = session.row(self.query(BATCH).bind(id.0)).await?;
        session.told(row.as_ref().map(read).transpose())
    }
}

fn read_all(rows: &[PgRow]) -> DbResult<Vec<Batch>> {
    rows.iter().map(read).collect()
}

fn read(row: &PgRow) -> DbResult<Batch> {
    let mut columns = Columns::new(row);
    Ok(Batch {
        // In the order of the columns: fields are evaluated as they stand here.
        id: BatchId(columns.value()?),
        tenant: columns.name(TenantId::new)?,
        name: columns.optional_name(BatchName::new)?,
        parent: columns.value::<Option<Uuid>>()?.map(BatchId),
        created_at: columns.time()?,
        is_closed: columns.value()?,
        counts: BatchCounts {
            total: columns.bits()?,
            unfinished: columns.bits()?,
            completed: columns.bits()?,
            failed: columns.bits()?,
            cancelled: columns.bits()?,
        },
        completed_at: columns.optional_time()?,
        succeeded_at: columns.optional_time()?,
        on_complete: columns.value::<Option<Uuid>>()?.map(RunId),
        on_success: columns.value::<Option<Uuid>>()?.map(RunId),
    })
}
