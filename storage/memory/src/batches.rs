//! Batches, and the places of their members.
//!
//! **Invariant:** counts follow the runs, because every change of a run passes
//! [`BatchTable::added`] and [`BatchTable::shifted`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use zapjobs_model::batch::{self, Place};
use zapjobs_model::{Batch, BatchCounts, BatchId, NewRun, Run, RunStatus, Settlement};
use zapjobs_storage::{
    BatchPage, BatchPageRequest, Batches, CreateBatchResult, ENDS_MAX, NewBatch, PruneRequest,
    Result, SettleResult, check_batch, check_new_batch, check_page, not_open, released_by,
};

use crate::MemoryStorage;
use crate::storage::Work;

#[derive(Default)]
pub(crate) struct BatchTable {
    by_id: BTreeMap<BatchId, Batch>,
}

impl BatchTable {
    /// A member is there.
    pub(crate) fn added(&mut self, run: &Run) {
        if let Some(batch) = run.batch.and_then(|id| self.by_id.get_mut(&id)) {
            batch.counts.add();
        }
    }

    /// A member stands otherwise.
    pub(crate) fn shifted(&mut self, run: &Run, before: RunStatus) {
        let (from, to) = (Place::of(before), Place::of(run.status));
        if from != to
            && let Some(batch) = run.batch.and_then(|id| self.by_id.get_mut(&id))
        {
            batch.counts.shift(from, to);
        }
    }

    /// Whether the batch takes members of this run's tenant.
    fn takes(&self, id: BatchId, tenant: &zapjobs_model::TenantId) -> bool {
        self.by_id.get(&id).is_some_and(|batch| !batch.is_closed && batch.tenant == *tenant)
    }
}

impl Work<'_> {
    /// Refuses a new member of a batch that takes none.
    pub(crate) fn check_open(&self, operation: &'static str, new: &[&NewRun]) -> Result<()> {
        for run in new {
            if let Some(batch) = run.batch
                && !self.state.runs.batches().takes(batch, &run.tenant)
            {
                return Err(not_open(operation, batch));
            }
        }
        Ok(())
    }

    fn create_batch(
        &mut self,
        operation: &'static str,
        new: NewBatch,
    ) -> Result<CreateBatchResult> {
        let table = self.state.runs.batches();
        if table.by_id.contains_key(&new.id) {
            return Ok(CreateBatchResult::Duplicate);
        }
        if let Some(parent) = new.parent
            && !table.takes(parent, &new.tenant)
        {
            return Err(not_open(operation, parent));
        }
        let callbacks = [new.on_complete, new.on_success];
        let [on_complete, on_success] = callbacks.each_ref().map(|run| run.as_ref().map(|r| r.id));
        let is_new = |run: &NewRun| self.state.runs.get(run.id).is_none();
        let callbacks: Vec<NewRun> = callbacks.into_iter().flatten().filter(is_new).collect();
        self.make_room(operation, callbacks.len())?;
        callbacks.into_iter().for_each(|run| self.store(run));
        let created = Batch {
            id: new.id,
            tenant: new.tenant,
            name: new.name,
            parent: new.parent,
            created_at: self.now,
            is_closed: false,
            counts: BatchCounts::default(),
            completed_at: None,
            succeeded_at: None,
            on_complete,
            on_success,
        };
        let table = self.state.runs.batches_mut();
        if let Some(parent) = new.parent.and_then(|parent| table.by_id.get_mut(&parent)) {
            parent.counts.add();
        }
        table.by_id.insert(created.id, created);
        Ok(CreateBatchResult::Created)
    }

    fn settle_batch(&mut self, id: BatchId, settlement: Settlement) -> SettleResult {
        let now = self.now;
        let table = self.state.runs.batches_mut();
        let Some(batch) = table.by_id.get_mut(&id) else { return SettleResult::NotFound };
        if batch::decide(batch) != Some(settlement) {
            return SettleResult::Changed;
        }
        batch::write(batch, settlement, now);
        let (parent, callbacks) = (batch.parent, released_by(batch, settlement));
        if let Some(parent) = parent.and_then(|parent| table.by_id.get_mut(&parent)) {
            let (from, to) = settlement.of_parent();
            parent.counts.shift(from, to);
        }
        callbacks.into_iter().for_each(|run| {
            self.release_one(run);
        });
        SettleResult::Settled
    }
}

#[async_trait]
impl Batches for MemoryStorage {
    async fn create_batch(&self, batch: NewBatch) -> Result<CreateBatchResult> {
        const OPERATION: &str = "create the batch";
        check_new_batch(OPERATION, &batch)?;
        self.work(OPERATION, |work| work.create_batch(OPERATION, batch))
    }

    async fn close_batch(&self, id: BatchId) -> Result<bool> {
        self.work("close the batch", |work| {
            let batch = work.state.runs.batches_mut().by_id.get_mut(&id);
            Ok(batch.map(|batch| batch.is_closed = true).is_some())
        })
    }

    async fn batch(&self, id: BatchId) -> Result<Option<Batch>> {
        self.work("read the batch", |work| Ok(work.state.runs.batches().by_id.get(&id).cloned()))
    }

    async fn batches(&self, request: BatchPageRequest) -> Result<BatchPage> {
        const OPERATION: &str = "list batches";
        check_page(OPERATION, request.limit)?;
        self.work(OPERATION, |work| {
            let all = work.state.runs.batches().by_id.values().rev();
            let listed = all.filter(|batch| {
                request.after.is_none_or(|after| batch.id < after)
                    && request.tenant.as_ref().is_none_or(|tenant| *tenant == batch.tenant)
                    && request.parent.is_none_or(|parent| batch.parent == Some(parent))
            });
            let mut batches: Vec<Batch> = listed.take(request.limit + 1).cloned().collect();
            let has_more = batches.len() > request.limit;
            batches.truncate(request.limit);
            let next = batches.last().filter(|_| has_more).map(|batch| batch.id);
            Ok(BatchPage { batches, next })
        })
    }

    async fn ended_batches(&self, limit: usize) -> Result<Vec<Batch>> {
        self.work("list batches that ended", |work| {
            let all = work.state.runs.batches().by_id.values();
            let due = all.filter(|batch| batch::decide(batch).is_some());
            Ok(due.take(limit.min(ENDS_MAX)).cloned().collect())
        })
    }

    async fn settle_batch(&self, id: BatchId, settlement: Settlement) -> Result<SettleResult> {
        self.work("settle the batch", |work| Ok(work.settle_batch(id, settlement)))
    }

    async fn finished_batches(&self, request: PruneRequest) -> Result<Vec<Batch>> {
        const OPERATION: &str = "list batches to prune";
        check_batch(OPERATION, request.limit)?;
        self.work(OPERATION, |work| {
            let all = work.state.runs.batches().by_id.values();
            let is_old = |batch: &&Batch| {
                batch.is_over() && batch.completed_at.is_some_and(|at| at < request.finished_before)
            };
            let mut old: Vec<Batch> = all.filter(is_old).cloned().collect();
            old.sort_by_key(|batch| (batch.completed_at, batch.id));
            old.truncate(request.limit);
            Ok(old)
        })
    }

    async fn delete_batches(&self, ids: &[BatchId]) -> Result<usize> {
        const OPERATION: &str = "delete batches";
        check_batch(OPERATION, ids.len())?;
        self.work(OPERATION, |work| {
            let table = work.state.runs.batches_mut();
            let mut gone = 0;
            for id in ids {
                if table.by_id.get(id).is_some_and(Batch::is_over) {
                    table.by_id.remove(id);
                    gone += 1;
                }
            }
            Ok(gone)
        })
    }
}
