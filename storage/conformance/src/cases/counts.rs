//! Counting runs.

use zapjobs_storage::{Counts, QueueCounts, RunFilter};

use crate::Fixture;
use crate::actions::{a_failure, completed, failed, retry_in};
use crate::builders::{a_run, job_type, queue, seconds, tenant};

impl Fixture {
    async fn counts(&self, filter: RunFilter) -> Counts {
        self.storage.counts(&filter).await.expect("the runs are counted")
    }

    /// One run of each status, all in the queue `q`.
    async fn one_of_each(&self) {
        let run = || a_run("mail").queue("q");
        self.settled(run(), completed()).await;
        self.settled(run(), failed("broken")).await;
        self.settled(run(), zapjobs_model::Outcome::Cancelled(a_failure("asked"))).await;
        self.settled(run(), retry_in(seconds(5))).await;
        self.running(run()).await;
        self.enqueue(run().due_in(seconds(5))).await;
        self.enqueue(run()).await;
        self.enqueue(run().held()).await;
    }
}

const ONE_OF_EACH: Counts = Counts {
    pending: 1,
    scheduled: 1,
    running: 1,
    completed: 1,
    failed: 1,
    cancelled: 1,
    awaiting_retry: 1,
    held: 1,
};

pub(crate) async fn an_empty_storage_counts_nothing(f: &Fixture) {
    assert_eq!(f.counts(RunFilter::default()).await, Counts::default());
    assert_eq!(f.storage.queue_counts().await.expect("counted"), []);
}

pub(crate) async fn each_status_is_counted(f: &Fixture) {
    f.one_of_each().await;
    assert_eq!(f.counts(RunFilter::default()).await, ONE_OF_EACH);
}

pub(crate) async fn counts_follow_the_runs(f: &Fixture) {
    f.enqueue_all([a_run("mail"), a_run("mail")]).await;
    let run = f.claim_one().await;
    let expected = Counts { pending: 1, running: 1, ..Counts::default() };
    assert_eq!(f.counts(RunFilter::default()).await, expected);
    f.settle(&run, completed()).await;
    let expected = Counts { pending: 1, completed: 1, ..Counts::default() };
    assert_eq!(f.counts(RunFilter::default()).await, expected);
}

pub(crate) async fn counts_take_the_filter(f: &Fixture) {
    f.one_of_each().await;
    f.enqueue_all([
        a_run("mail").queue("q").tenant("acme"),
        a_run("other").queue("q").tenant("acme"),
    ])
    .await;
    let by_tenant = RunFilter { tenant: Some(tenant("acme")), ..RunFilter::default() };
    assert_eq!(f.counts(by_tenant).await, Counts { pending: 2, ..Counts::default() });
    let by_job = RunFilter { job_type: Some(job_type("other")), ..RunFilter::default() };
    assert_eq!(f.counts(by_job).await, Counts { pending: 1, ..Counts::default() });
    let by_search = RunFilter { search: Some("BROKEN".to_owned()), ..RunFilter::default() };
    assert_eq!(f.counts(by_search).await, Counts { failed: 1, ..Counts::default() });
}

pub(crate) async fn counts_take_a_filter_by_status(f: &Fixture) {
    f.one_of_each().await;
    let filter = RunFilter {
        statuses: vec![zapjobs_model::RunStatus::Running, zapjobs_model::RunStatus::Failed],
        queue: Some(queue("q")),
        ..RunFilter::default()
    };
    assert_eq!(f.counts(filter).await, Counts { running: 1, failed: 1, ..Counts::default() });
}

pub(crate) async fn queues_are_counted_in_the_order_of_their_names(f: &Fixture) {
    f.enqueue_all(["b", "a", "B", "a-1", "a"].map(|name| a_run("mail").queue(name))).await;
    let row = |name, pending| QueueCounts {
        queue: queue(name),
        counts: Counts { pending, ..Counts::default() },
    };
    let counted = f.storage.queue_counts().await.expect("counted");
    assert_eq!(counted, [row("B", 1), row("a", 2), row("a-1", 1), row("b", 1)]);
}

pub(crate) async fn a_queue_counts_every_status(f: &Fixture) {
    f.one_of_each().await;
    let expected = QueueCounts { queue: queue("q"), counts: ONE_OF_EACH };
    assert_eq!(f.storage.queue_counts().await.expect("counted"), [expected]);
}

pub(crate) async fn a_queue_of_finished_runs_is_still_counted(f: &Fixture) {
    f.settled(a_run("mail").queue("q"), completed()).await;
    let counts = Counts { completed: 1, ..Counts::default() };
    let expected = QueueCounts { queue: queue("q"), counts };
    assert_eq!(f.storage.queue_counts().await.expect("counted"), [expected]);
}
