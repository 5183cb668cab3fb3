//! What is looked at for one view.

use serde::Serialize;
use zapjobs_api::ListedQueue;
use zapjobs_model::{JobType, Progress, QueueName, Run, RunId, RunStatus, TenantId, Timestamp};
use zapjobs_storage::{Activity, Counts, RunFilter, Span, SpanStatistics, WorkerRecord};

use crate::errors::Done;
use crate::site::{RunsRequest, Site, SumsRequest, Whose};

/// Running runs that one look takes at most; of more, their number is told.
const RUNNING_MAX: usize = 100;
/// Failed runs that one look takes at most: the newest.
const FAILURES_MAX: usize = 20;
/// Hours whose sums one look takes: the present one and the one before.
const HOURS: usize = 2;

/// How the installation stands at one moment, as one tenant sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Snapshot {
    /// By the store's clock.
    pub(super) now: Timestamp,
    /// Where it was looked.
    pub(super) place: String,
    /// Whose runs.
    pub(super) tenant: TenantId,
    /// All host processes, whosever runs they take; none told to a token of one tenant.
    pub(super) workers: Option<Vec<WorkerRecord>>,
    /// Queues that hold a run.
    pub(super) queues: Vec<ListedQueue>,
    /// Of all queues.
    pub(super) counts: Counts,
    /// Runs under way, the newest first.
    pub(super) running: Vec<RunningRun>,
    /// Failed runs, the latest failure first.
    pub(super) failures: Vec<FailedRun>,
    /// What happened in the latest hours, the present one last.
    pub(super) hours: Vec<SpanStatistics>,
    /// What has ever happened.
    pub(super) total: Activity,
}

/// A run under way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct RunningRun {
    pub(super) id: RunId,
    pub(super) job_type: JobType,
    pub(super) queue: QueueName,
    pub(super) attempt: u32,
    pub(super) max_attempts: u32,
    pub(super) started_at: Option<Timestamp>,
    pub(super) cancel_requested: bool,
    pub(super) progress: Progress,
}

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FailedRun {
    pub(super) id: RunId,
    pub(super) job_type: JobType,
    pub(super) queue: QueueName,
    pub(super) attempt: u32,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) error_type: String,
    pub(super) message: String,
}

/// Looks at everything. The parts are read one after the other and may differ by what happened
/// between.
pub(super) async fn look(site: &dyn Site) -> Done<Snapshot> {
    let of = async |status: RunStatus, limit: usize| {
        let filter = RunFilter { statuses: vec![status], ..RunFilter::default() };
        site.runs(&RunsRequest { filter, after: None, limit }).await
    };
    let sums = async |span: Span, latest: usize| {
        site.statistics(&SumsRequest { span, latest, queue: None, whose: Whose::Own }).await
    };
    let queues = site.queues().await?;
    let running = of(RunStatus::Running, RUNNING_MAX).await?.runs;
    let mut failed = of(RunStatus::Failed, FAILURES_MAX).await?.runs;
    failed.sort_by_key(|run| std::cmp::Reverse(run.finished_at));
    let hours = sums(Span::Hour, HOURS).await?;
    let total = sums(Span::Total, 1).await?.first().map(|it| it.activity).unwrap_or_default();
    Ok(Snapshot {
        now: site.now().await?,
        place: site.place(),
        tenant: site.tenant().clone(),
        workers: site.workers().await?,
        counts: summed(&queues),
        queues,
        running: running.into_iter().map(RunningRun::from).collect(),
        failures: failed.into_iter().map(FailedRun::from).collect(),
        hours,
        total,
    })
}

fn summed(queues: &[ListedQueue]) -> Counts {
    let mut sum = Counts::default();
    for queue in queues {
        for status in RunStatus::ALL {
            *sum.of_mut(status) += queue.counts.of(status);
        }
    }
    sum
}

impl From<Run> for RunningRun {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            job_type: run.job_type,
            queue: run.queue,
            attempt: run.attempt,
            max_attempts: run.max_attempts,
            started_at: run.started_at,
            cancel_requested: run.cancel_requested,
            progress: run.progress,
        }
    }
}

impl From<Run> for FailedRun {
    fn from(run: Run) -> Self {
        let (error_type, message) =
            run.error.map(|error| (error.error_type, error.message)).unwrap_or_default();
        Self {
            id: run.id,
            job_type: run.job_type,
            queue: run.queue,
            attempt: run.attempt,
            finished_at: run.finished_at,
            error_type,
            message,
        }
    }
}
