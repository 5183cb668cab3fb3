//! What is summed with what: hours, days, all time; queues.

use std::time::Duration;

use zapjobs_model::{Timestamp, Transition, Usage};
use zapjobs_storage::{ErrorKind, SPANS_MAX, Span, SpanStatistics, StatisticsRequest};

use crate::Fixture;
use crate::actions::{completed, refused};
use crate::builders::{MICROSECOND, a_run};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

impl Fixture {
    /// Stores a run, which counts.
    async fn happen(&self) {
        self.enqueue(a_run("mail")).await;
    }

    /// Goes to the beginning of the next such span.
    fn begin_next(&self, span: Span, length: Duration) -> Timestamp {
        let next = span.begin(self.now()).plus(length);
        self.clock.set(next);
        next
    }

    /// How many runs were stored in each span.
    async fn enqueued(&self, span: Span, latest: usize) -> Vec<(Timestamp, u64)> {
        of_each(self.statistics(span, latest, None).await)
    }
}

fn of_each(rows: Vec<SpanStatistics>) -> Vec<(Timestamp, u64)> {
    rows.into_iter().map(|row| (row.from, row.activity.enqueued)).collect()
}

pub(crate) async fn hours_are_summed_apart_oldest_first(f: &Fixture) {
    let first = Span::Hour.begin(f.now());
    f.happen().await;
    f.happen().await;
    let second = f.begin_next(Span::Hour, HOUR);
    f.happen().await;
    assert_eq!(f.enqueued(Span::Hour, 10).await, [(first, 2), (second, 1)]);
}

pub(crate) async fn an_hour_begins_with_its_very_first_instant(f: &Fixture) {
    let first = Span::Hour.begin(f.now());
    f.clock.set(first.plus(HOUR - MICROSECOND));
    f.happen().await;
    f.clock.advance(MICROSECOND);
    f.happen().await;
    assert_eq!(f.enqueued(Span::Hour, 10).await, [(first, 1), (first.plus(HOUR), 1)]);
}

pub(crate) async fn hours_without_anything_are_left_out(f: &Fixture) {
    let first = Span::Hour.begin(f.now());
    f.happen().await;
    f.clock.advance(HOUR * 5);
    f.happen().await;
    assert_eq!(f.enqueued(Span::Hour, 10).await, [(first, 1), (first.plus(HOUR * 5), 1)]);
    f.clock.advance(HOUR);
    assert_eq!(f.enqueued(Span::Hour, 1).await, [], "nothing has happened in the present hour");
}

pub(crate) async fn days_are_summed_apart(f: &Fixture) {
    let first = Span::Day.begin(f.now());
    f.happen().await;
    f.clock.set(first.plus(DAY - MICROSECOND));
    f.happen().await;
    let second = f.begin_next(Span::Day, DAY);
    f.happen().await;
    assert_eq!(f.enqueued(Span::Day, 10).await, [(first, 2), (second, 1)]);
}

pub(crate) async fn all_time_is_one_span(f: &Fixture) {
    f.happen().await;
    f.clock.advance(DAY * 500);
    f.happen().await;
    assert_eq!(f.enqueued(Span::Total, 1).await, [(Timestamp::from_micros(0), 2)]);
}

pub(crate) async fn the_latest_spans_end_with_the_present_one(f: &Fixture) {
    for (span, length) in [(Span::Hour, HOUR), (Span::Day, DAY)] {
        let mut begins = Vec::new();
        for _ in 0..3 {
            begins.push(f.begin_next(span, length));
            f.happen().await;
        }
        let latest = |rows: Vec<(Timestamp, u64)>| -> Vec<Timestamp> {
            rows.into_iter().map(|(from, _)| from).collect()
        };
        assert_eq!(latest(f.enqueued(span, 1).await), begins[2..]);
        assert_eq!(latest(f.enqueued(span, 2).await), begins[1..]);
        f.clock.advance(length);
        assert_eq!(latest(f.enqueued(span, 2).await), begins[2..], "the present one is empty");
        f.clock.advance(length * 50);
    }
}

pub(crate) async fn happenings_are_counted_by_the_stores_time(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let early = f.now();
    let present = f.begin_next(Span::Hour, HOUR);
    assert!(early < present);
    f.apply(Transition { at: early, ..f.transition(&run, completed()) }).await;
    let rows = f.statistics(Span::Hour, 1, None).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].from, rows[0].activity.completed), (present, 1));
}

