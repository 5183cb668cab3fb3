//! What happened to runs, as sums.
//!
//! **Invariant:** sums are written in the transaction of what they count. Only hours are
//! counted into; days and the total are answered from all rows, and `fold` moves old rows on,
//! so that each happening stands in exactly one row.

mod counted;
mod fold;

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::params;
use zapjobs_model::Timestamp;
use zapjobs_storage::{
    Activity, Result, Span, SpanStatistics, Statistics, StatisticsRequest, check_spans,
};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::Columns;

pub(crate) use counted::Counted;
pub(crate) use fold::fold;

/// The sums' columns, in the order of [`Activity::NAMES`].
macro_rules! sums {
    () => {
        "enqueued, started, completed, failed, cancelled, retried, put_back, cpu_us, wall_us"
    };
}
use sums;

const SINCE: &str = concat!(
    "SELECT begins_at, ",
    sums!(),
    " FROM {prefix}statistics
    WHERE span = ?1 AND begins_at >= ?2 AND (?3 IS NULL OR queue = ?3)
        AND (?4 IS NULL OR tenant = ?4)"
);
/// The same of one tenant in one hour, which hosts with quotas ask for often: one seek.
const OF_HOUR: &str = concat!(
    "SELECT begins_at, ",
    sums!(),
    " FROM {prefix}statistics
    WHERE span = ?1 AND begins_at = ?2 AND (?3 IS NULL OR queue = ?3) AND tenant = ?4"
);

#[async_trait]
impl Statistics for SqliteStorage {
    async fn statistics(&self, request: StatisticsRequest) -> Result<Vec<SpanStatistics>> {
        const OPERATION: &str = "read statistics";
        check_spans(OPERATION, &request)?;
        let now = self.clock().now();
        self.read(OPERATION, move |db| since(db, &request, now)).await
    }
}

fn since(db: &Db, request: &StatisticsRequest, now: Timestamp) -> DbResult<Vec<SpanStatistics>> {
    let from = request.span.begin_of_latest(request.latest, now).as_micros();
    let queue = request.queue.as_ref().map(|queue| queue.as_str());
    let tenant = request.tenant.as_ref().map(|tenant| tenant.as_str());
    let is_present_hour = request.span == Span::Hour && request.latest == 1;
    let sql = if is_present_hour && tenant.is_some() { OF_HOUR } else { SINCE };
    let mut sums = BTreeMap::<Timestamp, Activity>::new();
    for part in parts(request.span) {
        let mut statement = db.prepare(sql)?;
        let mut rows = statement.query(params![code(*part), from, queue, tenant])?;
        while let Some(row) = rows.next()? {
            let mut columns = Columns::new(row);
            let begin = request.span.begin(columns.time()?);
            sums.entry(begin).or_default().add(&read_or_nothing(&mut columns)?);
        }
    }
    let spans = sums.into_iter().map(|(from, activity)| SpanStatistics { from, activity });
    Ok(spans.filter(|span| !span.activity.is_nothing()).collect())
}

/// The rows that make up a span: those of its own kind and all shorter ones.
const fn parts(span: Span) -> &'static [Span] {
    match span {
        Span::Hour => &[Span::Hour],
        Span::Day => &[Span::Hour, Span::Day],
        Span::Total => &[Span::Hour, Span::Day, Span::Total],
    }
}

/// The stored number of a span; it never changes meaning.
const fn code(span: Span) -> i64 {
    match span {
        Span::Hour => 0,
        Span::Day => 1,
        Span::Total => 2,
    }
}

/// The sums that come next in a row. Damaged ones count as nothing: they must stop no write.
fn read_or_nothing(columns: &mut Columns<'_>) -> DbResult<Activity> {
    match read(columns) {
        Ok(activity) => Ok(activity),
        Err(error) if is_of_record(&error) => {
            tracing::error!(?error, "passed over unreadable statistics");
            Ok(Activity::default())
        }
        Err(error) => Err(error),
    }
}

fn read(columns: &mut Columns<'_>) -> DbResult<Activity> {
    let mut activity = Activity::default();
    for sum in activity.values_mut() {
        *sum = columns.bits()?;
    }
    Ok(activity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_in_the_order_of_the_sums() {
        assert_eq!(sums!(), Activity::NAMES.join(", "));
    }
}
