//! Batches.
//!
//! **Invariant:** what is decided about a batch is written in the write that looked at it, and
//! its members are counted by triggers of the schema, in the writes that change them.

use std::collections::HashSet;

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};
use zapjobs_model::batch::{self, Place};
use zapjobs_model::{Batch, BatchCounts, BatchId, BatchName, NewRun, RunId, Settlement, TenantId};
use zapjobs_storage::{
    BatchPage, BatchPageRequest, Batches, CreateBatchResult, ENDS_MAX, NewBatch, PruneRequest,
    Result, SettleResult, check_batch, check_new_batch, check_page, released_by,
};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::row::Columns;
use crate::runs::{bytes_of, enqueue_runs, release_runs, row_limit};
use crate::writer::{Tx, WriteKind};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, name, parent, created_at, is_closed, total, unfinished, completed, \
             failed, cancelled, completed_at, succeeded_at, on_complete, on_success \
             FROM {prefix}batches ",
            $rest
        )
    };
}

const BATCH: &str = select!("WHERE id = ?1");
const DUE: &str = select!(
    "INDEXED BY {prefix}batches_due WHERE is_closed = 1 AND unfinished = 0 \
     AND succeeded_at IS NULL AND (completed_at IS NULL OR failed + cancelled = 0) LIMIT ?1"
);
const FINISHED: &str = select!(
    "INDEXED BY {prefix}batches_finished WHERE completed_at IS NOT NULL AND unfinished = 0 \
     AND completed_at < ?1 ORDER BY completed_at, id LIMIT ?2"
);
const ALL: &str = select!("WHERE true");
const TAKES: &str = "SELECT 1 FROM {prefix}batches WHERE id = ?1 AND tenant = ?2 AND is_closed = 0";
const IS_STORED: &str = "SELECT 1 FROM {prefix}runs WHERE id = ?1";
const INSERT: &str = "INSERT INTO {prefix}batches (id, tenant, name, parent, created_at,
        on_complete, on_success) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const ADD: &str = "UPDATE {prefix}batches SET total = total + 1, unfinished = unfinished + 1
    WHERE id = ?1";
const CLOSE: &str = "UPDATE {prefix}batches SET is_closed = 1 WHERE id = ?1";
const SETTLE: &str = "UPDATE {prefix}batches SET completed_at = ?2, succeeded_at = ?3
    WHERE id = ?1";
const SET_COUNTS: &str = "UPDATE {prefix}batches SET unfinished = ?2, completed = ?3, failed = ?4,
        cancelled = ?5 WHERE id = ?1";
const DELETE: &str = "DELETE FROM {prefix}batches
    WHERE id = ?1 AND completed_at IS NOT NULL AND unfinished = 0";

/// Refuses new members of a batch that takes none. Of runs that are stored already nothing is
/// asked.
pub(crate) fn check_open(db: &Db, runs: &[NewRun]) -> DbResult<()> {
    if runs.iter().all(|run| run.batch.is_none()) {
        return Ok(());
    }
    let (mut open, mut seen) = (HashSet::new(), HashSet::new());
    for run in runs.iter().filter(|run| seen.insert(run.id)) {
        let Some(batch) = run.batch else { continue };
        if open.contains(&(batch, &run.tenant)) || takes(db, batch, &run.tenant)? {
            open.insert((batch, &run.tenant));
        } else if !db.prepare(IS_STORED)?.exists([run.id.0.as_bytes()])? {
            return Err(DbError::not_open(batch));
        }
    }
    Ok(())
}

fn takes(db: &Db, batch: BatchId, tenant: &TenantId) -> DbResult<bool> {
    Ok(db.prepare(TAKES)?.exists(params![batch.0.as_bytes(), tenant.as_str()])?)
}

#[async_trait]
impl Batches for SqliteStorage {
    async fn create_batch(&self, batch: NewBatch) -> Result<CreateBatchResult> {
        const OPERATION: &str = "create a batch";
        check_new_batch(OPERATION, &batch)?;
        let callbacks: Vec<NewRun> =
            batch.on_complete.iter().chain(&batch.on_success).cloned().collect();
        let kind = WriteKind::new(OPERATION, bytes_of(&callbacks));
        self.write(kind, move |tx| create(tx, &batch, &callbacks)).await
    }

