//! What cases do with a storage, in one word each. Every action expects to succeed; a case
//! that expects an error calls the storage itself.

use std::fmt::Debug;
use std::time::Duration;

use zapjobs_model::{
    Blame, Json, Outcome, RetryPolicy, Run, RunError, RunId, RunStatus, Timestamp, Transition,
    Usage, settle,
};
use zapjobs_storage::{
    ApplyResult, ClaimRequest, ClaimedRun, Clock as _, EnqueueResult, ErrorKind, LogPageRequest,
    Notice, Notices, PAGE_MAX, Page, QueueSelection, Result, RunFilter, RunPageRequest,
};

use crate::Fixture;
use crate::builders::{RunBuilder, queue};
use crate::samples::a_claim;

/// How long a hint may take before a case counts it as lost: wall-clock time, only ever
/// waited for in full by a case that fails.
const HINT_WAIT_MAX: Duration = Duration::from_secs(20);

impl Fixture {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Stores one run.
    pub(crate) async fn enqueue(&self, run: RunBuilder) -> RunId {
        let run = run.build();
        let answers = self.storage.enqueue(std::slice::from_ref(&run)).await;
        assert_eq!(answers.expect("the run is enqueued"), [EnqueueResult::Stored]);
        run.id
    }

    /// Stores runs in one batch.
    pub(crate) async fn enqueue_all<const N: usize>(&self, runs: [RunBuilder; N]) -> [RunId; N] {
        let runs = runs.map(RunBuilder::build);
        let answers = self.storage.enqueue(&runs).await.expect("the runs are enqueued");
        assert_eq!(answers, [EnqueueResult::Stored; N]);
        runs.map(|run| run.id)
    }

    /// Claims from all queues.
    pub(crate) async fn claim(&self, limit: usize) -> Vec<ClaimedRun> {
        self.claim_with(QueueSelection::All, limit).await
    }

    /// Claims from these queues.
    pub(crate) async fn claim_from(&self, names: &[&str], limit: usize) -> Vec<ClaimedRun> {
        let names = names.iter().map(|name| queue(name)).collect();
        self.claim_with(QueueSelection::Only(names), limit).await
    }

    async fn claim_with(&self, queues: QueueSelection, limit: usize) -> Vec<ClaimedRun> {
        let request = ClaimRequest { queues, ..a_claim(limit) };
        self.storage.claim(request).await.expect("the claim is answered")
    }

    /// Claims the next run.
    pub(crate) async fn claim_one(&self) -> Run {
        let mut claimed = self.claim(1).await;
        assert_eq!(claimed.len(), 1, "one run was to be claimed");
        claimed.remove(0).run
    }

    /// Stores a run and claims it; nothing else may be pending.
    pub(crate) async fn running(&self, run: RunBuilder) -> Run {
        let id = self.enqueue(run).await;
        let claimed = self.claim_one().await;
        assert_eq!(claimed.id, id, "another run was pending before");
        claimed
    }

    /// Stores, claims and settles a run.
    pub(crate) async fn settled(&self, run: RunBuilder, outcome: Outcome) -> Run {
        let running = self.running(run).await;
        assert_eq!(self.settle(&running, outcome).await, ApplyResult::Applied);
        self.stored(running.id).await
    }

    /// What the model makes of an attempt that ends now.
    pub(crate) fn transition(&self, run: &Run, outcome: Outcome) -> Transition {
        let policy = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
        settle(run, outcome, Usage::default(), self.now(), &policy, 0.5)
    }

    /// Ends an attempt now.
    pub(crate) async fn settle(&self, run: &Run, outcome: Outcome) -> ApplyResult {
        self.apply(self.transition(run, outcome)).await
    }

    /// Applies one transition.
    pub(crate) async fn apply(&self, transition: Transition) -> ApplyResult {
        let answers = self.storage.apply(&[transition]).await.expect("the batch is applied");
        assert_eq!(answers.len(), 1);
        answers[0]
    }

    /// The run as it is stored.
    pub(crate) async fn stored(&self, id: RunId) -> Run {
        let found = self.storage.run(id).await.expect("the run is read");
        found.unwrap_or_else(|| panic!("run {id} is not stored"))
    }

    pub(crate) async fn status(&self, id: RunId) -> RunStatus {
        self.stored(id).await.status
    }

    /// Whether the run is stored.
    pub(crate) async fn holds(&self, id: RunId) -> bool {
        self.storage.run(id).await.expect("the run is read").is_some()
    }

    /// The largest first page of the runs that a filter takes.
    pub(crate) async fn list(&self, filter: RunFilter) -> Vec<RunId> {
        ids(&self.page(filter, None, PAGE_MAX).await.runs)
    }

    pub(crate) async fn page(&self, filter: RunFilter, after: Option<RunId>, limit: usize) -> Page {
        let after = after.map(zapjobs_storage::Cursor);
        let request = RunPageRequest { filter, after, limit };
        self.storage.runs(request).await.expect("the page is read")
    }

    /// The messages of a run's log.
    pub(crate) async fn log(&self, run: RunId) -> Vec<String> {
        let request = LogPageRequest { run, after: None, limit: PAGE_MAX };
        let page = self.storage.log_page(request).await.expect("the log is read");
        page.entries.into_iter().map(|entry| entry.line.message).collect()
    }
}

pub(crate) fn ids<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<RunId> {
    runs.into_iter().map(|run| run.id).collect()
}

pub(crate) fn claimed_ids(claimed: &[ClaimedRun]) -> Vec<RunId> {
    ids(claimed.iter().map(|claimed| &claimed.run))
}

/// A failure that another attempt may mend.
pub(crate) fn a_failure(message: &str) -> RunError {
    RunError::new(Blame::Guest, "oops", message)
}

pub(crate) fn completed() -> Outcome {
    Outcome::Completed(Json::null())
}

pub(crate) fn failed(message: &str) -> Outcome {
    Outcome::Failed(a_failure(message))
}

pub(crate) fn retry_in(wait: Duration) -> Outcome {
    let after_ms = u64::try_from(wait.as_millis()).expect("a short wait");
    Outcome::Retry { error: a_failure("try again"), after_ms: Some(after_ms) }
}

pub(crate) fn snoozed(wait: Duration) -> Outcome {
    Outcome::Snoozed { for_ms: u64::try_from(wait.as_millis()).expect("a short wait") }
}

/// Expects an operation to be refused so.
#[track_caller]
pub(crate) fn refused<T: Debug>(answer: Result<T>, kind: ErrorKind) {
    let error = answer.expect_err("the operation must be refused");
    assert_eq!(error.kind(), kind, "{error}");
}

/// Waits for a hint, passing over others.
pub(crate) async fn told(notices: &mut Notices, expected: Notice) {
    let waiting = async {
        while let Some(notice) = notices.next().await {
            if notice == expected {
                return;
            }
        }
        panic!("the subscription ended before {expected:?} came");
    };
    let waited = tokio::time::timeout(HINT_WAIT_MAX, waiting).await;
    assert!(waited.is_ok(), "{expected:?} never came");
}
