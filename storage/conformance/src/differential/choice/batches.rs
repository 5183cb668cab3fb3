//! Batches, and what is decided of them.

use zapjobs_model::{Batch, BatchId, BatchName, NewRun, Settlement, TenantId, batch};
use zapjobs_storage::{BatchPageRequest, ENDS_MAX, NewBatch, PAGE_MAX, PruneRequest};

use super::{Chooser, Operation, TENANTS};
use crate::Fixture;
use crate::builders::{a_run, batch_id, tenant};

/// Batches are created under so many ids.
pub(super) const BATCHES: u64 = 8;
/// Ids of callbacks are behind this, and never used twice.
const CALLBACKS_FROM: u64 = 200_000;

impl Chooser {
    pub(super) async fn batches(&mut self, reference: &Fixture) -> Operation {
        match self.random.below(12) {
            0..3 => self.create_batch(reference).await,
            3..5 => Operation::CloseBatch(self.any_batch()),
            5..8 => self.settle_batch(reference).await,
            8 => Operation::EndedBatches,
            9 => Operation::Batches(BatchPageRequest {
                tenant: self.random.once_in(3).then(|| tenant(self.random.one_of(&TENANTS))),
                parent: self.random.once_in(4).then(|| self.any_batch()),
                after: self.random.once_in(4).then(|| self.any_batch()),
                limit: self.random.one_of(&[0, 1, 2, 10]),
            }),
            10 => Operation::FinishedBatches(PruneRequest {
                finished_before: self.now.minus(self.span()),
                limit: self.random.one_of(&[0, 1, 10]),
            }),
            _ => Operation::DeleteBatches(vec![self.any_batch(), self.any_batch()]),
        }
    }

    fn any_batch(&mut self) -> BatchId {
        batch_id(self.random.below(BATCHES))
    }

    /// At times a batch of this tenant, most often one that is open.
    pub(super) async fn batch_of(&mut self, of: &TenantId, reference: &Fixture) -> Option<BatchId> {
        if !self.random.once_in(3) {
            return None;
        }
        if self.random.once_in(40) {
            return Some(self.any_batch());
        }
        let all = BatchPageRequest { limit: PAGE_MAX, ..BatchPageRequest::default() };
        let listed = reference.storage.batches(all).await.expect("they are listed").batches;
        let is_open = |batch: &&Batch| !batch.is_closed && batch.tenant == *of;
        let open: Vec<BatchId> = listed.iter().filter(is_open).map(|batch| batch.id).collect();
        (!open.is_empty()).then(|| self.random.one_of(&open))
    }

    async fn create_batch(&mut self, reference: &Fixture) -> Operation {
        let of = self.random.one_of(&TENANTS);
        let [on_complete, on_success] = [self.callback(of), self.callback(of)];
        let parent = self.batch_of(&tenant(of), reference).await;
        Operation::CreateBatch(Box::new(NewBatch {
            id: self.any_batch(),
            tenant: tenant(of),
            name: self.random.once_in(2).then(|| BatchName::new("ü 1").expect("a name")),
            parent,
            on_complete,
            on_success,
        }))
    }

    fn callback(&mut self, of: &str) -> Option<NewRun> {
        if self.random.once_in(2) {
            return None;
        }
        self.called += 1;
        let run = a_run("mail").id(CALLBACKS_FROM + self.called).tenant(of);
        let run = if self.random.once_in(15) { run } else { run.held() };
        Some(run.build())
    }

    async fn settle_batch(&mut self, reference: &Fixture) -> Operation {
        use Settlement::{Complete, CompleteWithSuccess, LateSuccess};
        let due = reference.storage.ended_batches(ENDS_MAX).await.expect("they are listed");
        let made_up = self.random.one_of(&[Complete, CompleteWithSuccess, LateSuccess]);
        if due.is_empty() || self.random.once_in(8) {
            return Operation::SettleBatch(self.any_batch(), made_up);
        }
        let due = self.random.one_of(&due);
        Operation::SettleBatch(due.id, batch::decide(&due).expect("something is due"))
    }
}
