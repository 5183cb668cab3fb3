//! Old hours become part of their day, old days part of the total.

use std::time::Duration;

use rusqlite::params;
use zapjobs_model::Timestamp;
use zapjobs_storage::{Activity, Span};

use super::counted::add;
use super::{code, read_or_nothing, sums};
use crate::error::DbResult;
use crate::row::Columns;
use crate::runs::row_limit;
use crate::writer::Tx;

/// How long hours are kept before they are folded into days.
const HOURS_KEPT: Duration = Duration::from_secs(14 * 86_400);
/// How long days are kept before they are folded into the total.
const DAYS_KEPT: Duration = Duration::from_secs(400 * 86_400);
/// Rows of one kind that one write folds at most, so that claims get their turn in between.
const FOLD_ROWS_MAX: usize = 200;

const OLD: &str = concat!(
    "SELECT begins_at, tenant, queue, ",
    sums!(),
    " FROM {prefix}statistics WHERE span = ?1 AND begins_at < ?2
    ORDER BY begins_at, tenant, queue LIMIT ?3"
);
const DELETE: &str =
    "DELETE FROM {prefix}statistics WHERE span = ?1 AND begins_at = ?2 AND tenant = ?3
    AND queue = ?4";

/// Folds a bounded number of old rows. Answers whether there may be more.
pub(crate) fn fold(tx: &mut Tx<'_>) -> DbResult<bool> {
    let hours = fold_kind(tx, Span::Hour, Span::Day, HOURS_KEPT)?;
    let days = fold_kind(tx, Span::Day, Span::Total, DAYS_KEPT)?;
    Ok(hours.max(days) == FOLD_ROWS_MAX)
}

fn fold_kind(tx: &Tx<'_>, from: Span, into: Span, kept: Duration) -> DbResult<usize> {
    let before = from.begin(tx.now).minus(kept);
    let old = old_rows(tx, from, before)?;
    for (begin, tenant, queue, activity) in &old {
        add(tx.db, into, into.begin(*begin), [tenant, queue], activity)?;
        tx.db.prepare(DELETE)?.execute(params![code(from), begin.as_micros(), tenant, queue])?;
    }
    Ok(old.len())
}

fn old_rows(
    tx: &Tx<'_>,
    span: Span,
    before: Timestamp,
) -> DbResult<Vec<(Timestamp, String, String, Activity)>> {
    let mut statement = tx.db.prepare(OLD)?;
    let limit = row_limit(FOLD_ROWS_MAX);
    let mut rows = statement.query(params![code(span), before.as_micros(), limit])?;
    let mut old = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = Columns::new(row);
        old.push((
            columns.time()?,
            columns.value()?,
            columns.value()?,
            read_or_nothing(&mut columns)?,
        ));
    }
    Ok(old)
}
