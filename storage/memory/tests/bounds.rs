//! What the memory driver promises beyond the contract: its bounds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::{
    Due, JobType, Json, Lease, LogEntry, LogLevel, LogLine, NewRun, Outcome, Priority, QueueName,
    RetryPolicy, Run, RunId, TenantId, Timestamp, Trigger, Usage, WorkerId, settle,
};
use zapjobs_storage::{
    ClaimRequest, Clock as _, ErrorKind, LogPageRequest, Logs as _, ManualClock, QueueSelection,
    RunFilter, RunQueries as _, RunStore as _,
};

struct Bounded {
    storage: MemoryStorage,
    clock: Arc<ManualClock>,
}

impl Bounded {
    fn new(change: impl FnOnce(&mut MemoryOptions)) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
        let mut options = MemoryOptions { clock: clock.clone(), ..MemoryOptions::default() };
        change(&mut options);
        Self { storage: MemoryStorage::new(options), clock }
    }

    async fn enqueue(&self, numbers: &[u128]) -> zapjobs_storage::Result<()> {
        let runs: Vec<NewRun> = numbers.iter().map(|number| a_run(*number)).collect();
        self.storage.enqueue(&runs).await.map(drop)
    }

    /// Claims what is next and completes it, a second later.
    async fn complete_one(&self) -> Run {
        let request = ClaimRequest {
            worker: WorkerId(Uuid::from_u128(1)),
            queues: QueueSelection::All,
            limit: 1,
            lease: Duration::from_secs(30),
        };
        let run = self.storage.claim(request).await.expect("claimed").remove(0).run;
        self.clock.advance(Duration::from_secs(1));
        let (outcome, policy) = (Outcome::Completed(Json::null()), RetryPolicy::default());
        let ended = settle(&run, outcome, Usage::default(), self.clock.now(), &policy, 0.5);
        self.storage.apply(&[ended]).await.expect("applied");
        run
    }

    async fn holds(&self, number: u128) -> bool {
        self.storage.run(id(number)).await.expect("read").is_some()
    }

    async fn total(&self) -> u64 {
        self.storage.counts(&RunFilter::default()).await.expect("counted").total()
    }

    async fn log(&self, run: RunId) -> Vec<u32> {
        let request = LogPageRequest { run, after: None, limit: 100 };
        let page = self.storage.log_page(request).await.expect("read");
        page.entries.into_iter().map(|entry| entry.index).collect()
    }
}

fn id(number: u128) -> RunId {
    RunId(Uuid::from_u128(number))
}

fn a_run(number: u128) -> NewRun {
    NewRun {
        id: id(number),
        tenant: TenantId::standard(),
        job_type: JobType::new("noop").expect("a good name"),
        queue: QueueName::standard(),
        priority: Priority::default(),
        trigger: Trigger::Api,
        input: Json::null(),
        due: Due::Now,
        deadline: None,
        max_attempts: 3,
        correlation_id: None,
        parent: None,
        tags: Vec::new(),
        metadata: BTreeMap::new(),
    }
}

fn a_line(run: RunId, index: u32) -> LogEntry {
    let line = LogLine {
        at: Timestamp::from_micros(0),
        level: LogLevel::Info,
        category: "job".to_owned(),
        message: String::new(),
        fields: None,
    };
    LogEntry { run, lease: Lease(1), index, line }
}

#[tokio::test]
async fn a_batch_beyond_the_bound_is_refused_whole_and_says_what_to_do() {
    let bounded = Bounded::new(|options| options.runs_max = 3);
    bounded.enqueue(&[1, 2]).await.expect("there is room");
    let error = bounded.enqueue(&[3, 4]).await.expect_err("there is no room");
    assert_eq!(error.kind(), ErrorKind::Full);
    assert!(error.is_retryable());
    assert_eq!(
        error.to_string(),
        "enqueue runs: the memory storage keeps 3 runs at most and too many of them wait: wait \
         until some end, raise runs_max, or use a storage on disk"
    );
    assert_eq!(bounded.total().await, 2);
    bounded.enqueue(&[3]).await.expect("there is room for one");
}

#[tokio::test]
async fn duplicates_need_no_room() {
    let bounded = Bounded::new(|options| options.runs_max = 2);
    bounded.enqueue(&[1, 2]).await.expect("there is room");
    bounded.enqueue(&[1, 2, 1]).await.expect("they are there");
    assert_eq!(bounded.total().await, 2);
}

#[tokio::test]
async fn finished_runs_make_room_earliest_first() {
    let bounded = Bounded::new(|options| options.runs_max = 3);
    bounded.enqueue(&[1, 2, 3]).await.expect("there is room");
    bounded.complete_one().await;
    bounded.complete_one().await;
    bounded.enqueue(&[4]).await.expect("the first that ended makes room");
    assert!(!bounded.holds(1).await);
    assert!(bounded.holds(2).await);
    bounded.enqueue(&[5, 6]).await.expect_err("only one more could make room");
    assert!(bounded.holds(2).await, "a refused batch drops nothing");
}

#[tokio::test]
async fn history_is_bounded_and_loses_its_oldest_with_their_logs() {
    let bounded = Bounded::new(|options| options.finished_runs_max = 2);
    bounded.enqueue(&[1, 2, 3]).await.expect("there is room");
    bounded.storage.append_logs(&[a_line(id(1), 0), a_line(id(2), 0)]).await.expect("kept");
    for _ in 0..3 {
        bounded.complete_one().await;
    }
    assert!(!bounded.holds(1).await);
    assert_eq!(bounded.total().await, 2);
    assert!(bounded.log(id(1)).await.is_empty());
    assert_eq!(bounded.log(id(2)).await, [0]);
}

#[tokio::test]
async fn a_cancelled_run_counts_as_history() {
    let bounded = Bounded::new(|options| options.finished_runs_max = 1);
    bounded.enqueue(&[1, 2]).await.expect("there is room");
    for number in [2, 1] {
        bounded.clock.advance(Duration::from_secs(1));
        bounded.storage.request_cancel(id(number)).await.expect("cancelled");
    }
    assert!(!bounded.holds(2).await);
    assert!(bounded.holds(1).await);
}

#[tokio::test]
async fn a_log_is_bounded_and_loses_its_oldest_entries() {
    let bounded = Bounded::new(|options| options.log_entries_per_run_max = 2);
    bounded.enqueue(&[1]).await.expect("there is room");
    let lines: Vec<LogEntry> = (0..4).map(|index| a_line(id(1), index)).collect();
    bounded.storage.append_logs(&lines).await.expect("kept");
    assert_eq!(bounded.log(id(1)).await, [2, 3]);
    bounded.storage.append_logs(&lines[..1]).await.expect("kept");
    assert_eq!(bounded.log(id(1)).await, [2, 3], "what was dropped does not come back");
}
