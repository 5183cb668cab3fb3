//! What happened to runs, as sums.
//!
//! **Invariant:** whatever is counted is counted in the statement that does it, after the locks
//! of its runs and in the order of keys, so that no two statements wait for each other. Rows are
//! those of hours; only [`PostgresStorage::fold`] makes days and the total of them.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use zapjobs_storage::{
    Activity, Result, Span, SpanStatistics, Statistics, StatisticsRequest, check_spans,
};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::row::Columns;
use crate::session::Session;
use crate::storage::row_limit;

/// Rows that one statement folds at most.
const FOLDED_MAX: usize = 5_000;
/// Such statements in one call at most.
const ROUNDS_MAX: usize = 20;

/// The part of a statement that counts rows of `$of`, by their columns `tenant` and `queue`, as
/// `$what`.
macro_rules! counting {
    ($what:literal, $of:literal) => {
        concat!(
            "INSERT INTO {schema}.{prefix}statistics AS s (span, from_us, tenant, queue, slot, ",
            $what,
            ") SELECT 0, {hour}, tenant, queue, {slot}, count(*) FROM ",
            $of,
            " GROUP BY tenant, queue ORDER BY tenant, queue
            ON CONFLICT (span, from_us, tenant, queue, slot) DO UPDATE SET ",
            $what,
            " = s.",
            $what,
            " + excluded.",
            $what
        )
    };
}

pub(crate) use counting;

/// All sums over the rows of a group. Times stop at the greatest number that can be kept.
macro_rules! sums {
    () => {
        "sum(enqueued)::int8 AS enqueued, sum(started)::int8 AS started,
            sum(completed)::int8 AS completed, sum(failed)::int8 AS failed,
            sum(cancelled)::int8 AS cancelled, sum(retried)::int8 AS retried,
            sum(put_back)::int8 AS put_back,
            least(sum(cpu_us), 9223372036854775807)::int8 AS cpu_us,
            least(sum(wall_us), 9223372036854775807)::int8 AS wall_us"
    };
}

/// Moves up to `$2` rows that meet a condition into the span `$into`, each to the row that
/// begins at `$from`. Rows that a writer holds are passed over.
macro_rules! folding {
    ($into:literal, $from:literal, $where:literal) => {
        concat!(
            "WITH old AS MATERIALIZED (
                SELECT span, from_us, tenant, queue, slot FROM {schema}.{prefix}statistics WHERE ",
            $where,
            " ORDER BY from_us, tenant, queue, slot LIMIT $2 FOR UPDATE SKIP LOCKED),
            gone AS (
                DELETE FROM {schema}.{prefix}statistics s USING old
                WHERE s.span = old.span AND s.from_us = old.from_us
                    AND s.tenant = old.tenant AND s.queue = old.queue AND s.slot = old.slot RETURNING s.*),
            folded AS (
                INSERT INTO {schema}.{prefix}statistics AS s (span, from_us, tenant, queue,
                    slot, enqueued, started, completed, failed, cancelled, retried, put_back,
                    cpu_us, wall_us)
                SELECT ",
            $into,
            ", ",
            $from,
            " AS begins, tenant, queue, -1, ",
            sums!(),
            " FROM gone GROUP BY begins, tenant, queue ORDER BY begins, tenant, queue
                ON CONFLICT (span, from_us, tenant, queue, slot) DO UPDATE SET
                    enqueued = s.enqueued + excluded.enqueued,
                    started = s.started + excluded.started,
                    completed = s.completed + excluded.completed,
                    failed = s.failed + excluded.failed,
                    cancelled = s.cancelled + excluded.cancelled,
                    retried = s.retried + excluded.retried,
                    put_back = s.put_back + excluded.put_back,
                    cpu_us =
                        least(s.cpu_us::numeric + excluded.cpu_us, 9223372036854775807)::int8,
                    wall_us =
                        least(s.wall_us::numeric + excluded.wall_us, 9223372036854775807)::int8)
            SELECT count(*) FROM gone"
        )
    };
}

