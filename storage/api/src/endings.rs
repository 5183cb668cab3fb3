//! Runs in the order in which they ended, for whoever follows what happens.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use zapjobs_model::{JobType, Lease, QueueName, Run, RunId, RunStatus, TenantId, Timestamp};

use crate::Result;

/// Endings that one call of [`Endings::endings`] answers at most; a greater limit counts as that.
pub const ENDINGS_MAX: usize = 1_000;

/// That a run ended, with what tells whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The run.
    pub run: RunId,
    /// Its latest claim: another one once it was asked to run again and was claimed.
    pub lease: Lease,
    /// Whose run it is.
    pub tenant: TenantId,
    /// Which job.
    pub job_type: JobType,
    /// In which queue it was.
    pub queue: QueueName,
    /// How it ended.
    pub status: RunStatus,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl Ending {
    /// That of a run, if it has ended.
    pub fn of(run: &Run) -> Option<Self> {
        let ended_at = run.finished_at.filter(|_| run.status.is_final())?;
        Some(Self {
            run: run.id,
            lease: run.lease,
            tenant: run.tenant.clone(),
            job_type: run.job_type.clone(),
            queue: run.queue.clone(),
            status: run.status,
            ended_at,
        })
    }

    /// Where it stands among the others.
    pub const fn place(&self) -> EndingPlace {
        EndingPlace { ended_at: self.ended_at, run: self.run }
    }
}

/// A place in the order of endings: by when, then by the run's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EndingPlace {
    /// When the run there ended.
    pub ended_at: Timestamp,
    /// That run.
    pub run: RunId,
}

/// Which endings are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndingsRequest {
    /// Those behind this place; from the first one on where absent.
    pub after: Option<EndingPlace>,
    /// Those before this instant; all where absent.
    pub before: Option<Timestamp>,
    /// How many at most, up to [`ENDINGS_MAX`].
    pub limit: usize,
}

/// Runs that have ended, by when.
#[async_trait]
pub trait Endings: Send + Sync {
    /// Final runs that are stored, those that ended first before the others, among equals the
    /// least id. One whose record cannot be read is passed over and told in the host's own log.
    ///
    /// A run stands where its `finished_at` says, which is when its host settled it and not when
    /// that was written: an ending may appear before others that were answered already. Whoever
    /// must see all of them looks again at what is as old as a write may be late.
    ///
    /// *Cost:* grows with what is answered, not with the number of runs; a storage may walk past
    /// those that ended at the very instant of `after`.
    async fn endings(&self, request: &EndingsRequest) -> Result<Vec<Ending>>;
}
