//! What happened to runs, as sums.
//!
//! **Invariant:** sums only grow. What became of the runs themselves, deleted ones included,
//! changes nothing in them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use zapjobs_model::{QueueName, Run, TenantId, Timestamp};
use zapjobs_storage::{
    Activity, Result, SPANS_MAX, Span, SpanStatistics, Statistics, StatisticsRequest, check_spans,
};

use crate::MemoryStorage;

/// Hours kept of each lane: 14 days, and the hour that is not over.
const HOURS_KEPT: usize = 14 * 24 + 1;
/// Days kept of each lane: as many as can be asked for.
const DAYS_KEPT: usize = SPANS_MAX;
/// Lanes, pairs of tenant and queue, that are summed each by itself at most. What happens in
/// lanes that come later is summed for all of them together, and stands only in the sums of all
/// tenants and queues.
const LANES_SUMMED_MAX: usize = 1_000;

/// The sums of each lane.
#[derive(Default)]
pub(crate) struct Sums {
    by_tenant: BTreeMap<TenantId, BTreeMap<QueueName, LaneSums>>,
    lanes: usize,
    other_lanes: LaneSums,
}

/// One lane's sums by the beginnings of their spans. There are few spans: each is found in a
/// few steps.
#[derive(Default)]
struct LaneSums {
    hours: BTreeMap<Timestamp, Activity>,
    days: BTreeMap<Timestamp, Activity>,
    total: Activity,
}

impl Sums {
    /// Counts what happens to a run now.
    pub(crate) fn count(&mut self, run: &Run, activity: &Activity, now: Timestamp) {
        self.of_mut(&run.tenant, &run.queue).count(activity, now);
    }

    fn of_mut(&mut self, tenant: &TenantId, queue: &QueueName) -> &mut LaneSums {
        // Looked up first, so that names are cloned only for a new lane.
        if !self.by_tenant.get(tenant).is_some_and(|queues| queues.contains_key(queue)) {
            if self.lanes >= LANES_SUMMED_MAX {
                return &mut self.other_lanes;
            }
            self.lanes += 1;
            let queues = self.by_tenant.entry(tenant.clone()).or_default();
            queues.insert(queue.clone(), LaneSums::default());
        }
        let queues = self.by_tenant.get_mut(tenant);
        let lane = queues.and_then(|queues| queues.get_mut(queue));
        lane.expect("it is there or was just put there")
    }

    fn read(&self, request: &StatisticsRequest, now: Timestamp) -> Vec<SpanStatistics> {
        let mut sums: BTreeMap<Timestamp, Activity> = BTreeMap::new();
        for lane in self.asked_for(request) {
            for (from, activity) in lane.spans(request, now) {
                sums.entry(from).or_default().add(activity);
            }
        }
        let rows = sums.into_iter().filter(|(_, activity)| !activity.is_nothing());
        rows.map(|(from, activity)| SpanStatistics { from, activity }).collect()
    }

    fn asked_for(&self, request: &StatisticsRequest) -> Vec<&LaneSums> {
        let tenants: Vec<_> = match &request.tenant {
            Some(tenant) => self.by_tenant.get(tenant).into_iter().collect(),
            None => self.by_tenant.values().collect(),
        };
        let queues = tenants.into_iter();
        match (&request.tenant, &request.queue) {
            (_, Some(queue)) => queues.filter_map(|queues| queues.get(queue)).collect(),
            (Some(_), None) => queues.flat_map(BTreeMap::values).collect(),
            (None, None) => queues.flat_map(BTreeMap::values).chain([&self.other_lanes]).collect(),
        }
    }
}

impl LaneSums {
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
        check_spans(OPERATION, &request)?;
        self.work(OPERATION, |work| Ok(work.state.statistics.read(&request, work.now)))
    }
}