pub(crate) async fn queues_are_summed_apart_and_together(f: &Fixture) {
    let mails = || a_run("mail").queue("mails");
    f.enqueue_all([mails(), mails(), a_run("mail").queue("Mails"), a_run("mail")]).await;
    assert_eq!(f.claim_from(&["mails"], 1).await.len(), 1);
    for span in [Span::Hour, Span::Day, Span::Total] {
        for (queue, enqueued, started) in
            [(Some("mails"), 2, 1), (Some("Mails"), 1, 0), (Some("default"), 1, 0), (None, 4, 1)]
        {
            let rows = f.statistics(span, 1, queue).await;
            assert_eq!(rows.len(), 1, "{span:?} of {queue:?}");
            let sums = rows[0].activity;
            assert_eq!((sums.enqueued, sums.started), (enqueued, started), "{queue:?}");
        }
        assert_eq!(f.statistics(span, 1, Some("none")).await, []);
    }
}

pub(crate) async fn spans_of_several_queues_are_put_together(f: &Fixture) {
    let first = Span::Hour.begin(f.now());
    f.enqueue(a_run("mail").queue("a")).await;
    let second = f.begin_next(Span::Hour, HOUR);
    f.enqueue_all([a_run("mail").queue("a"), a_run("mail").queue("b")]).await;
    assert_eq!(f.enqueued(Span::Hour, 2).await, [(first, 1), (second, 2)]);
    let of_b = f.statistics(Span::Hour, 2, Some("b")).await;
    assert_eq!(of_each(of_b), [(second, 1)]);
}

pub(crate) async fn hours_are_kept_for_14_days(f: &Fixture) {
    let first = Span::Hour.begin(f.now());
    f.happen().await;
    for _ in 0..14 {
        f.clock.advance(DAY);
        f.happen().await;
    }
    let rows = f.enqueued(Span::Hour, 14 * 24 + 1).await;
    assert_eq!((rows.len(), rows[0]), (15, (first, 1)));
}

pub(crate) async fn days_are_kept_for_as_long_as_they_can_be_asked_for(f: &Fixture) {
    let first = Span::Day.begin(f.now());
    f.happen().await;
    f.clock.advance(DAY * (SPANS_MAX as u32 - 2));
    f.happen().await;
    f.clock.advance(DAY);
    f.happen().await;
    let rows = f.enqueued(Span::Day, SPANS_MAX).await;
    assert_eq!((rows.len(), rows[0]), (3, (first, 1)));
    assert_eq!(f.enqueued(Span::Day, SPANS_MAX - 1).await.len(), 2);
}

pub(crate) async fn tenants_are_summed_apart_and_together(f: &Fixture) {
    for (name, count) in [("acme", 1), ("zeta", 2)] {
        for _ in 0..count {
            let run = f.running(a_run("mail").tenant(name)).await;
            let usage = Usage { cpu_us: 7, ..Usage::default() };
            let end = Transition { usage, ..f.transition(&run, completed()) };
            f.apply(end).await;
        }
    }
    for span in [Span::Hour, Span::Day, Span::Total] {
        let sums = async |tenant| {
            let rows = f.statistics_of(span, 5, tenant, None).await;
            rows.first()
                .map(|row| (row.activity.enqueued, row.activity.completed, row.activity.cpu_us))
        };
        assert_eq!(sums(Some("acme")).await, Some((1, 1, 7)));
        assert_eq!(sums(Some("zeta")).await, Some((2, 2, 14)));
        assert_eq!(sums(None).await, Some((3, 3, 21)));
        assert_eq!(sums(Some("none")).await, None);
    }
}

pub(crate) async fn a_queue_of_one_tenant_is_summed_apart(f: &Fixture) {
    f.enqueue_all([
        a_run("mail").tenant("acme").queue("q"),
        a_run("mail").tenant("acme").queue("r"),
        a_run("mail").tenant("zeta").queue("q"),
        a_run("mail").tenant("zeta").queue("q"),
    ])
    .await;
    let enqueued = async |tenant, queue| {
        let rows = f.statistics_of(Span::Hour, 1, tenant, queue).await;
        rows.first().map_or(0, |row| row.activity.enqueued)
    };
    assert_eq!(enqueued(Some("acme"), Some("q")).await, 1);
    assert_eq!(enqueued(Some("zeta"), Some("q")).await, 2);
    assert_eq!(enqueued(None, Some("q")).await, 3);
    assert_eq!(enqueued(Some("acme"), None).await, 2);
    assert_eq!(enqueued(Some("zeta"), Some("r")).await, 0);
}

pub(crate) async fn one_to_the_most_spans_can_be_asked_for(f: &Fixture) {
    f.happen().await;
    for span in [Span::Hour, Span::Day] {
        for latest in [0, SPANS_MAX + 1, usize::MAX] {
            let request = StatisticsRequest { span, latest, tenant: None, queue: None };
            refused(f.storage.statistics(request).await, ErrorKind::InvalidRequest);
        }
        assert_eq!(f.statistics(span, SPANS_MAX, None).await.len(), 1);
    }
    assert_eq!(f.statistics(Span::Total, 0, None).await.len(), 1, "it has no meaning there");
}