/// Slots from 32 on are those of the function `enqueue`, which writes a row at each call.
const MERGE_SLOTS: &str =
    folding!("0", "from_us", "span = 0 AND slot >= 0 AND (slot >= 32 OR from_us < {hour})");
/// 14 days.
const FOLD_HOURS: &str = folding!(
    "1",
    "from_us / 86400000000 * 86400000000",
    "span = 0 AND from_us < {hour} - 1209600000000"
);
/// 400 days.
const FOLD_DAYS: &str =
    folding!("2", "0", "span = 1 AND from_us < {now} / 86400000000 * 86400000000 - 34560000000000");
/// One at a time: they write the same rows.
const LOCK: &str = "SELECT 1 WHERE pg_try_advisory_xact_lock(
    hashtextextended('zapjobs statistics {channel}', 0))";

macro_rules! reading {
    ($from:literal, $where:literal) => {
        concat!(
            "SELECT ",
            $from,
            " AS begins, ",
            sums!(),
            " FROM {schema}.{prefix}statistics WHERE ",
            $where,
            " AND ($3::text IS NULL OR queue = $3) AND ($4::text IS NULL OR tenant = $4)
            GROUP BY begins ORDER BY begins"
        )
    };
}

const HOURS: &str = reading!("from_us", "span = 0 AND from_us >= {hour} - $2 * 3600000000");
const DAYS: &str = reading!(
    "from_us / 86400000000 * 86400000000",
    "span <= 1 AND from_us >= ({now} / 86400000000 - $2) * 86400000000"
);
/// As the others, the parameters included.
const TOTAL: &str = reading!("0::int8", "from_us >= least({now}, $2, -9223372036854775807)");

#[async_trait]
impl Statistics for PostgresStorage {
    async fn statistics(&self, request: StatisticsRequest) -> Result<Vec<SpanStatistics>> {
        const OPERATION: &str = "read statistics";
        check_spans(OPERATION, &request)?;
        let template = match request.span {
            Span::Hour => HOURS,
            Span::Day => DAYS,
            Span::Total => TOTAL,
        };
        let query = self.query(template).bind(row_limit(request.latest.saturating_sub(1)));
        let query = query.bind(request.queue.map(|queue| queue.as_str().to_owned()));
        let query = query.bind(request.tenant.map(|tenant| tenant.as_str().to_owned()));
        let mut session = self.session(OPERATION).await?;
        let rows = session.rows(query).await?;
        session.told(rows.iter().map(read_span).collect())
    }
}

impl PostgresStorage {
    /// Merges slots of past hours, and what the function `enqueue` counted; folds hours older
    /// than 14 days into days, and days older than 400 into the total. Passed over while
    /// another host does it.
    pub(crate) async fn fold(&self, session: &mut Session<'_>) -> Result<()> {
        for template in [MERGE_SLOTS, FOLD_HOURS, FOLD_DAYS] {
            for _ in 0..ROUNDS_MAX {
                if self.fold_some(session, template).await? < FOLDED_MAX {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Answers how many rows went.
    async fn fold_some(&self, session: &mut Session<'_>, template: &'static str) -> Result<usize> {
        session.begin().await?;
        let mut gone = 0;
        if session.row(self.query(LOCK)).await?.is_some() {
            let row = session.row(self.query(template).bind(row_limit(FOLDED_MAX))).await?;
            let count = row.as_ref().map(|row| Columns::new(row).bits()).transpose();
            gone = session.told(count)?.unwrap_or_default();
        }
        session.commit().await?;
        Ok(usize::try_from(gone).unwrap_or(usize::MAX))
    }
}

fn read_span(row: &PgRow) -> DbResult<SpanStatistics> {
    let mut columns = Columns::new(row);
    let from = columns.time()?;
    let mut activity = Activity::default();
    for sum in activity.values_mut() {
        *sum = columns.bits()?;
    }
    Ok(SpanStatistics { from, activity })
}