    async fn close_batch(&self, id: BatchId) -> Result<bool> {
        self.write(WriteKind::new("close a batch", 0), move |tx| {
            Ok(tx.db.prepare(CLOSE)?.execute([id.0.as_bytes()])? > 0)
        })
        .await
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>> {
        self.read("read a batch", move |db| find(db, id)).await
    }

    async fn batches(&self, request: BatchPageRequest) -> Result<BatchPage> {
        const OPERATION: &str = "list batches";
        check_page(OPERATION, request.limit)?;
        self.read(OPERATION, move |db| page(db, &request)).await
    }

    async fn ended_batches(&self, limit: usize) -> Result<Vec<Batch>> {
        let limit = limit.min(ENDS_MAX);
        self.read("list batches that ended", move |db| rows(db, DUE, vec![row_limit(limit).into()]))
            .await
    }

    async fn settle_batch(&self, id: BatchId, settlement: Settlement) -> Result<SettleResult> {
        let kind = WriteKind::new("settle a batch", 0);
        self.write(kind, move |tx| settle(tx, id, settlement)).await
    }

    async fn finished_batches(&self, request: PruneRequest) -> Result<Vec<Batch>> {
        const OPERATION: &str = "list batches to prune";
        check_batch(OPERATION, request.limit)?;
        self.read(OPERATION, move |db| {
            let before = request.finished_before.as_micros();
            rows(db, FINISHED, vec![before.into(), row_limit(request.limit).into()])
        })
        .await
    }

    async fn delete_batches(&self, ids: &[BatchId]) -> Result<usize> {
        const OPERATION: &str = "delete batches";
        check_batch(OPERATION, ids.len())?;
        let ids = ids.to_vec();
        self.write(WriteKind::new(OPERATION, 0), move |tx| {
            let mut delete = tx.db.prepare(DELETE)?;
            let mut gone = 0;
            for id in &ids {
                gone += delete.execute([id.0.as_bytes()])?;
            }
            Ok(gone)
        })
        .await
    }
}

fn create(tx: &mut Tx<'_>, new: &NewBatch, callbacks: &[NewRun]) -> DbResult<CreateBatchResult> {
    if find(tx.db, new.id)?.is_some() {
        return Ok(CreateBatchResult::Duplicate);
    }
    if let Some(parent) = new.parent {
        if !takes(tx.db, parent, &new.tenant)? {
            return Err(DbError::not_open(parent));
        }
        tx.db.prepare(ADD)?.execute([parent.0.as_bytes()])?;
    }
    enqueue_runs(tx, callbacks)?;
    let id_of = |run: &Option<NewRun>| run.as_ref().map(|run| run.id.0.into_bytes());
    tx.db.prepare(INSERT)?.execute(params![
        new.id.0.as_bytes(),
        new.tenant.as_str(),
        new.name.as_ref().map(BatchName::as_str),
        new.parent.as_ref().map(|parent| parent.0.as_bytes()),
        tx.now.as_micros(),
        id_of(&new.on_complete),
        id_of(&new.on_success),
    ])?;
    Ok(CreateBatchResult::Created)
}

fn settle(tx: &mut Tx<'_>, id: BatchId, settlement: Settlement) -> DbResult<SettleResult> {
    let Some(mut found) = find(tx.db, id)? else { return Ok(SettleResult::NotFound) };
    if batch::decide(&found) != Some(settlement) {
        return Ok(SettleResult::Changed);
    }
    batch::write(&mut found, settlement, tx.now);
    let micros = |time: Option<zapjobs_model::Timestamp>| time.map(|time| time.as_micros());
    let (completed_at, succeeded_at) = (micros(found.completed_at), micros(found.succeeded_at));
    tx.db.prepare(SETTLE)?.execute(params![id.0.as_bytes(), completed_at, succeeded_at])?;
    if let Some(parent) = found.parent {
        shift(tx, parent, settlement.of_parent())?;
    }
    // One that is held no more is left as it is.
    release_runs(tx, &released_by(&found, settlement))?;
    Ok(SettleResult::Settled)
}

/// Counts a nested batch elsewhere in its parent.
fn shift(tx: &Tx<'_>, parent: BatchId, (from, to): (Place, Place)) -> DbResult<()> {
    let Some(Batch { mut counts, .. }) = find(tx.db, parent)? else { return Ok(()) };
    counts.shift(from, to);
    let BatchCounts { unfinished, completed, failed, cancelled, .. } = counts;
    let counts = [unfinished, completed, failed, cancelled].map(u64::cast_signed);
    tx.db.prepare(SET_COUNTS)?.execute(params![
        parent.0.as_bytes(),
        counts[0],
        counts[1],
        counts[2],
        counts[3]
    ])?;
    Ok(())
}

fn page(db: &Db, request: &BatchPageRequest) -> DbResult<BatchPage> {
    let mut sql = ALL.to_owned();
    let mut values: Vec<Value> = Vec::new();
    if let Some(tenant) = &request.tenant {
        sql.push_str(" AND tenant = ?");
        values.push(tenant.as_str().to_owned().into());
    }
    for (condition, id) in [(" AND parent = ?", request.parent), (" AND id < ?", request.after)] {
        if let Some(id) = id {
            sql.push_str(condition);
            values.push(id.0.as_bytes().to_vec().into());
        }
    }
    sql.push_str(" ORDER BY id DESC LIMIT ?");
    values.push(row_limit(request.limit + 1).into());
    let mut batches = rows(db, &sql, values)?;
    let has_more = batches.len() > request.limit;
    batches.truncate(request.limit);
    let next = batches.last().filter(|_| has_more).map(|batch| batch.id);
    Ok(BatchPage { batches, next })
}

fn find(db: &Db, id: BatchId) -> DbResult<Option<Batch>> {
    Ok(rows(db, BATCH, vec![id.0.as_bytes().to_vec().into()])?.pop())
}

fn rows(db: &Db, sql: &str, values: Vec<Value>) -> DbResult<Vec<Batch>> {
    let mut statement = db.prepare_composed(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut batches = Vec::new();
    while let Some(row) = rows.next()? {
        batches.push(read(row)?);
    }
    Ok(batches)
}

fn read(row: &Row<'_>) -> DbResult<Batch> {
    let mut columns = Columns::new(row);
    Ok(Batch {
        // In the order of the columns: fields are evaluated as they stand here.
        id: BatchId(columns.uuid()?),
        tenant: columns.name(TenantId::new)?,
        name: columns.optional_name(BatchName::new)?,
        parent: columns.optional_uuid()?.map(BatchId),
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
        on_complete: columns.optional_uuid()?.map(RunId),
        on_success: columns.optional_uuid()?.map(RunId),
    })
}
