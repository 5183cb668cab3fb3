//! Batches: what a storage keeps of them, and how their callbacks are let go.
//!
//! Whatever ends a member, or lets it run again, counts that in the same write. A service of the
//! hosts reads the batches about which something is due, decides by [`zapjobs_model::batch`], and
//! writes its decisions with [`Batches::settle_batch`]. So a crash at any point loses nothing, and
//! two hosts that do the same do it once.

use async_trait::async_trait;
use zapjobs_model::unique::plan::has_key;
use zapjobs_model::{Batch, BatchId, BatchName, Due, NewRun, RunId, Settlement, TenantId};

use crate::{ErrorKind, PruneRequest, Result, StorageError};

/// A batch to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatch {
    /// Its id, chosen by the caller, so that a repeated creation is seen as one.
    pub id: BatchId,
    /// Whose batch it is.
    pub tenant: TenantId,
    /// What it is called.
    pub name: Option<BatchName>,
    /// The batch that it becomes a member of, which is open.
    pub parent: Option<BatchId>,
    /// The run to let go once it is complete: held, of the same tenant, in no batch, with no key
    /// and waiting for no others.
    pub on_complete: Option<NewRun>,
    /// The run to let go once it succeeded: the same.
    pub on_success: Option<NewRun>,
}

/// What became of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateBatchResult {
    /// It is there, open.
    Created,
    /// A batch with this id was there, and is left as it is; so are its callbacks.
    Duplicate,
}

/// What became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleResult {
    /// It is written.
    Settled,
    /// The batch does not call for it, or no longer. Nothing was written.
    Changed,
    /// There is no such batch.
    NotFound,
}

/// A page of batches, newest (greatest id) first. Every condition given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchPageRequest {
    /// This tenant's.
    pub tenant: Option<TenantId>,
    /// Members of this batch.
    pub parent: Option<BatchId>,
    /// Only batches after this one in the listing: the last of the page before.
    pub after: Option<BatchId>,
    /// How many at most, 1 to [`crate::PAGE_MAX`].
    pub limit: usize,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchPage {
    /// The batches.
    pub batches: Vec<Batch>,
    /// Where the next page goes on, if there is more.
    pub next: Option<BatchId>,
}

/// Batches.
///
/// A batch counts its members by how they stand: runs submitted with its id, and batches created
/// with it as their parent. Each write that ends a run, or lets it run again, counts it elsewhere
/// at the same time; a member that is deleted or pruned stays counted as it stood, and one whose
/// record is set aside counts as failed from then on, or stays counted where that cannot be told.
///
/// *Cost:* a run that is in no batch costs nothing of this.
#[async_trait]
pub trait Batches: Send + Sync {
    /// Creates a batch, open and without members, and stores its callbacks as held runs. A batch
    /// with a parent is from then on an unfinished member of that.
    ///
    /// *Atomicity:* all or none. *On conflict:* see [`CreateBatchResult`]. A parent that is not
    /// there, was closed or is another tenant's, and a callback that is not as it must be, are
    /// refused as `InvalidRequest`.
    async fn create_batch(&self, batch: NewBatch) -> Result<CreateBatchResult>;

    /// Closes a batch: no member is added any more, and it is complete once none is unfinished.
    /// Answers whether there is such a batch; closing it twice does nothing. A call that adds
    /// members at the same time comes before or after it as a whole.
    async fn close_batch(&self, id: BatchId) -> Result<bool>;

    /// The batch with this id, if there is one, with counts as of one instant.
    async fn batch(&self, id: BatchId) -> Result<Option<Batch>>;

    /// A page of batches, greatest id first.
    async fn batches(&self, request: BatchPageRequest) -> Result<BatchPage>;

    /// Up to `limit` batches about which [`zapjobs_model::batch::decide`] has something to say,
    /// in no certain order. A limit above [`crate::ENDS_MAX`] counts as that. Where more members
    /// ended than one call takes in, some batches are answered by a later call only.
    ///
    /// *Cost:* grows with the answer and the members that ended since the last call. Next to
    /// nothing where no batch is due.
    async fn ended_batches(&self, limit: usize) -> Result<Vec<Batch>>;

    /// Writes a decision, if [`zapjobs_model::batch::decide`] makes it of the batch as it stands:
    /// when it was complete and when it succeeded, by the store's now; its callbacks, which are
    /// then as after [`crate::RunStore::release_runs`], or as they are if they are held no more;
    /// and its place in its parent. Listeners are told `Ready`, and `Scheduled` if a callback must
    /// wait.
    ///
    /// *Atomicity:* all or none. *On conflict:* see [`SettleResult`]: of several that write one
    /// decision, one does.
    async fn settle_batch(&self, id: BatchId, settlement: Settlement) -> Result<SettleResult>;

    /// Batches that were complete before an instant and have no unfinished member, those that
    /// were complete first first; what is pruned.
    async fn finished_batches(&self, request: PruneRequest) -> Result<Vec<Batch>>;

    /// Deletes those of these batches that are complete and have no unfinished member; answers how
    /// many. Their members and callbacks stay, and are counted no more.
    async fn delete_batches(&self, ids: &[BatchId]) -> Result<usize>;
}

/// Refuses callbacks that are not as they must be.
pub fn check_new_batch(operation: &'static str, batch: &NewBatch) -> Result<()> {
    let is_good = |run: &NewRun| {
        run.due == Due::Held
            && run.tenant == batch.tenant
            && run.batch.is_none()
            && run.after.is_empty()
            && !has_key(run)
    };
    let mut callbacks = batch.on_complete.iter().chain(&batch.on_success);
    let is_one_twice = matches!((&batch.on_complete, &batch.on_success),
        (Some(one), Some(other)) if one.id == other.id);
    if callbacks.all(is_good) && !is_one_twice && batch.parent != Some(batch.id) {
        return Ok(());
    }
    let message = "a batch's callback must be a held run of its tenant, in no batch, with no key, \
                   and waiting for no others; two must be two runs, and no batch is its own parent";
    Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
}

/// Refuses a call with members of batches and runs with keys: which of them there will be is not
/// known.
pub fn check_members(operation: &'static str, runs: &[NewRun]) -> Result<()> {
    if !runs.iter().any(|run| run.batch.is_some()) || !runs.iter().any(has_key) {
        return Ok(());
    }
    let message = "members of batches and runs with keys (unique, idempotency) cannot stand in \
                   one call: submit those with keys by themselves, without a batch";
    Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
}

/// The error where a batch takes no member.
pub fn not_open(operation: &'static str, batch: BatchId) -> StorageError {
    StorageError::new(ErrorKind::InvalidRequest, operation, not_open_message(batch))
}

/// What that error says.
pub fn not_open_message(batch: BatchId) -> String {
    format!(
        "batch {batch} takes no more members: it was closed, was never created, or is another \
         tenant's"
    )
}

/// The callbacks that a decision lets go.
pub fn released_by(batch: &Batch, settlement: Settlement) -> Vec<RunId> {
    let complete = batch.on_complete.filter(|_| settlement.completes());
    let success = batch.on_success.filter(|_| settlement.succeeds());
    complete.into_iter().chain(success).collect()
}
