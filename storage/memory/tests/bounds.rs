//! What the memory driver promises beyond the contract: its bounds.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;
use zapjobs_conformance::samples::{a_claim, a_run, completion};
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::{Lease, LogEntry, LogLevel, LogLine, NewRun, QueueName, Run, RunId, Timestamp};
use zapjobs_storage::{
    Clock as _, ErrorKind, LogPageRequest, Logs as _, ManualClock, RunFilter, RunQueries as _,
    RunStore as _, SPANS_MAX, Span, SpanStatistics, Statistics as _, StatisticsRequest,
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
        let runs: Vec<NewRun> = numbers.iter().map(|number| run(*number)).collect();
        self.storage.enqueue(&runs).await.map(drop)
    }

    /// Claims what is next and completes it, a second later.
    async fn complete_one(&self) -> Run {
        let run = self.storage.claim(a_claim(1)).await.expect("claimed").remove(0).run;
        self.clock.advance(Duration::from_secs(1));
        let ended = completion(&run, self.clock.now());
        self.storage.apply(&[ended]).await.expect("applied");
        run
    }

    async fn holds(&self, number: u128) -> bool {
        self.storage.run(id(number)).await.expect("read").is_some()
    }

    async fn total(&self) -> u64 {
        self.storage.counts(&RunFilter::default()).await.expect("counted").total()
    }

    async fn statistics(&self, span: Span, queue: Option<&str>) -> Vec<SpanStatistics> {
        let queue = queue.map(|name| QueueName::new(name).expect("a good name"));
        let request = StatisticsRequest { span, latest: SPANS_MAX, tenant: None, queue };
        self.storage.statistics(request).await.expect("read")
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

fn run(number: u128) -> NewRun {
    NewRun { id: id(number), ..a_run("default") }
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

#[tokio::test]
async fn hours_are_dropped_after_14_days_and_the_total_is_not() {
    let bounded = Bounded::new(|_| {});
    for number in 0..400 {
        bounded.enqueue(&[number]).await.expect("there is room");
        bounded.clock.advance(Duration::from_secs(3_600));
    }
    let hours = bounded.statistics(Span::Hour, None).await;
    assert_eq!(hours.len(), 14 * 24 + 1, "14 days, and the hour that is not over");
    let total = bounded.statistics(Span::Total, None).await;
    assert_eq!(total[0].activity.enqueued, 400);
}

#[tokio::test]
async fn queues_beyond_the_bound_are_summed_together() {
    const QUEUES: u128 = 1_000;
    let bounded = Bounded::new(|_| {});
    let runs: Vec<NewRun> = (0..QUEUES + 5).map(|at| a_run(&format!("queue-{at}"))).collect();
    bounded.storage.enqueue(&runs).await.expect("there is room");
    let last_kept = bounded.statistics(Span::Total, Some("queue-999")).await;
    assert_eq!(last_kept[0].activity.enqueued, 1);
    assert_eq!(bounded.statistics(Span::Total, Some("queue-1000")).await, []);
    for span in [Span::Hour, Span::Day, Span::Total] {
        let all = bounded.statistics(span, None).await;
        assert_eq!(all[0].activity.enqueued, 1_005, "nothing is lost");
    }
}
