//! What happens to runs, told to whoever listens. Events are hints: they may be lost,
//! and the store is the truth.

use serde::{Deserialize, Serialize};

use crate::{JobType, QueueName, Run, RunId, RunStatus, TenantId, Timestamp};

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvent {
    /// When.
    pub at: Timestamp,
    /// Whose run.
    pub tenant: TenantId,
    /// Which run.
    pub run: RunId,
    /// Which job.
    pub job_type: JobType,
    /// In which queue.
    pub queue: QueueName,
    /// What happened.
    pub kind: EventKind,
}

impl JobEvent {
    /// What happened to this run at this time.
    pub fn of(run: &Run, at: Timestamp, kind: EventKind) -> Self {
        Self {
            at,
            tenant: run.tenant.clone(),
            run: run.id,
            job_type: run.job_type.clone(),
            queue: run.queue.clone(),
            kind,
        }
    }
}

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// An attempt began.
    Started,
    /// An attempt ended, and the run now stands here.
    Settled(RunStatus),
    /// The job told of progress.
    Progressed,
    /// The job wrote log lines.
    Logged,
}
