//! What happened to runs, as sums.
//!
//! **Invariant:** sums only grow. What became of the runs themselves, deleted ones included,
//! changes nothing in them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use zapjobs_model::{QueueName, Timestamp};
use zapjobs_storage::{
    Activity, ErrorKind, Result, SPANS_MAX, Span, SpanStatistics, Statistics, StatisticsRequest,
    StorageError,
};

use crate::MemoryStorage;

/// Hours kept of each queue: 14 days, and the hour that is not over.
const HOURS_KEPT: usize = 14 * 24 + 1;
/// Days kept of each queue: as many as can be asked for.
const DAYS_KEPT: usize = SPANS_MAX;
/// Queues that are summed each by itself at most. What happens in queues that come later is
/// summed for all of them together, and stands in the sums of all queues only.
const QUEUES_SUMMED_MAX: usize = 1_000;

/// The sums of each queue.
#[derive(Default)]
pub(crate) struct Sums {
    by_queue: BTreeMap<QueueName, QueueSums>,
    other_queues: QueueSums,
}

/// One queue's sums by the beginnings of their spans. There are few spans: each is found in a
/// few steps.
#[derive(Default)]
struct QueueSums {
    hours: BTreeMap<Timestamp, Activity>,
    days: BTreeMap<Timestamp, Activity>,
    total: Activity,
}

impl Sums {
    /// Counts what happens in a queue now.
    pub(crate) fn count(&mut self, queue: &QueueName, activity: &Activity, now: Timestamp) {
        self.of_mut(queue).count(activity, now);
    }

    fn of_mut(&mut self, queue: &QueueName) -> &mut QueueSums {
        // Looked up first, so that the name is cloned only for a new queue.
        if !self.by_queue.contains_key(queue) {
            if self.by_queue.len() >= QUEUES_SUMMED_MAX {
                return &mut self.other_queues;
            }
            self.by_queue.insert(queue.clone(), QueueSums::default());
        }
        self.by_queue.get_mut(queue).expect("it is there or was just put there")
    }

    fn read(&self, request: &StatisticsRequest, now: Timestamp) -> Vec<SpanStatistics> {
        let mut sums: BTreeMap<Timestamp, Activity> = BTreeMap::new();
        for queue in self.asked_for(request.queue.as_ref()) {
            for (from, activity) in queue.spans(request, now) {
                sums.entry(from).or_default().add(activity);
            }
        }
        let rows = sums.into_iter().filter(|(_, activity)| !activity.is_nothing());
        rows.map(|(from, activity)| SpanStatistics { from, activity }).collect()
    }

    fn asked_for(&self, queue: Option<&QueueName>) -> Vec<&QueueSums> {
        match queue {
            Some(queue) => self.by_queue.get(queue).into_iter().collect(),
            None => self.by_queue.values().chain([&self.other_queues]).collect(),
        }
    }
}

impl QueueSums {
    fn count(&mut self, activity: &Activity, now: Timestamp) {
        count_in(&mut self.hours, Span::Hour, HOURS_KEPT, activity, now);
        count_in(&mut self.days, Span::Day, DAYS_KEPT, activity, now);
        self.total.add(activity);
    }

    /// The latest spans, oldest first.
    fn spans(&self, request: &StatisticsRequest, now: Timestamp) -> Vec<(Timestamp, &Activity)> {
        let spans = match request.span {
            Span::Hour => &self.hours,
            Span::Day => &self.days,
            Span::Total => return vec![(Span::Total.begin(now), &self.total)],
        };
        let first = request.span.begin_of_latest(request.latest, now);
        spans.range(first..).map(|(from, activity)| (*from, activity)).collect()
    }
}

/// Adds to the present span. A new one drops those that are older than what is kept.
fn count_in(
    spans: &mut BTreeMap<Timestamp, Activity>,
    span: Span,
    kept: usize,
    activity: &Activity,
    now: Timestamp,
) {
    let present = span.begin(now);
    if let Some(sum) = spans.get_mut(&present) {
        sum.add(activity);
        return;
    }
    *spans = spans.split_off(&span.begin_of_latest(kept, now));
    spans.insert(present, *activity);
}

#[async_trait]
impl Statistics for MemoryStorage {
    async fn statistics(&self, request: StatisticsRequest) -> Result<Vec<SpanStatistics>> {
        const OPERATION: &str = "read statistics";
        check_latest(OPERATION, &request)?;
        self.work(OPERATION, |work| Ok(work.state.statistics.read(&request, work.now)))
    }
}

/// Refuses too many spans, and none.
fn check_latest(operation: &'static str, request: &StatisticsRequest) -> Result<()> {
    if request.span == Span::Total || (1..=SPANS_MAX).contains(&request.latest) {
        return Ok(());
    }
    let message =
        format!("the latest {} spans were asked for: use 1 to {SPANS_MAX}", request.latest);
    Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
}
