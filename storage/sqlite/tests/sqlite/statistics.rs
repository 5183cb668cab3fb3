//! How sums are kept: folded when they are old, and never in the way.

use std::time::Duration;

use rusqlite::Connection;
use zapjobs_conformance::samples::{a_claim, a_run};
use zapjobs_storage::{
    Clock, PruneRequest, RunStore, Span, SpanStatistics, Statistics, StatisticsRequest,
};

use crate::harness::by_hand::ByHand;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

impl ByHand {
    async fn enqueue_into(&self, queue: &str, count: usize) {
        let runs: Vec<_> = (0..count).map(|_| a_run(queue)).collect();
        self.storage.enqueue(&runs).await.unwrap();
    }

    async fn spans(&self, span: Span) -> Vec<SpanStatistics> {
        let request = StatisticsRequest { span, latest: 400, tenant: None, queue: None };
        self.storage.statistics(request).await.unwrap()
    }

    async fn total(&self) -> u64 {
        self.spans(Span::Total).await.iter().map(|span| span.activity.enqueued).sum()
    }

    async fn prune(&self) {
        let request = PruneRequest { finished_before: self.clock.now(), limit: 10 };
        self.storage.prune(request).await.unwrap();
    }

    /// Rows of hours, of days and of all time.
    fn rows(&self) -> [i64; 3] {
        let conn = Connection::open(&self.file).unwrap();
        [0, 1, 2].map(|span| {
            let sql = "SELECT count(*) FROM zapjobs_statistics WHERE span = ?1";
            conn.query_row(sql, [span], |row| row.get(0)).unwrap()
        })
    }
}

#[tokio::test]
async fn one_group_writes_one_row_for_each_hour_and_queue() {
    let kept = ByHand::new();
    kept.enqueue_into("a", 40).await;
    kept.enqueue_into("b", 2).await;
    assert_eq!(kept.storage.claim(a_claim(5)).await.unwrap().len(), 5);
    assert_eq!(kept.rows(), [2, 0, 0]);
    kept.clock.advance(HOUR);
    kept.enqueue_into("a", 1).await;
    assert_eq!(kept.rows(), [3, 0, 0]);
}

#[tokio::test]
async fn old_hours_become_days_and_old_days_the_total() {
    let kept = ByHand::new();
    for _ in 0..3 {
        kept.enqueue_into("a", 2).await;
        kept.enqueue_into("b", 1).await;
        kept.clock.advance(HOUR);
    }
    let days = kept.spans(Span::Day).await;
    assert_eq!(kept.rows(), [6, 0, 0]);

    // Thirteen days later, none of it is old.
    kept.clock.advance(13 * DAY);
    kept.prune().await;
    assert_eq!(kept.rows(), [6, 0, 0]);
    kept.clock.advance(2 * DAY);
    kept.prune().await;
    let day_rows = 2 * days.len() as i64;
    assert_eq!(kept.rows(), [0, day_rows, 0]);
    assert_eq!(kept.spans(Span::Day).await, days, "a day is the same, folded or not");
    assert_eq!(kept.spans(Span::Hour).await, []);
    assert_eq!(kept.total().await, 9);

    kept.clock.advance(400 * DAY);
    kept.enqueue_into("a", 1).await;
    kept.prune().await;
    assert_eq!(kept.rows(), [1, 0, 2]);
    assert_eq!(kept.total().await, 10);
    let request = StatisticsRequest {
        span: Span::Total,
        latest: 1,
        tenant: None,
        queue: Some(a_run("b").queue),
    };
    assert_eq!(kept.storage.statistics(request).await.unwrap()[0].activity.enqueued, 3);
}

#[tokio::test]
async fn a_day_that_is_folded_in_part_is_whole_in_the_answer() {
    let kept = ByHand::new();
    let begin = Span::Day.begin(kept.clock.now()).plus(DAY);
    for hour in 0..24 {
        kept.clock.set(begin.plus(hour * HOUR));
        kept.enqueue_into("a", 1).await;
    }
    kept.clock.set(begin.plus(14 * DAY + 12 * HOUR));
    kept.prune().await;
    let [hours, days, _] = kept.rows();
    assert!(hours > 0 && hours < 24 && days == 1, "{hours} hours are left");
    let days = kept.spans(Span::Day).await;
    assert_eq!(days.len(), 1);
    assert_eq!((days[0].from, days[0].activity.enqueued), (begin, 24));
}

#[tokio::test]
async fn many_rows_are_folded_over_many_calls_and_none_is_lost() {
    const QUEUES: usize = 300;
    const HOURS: u32 = 20;
    let kept = ByHand::new();
    for _ in 0..HOURS {
        let runs: Vec<_> = (0..QUEUES).map(|queue| a_run(&format!("q{queue}"))).collect();
        kept.storage.enqueue(&runs).await.unwrap();
        kept.clock.advance(HOUR);
    }
    let all = QUEUES as i64 * i64::from(HOURS);
    kept.clock.advance(15 * DAY);
    let mut calls = 0;
    while kept.rows()[0] > 0 {
        let before = kept.rows()[0];
        kept.prune().await;
        assert!(kept.rows()[0] < before, "each call folds some");
        assert_eq!(kept.total().await, all.unsigned_abs());
        calls += 1;
    }
    assert!(calls > 1, "one call folds a bounded number");
}

#[tokio::test]
async fn damaged_sums_stop_no_write() {
    let kept = ByHand::new();
    kept.enqueue_into("a", 1).await;
    let spoil = "UPDATE zapjobs_statistics SET enqueued = 'many'";
    Connection::open(&kept.file).unwrap().execute_batch(spoil).unwrap();
    assert_eq!(kept.total().await, 0, "it is passed over");
    kept.enqueue_into("a", 2).await;
    assert_eq!(kept.total().await, 2, "and begun anew");
}
