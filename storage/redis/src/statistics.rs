//! What happened, as sums: a hash for each hour, for each day and for all time, with a field
//! for each queue and sum.
//!
//! The standard tenant's sums and those of all others together stand in one hash, those of the
//! others behind a comma, and each other tenant has a hash of its own beside: so an answer reads
//! one hash for each span, which grows with the queues and not with the tenants.

use async_trait::async_trait;
use zapjobs_model::{TenantId, Timestamp};
use zapjobs_storage::{
    Activity, Result, Span, SpanStatistics, Statistics, StatisticsRequest, Storage as _,
    check_spans,
};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::describe;

#[async_trait]
impl Statistics for RedisStorage {
    async fn statistics(&self, request: StatisticsRequest) -> Result<Vec<SpanStatistics>> {
        const OPERATION: &str = "read statistics";
        self.check_open(OPERATION)?;
        check_spans(OPERATION, &request)?;
        let spans = spans(&request, self.now().await?);
        let mut commands = redis::pipe();
        let standard = TenantId::standard();
        let of_tenant = request.tenant.as_ref().filter(|tenant| **tenant != standard);
        let ending = of_tenant.map(|tenant| format!(":{tenant}")).unwrap_or_default();
        for (name, _) in &spans {
            commands.cmd("HGETALL").arg(self.keys.named(&format!("stats:{name}{ending}")));
        }
        let answers = self.link.read(&commands).await;
        let answers = answers.map_err(|error| describe(OPERATION, &error))?;
        let mut statistics = Vec::new();
        for ((_, from), answer) in spans.iter().zip(&answers) {
            let fields = Answer::of(OPERATION, answer).fields()?;
            let activity = activity(&fields, &request);
            if !activity.is_nothing() {
                statistics.push(SpanStatistics { from: *from, activity });
            }
        }
        Ok(statistics)
    }
}

/// The names of the spans asked for and when they began, oldest first.
fn spans(request: &StatisticsRequest, now: Timestamp) -> Vec<(String, Timestamp)> {
    let name = match request.span {
        Span::Hour => "hour",
        Span::Day => "day",
        Span::Total => "total",
    };
    let Some(length) = request.span.length() else {
        return vec![(name.to_owned(), request.span.begin(now))];
    };
    let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    let mut from = request.span.begin_of_latest(request.latest, now);
    let mut spans = Vec::with_capacity(request.latest);
    for _ in 0..request.latest {
        spans.push((format!("{name}:{}", from.as_micros().div_euclid(micros)), from));
        from = from.plus(length);
    }
    spans
}

/// The sums asked for in the fields of a span; a field that was spoilt is passed over.
fn activity(fields: &[(&[u8], &[u8])], request: &StatisticsRequest) -> Activity {
    let mut activity = Activity::default();
    for (field, sum) in fields {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let Some((of, name)) = text(field).and_then(|field| field.rsplit_once('/')) else {
            continue;
        };
        let Some(sum) = text(sum).and_then(|sum| sum.parse::<u64>().ok()) else { continue };
        let (is_of_others, queue) = match of.strip_prefix(',') {
            Some(queue) => (true, queue),
            None => (false, of),
        };
        let is_other_tenant = is_of_others && request.tenant.is_some();
        if is_other_tenant || request.queue.as_ref().is_some_and(|asked| asked.as_str() != queue) {
            continue;
        }
        for (known, value) in Activity::NAMES.into_iter().zip(activity.values_mut()) {
            if known == name {
                *value = value.saturating_add(sum);
            }
        }
    }
    activity
}
