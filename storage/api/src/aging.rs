//! Which runs have been ready for long, so that none is passed over for ever.

use async_trait::async_trait;
use zapjobs_model::{Priority, RunId, Timestamp};

use crate::{BATCH_MAX, QueueSelection, Result};

/// Runs that one call of [`Aging::aged`] answers at most; a greater limit counts as that.
pub const AGED_MAX: usize = 1_000;
const _: () = assert!(AGED_MAX <= BATCH_MAX, "what is answered can be altered in one call");

/// Which runs are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgedRequest {
    /// Of these queues.
    pub queues: QueueSelection,
    /// Those that became ready before this instant.
    pub ready_before: Timestamp,
    /// Those that are less urgent than this.
    pub below: Priority,
    /// How many at most, up to [`AGED_MAX`].
    pub limit: usize,
}

/// Runs that have been ready for long.
#[async_trait]
pub trait Aging: Send + Sync {
    /// Pending runs of the selected queues whose `due_at` is before an instant and whose priority
    /// is below one, each once, in any order: as many as there are, up to the limit; which of more
    /// is open. Nothing is written: the caller alters them. Some may be claimed by then.
    ///
    /// *Cost:* grows with what is answered, and with the number of triples of tenant, queue and
    /// priority that have pending runs, not with the number of runs. A storage may walk past the
    /// runs of other queues that are as old.
    async fn aged(&self, request: &AgedRequest) -> Result<Vec<RunId>>;
}
