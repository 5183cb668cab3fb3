//! What one group of writes has counted, before it is written.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};
use zapjobs_model::Timestamp;
use zapjobs_storage::{Activity, Span};

use super::{code, read_or_nothing, sums};
use crate::db::Db;
use crate::error::DbResult;
use crate::row::Columns;

const ONE: &str = concat!(
    "SELECT ",
    sums!(),
    " FROM {prefix}statistics WHERE span = ?1 AND begins_at = ?2 AND tenant = ?3
    AND queue = ?4"
);
const WRITE: &str = concat!(
    "INSERT OR REPLACE INTO {prefix}statistics (span, begins_at, tenant, queue, ",
    sums!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
);

/// Sums by tenant and queue.
type ByTenant = HashMap<String, HashMap<String, Activity>>;

/// Sums by hour, tenant and queue. Bounded by what one group writes.
#[derive(Default)]
pub(crate) struct Counted {
    // One hour, save for a group that was under way at its end.
    hours: Vec<(Timestamp, ByTenant)>,
}

impl Counted {
    pub(crate) fn add(&mut self, now: Timestamp, tenant: &str, queue: &str, activity: &Activity) {
        let hour = Span::Hour.begin(now);
        let at = self.hours.iter().position(|(begin, _)| *begin == hour).unwrap_or_else(|| {
            self.hours.push((hour, ByTenant::new()));
            self.hours.len() - 1
        });
        let tenants = &mut self.hours[at].1;
        // Looked up first, so that names are cloned only where they are new.
        if !tenants.contains_key(tenant) {
            tenants.insert(tenant.to_owned(), HashMap::new());
        }
        let queues = tenants.get_mut(tenant).expect("it is there or was just put there");
        match queues.get_mut(queue) {
            Some(sums) => sums.add(activity),
            None => {
                queues.insert(queue.to_owned(), *activity);
            }
        }
    }

    /// Writes everything, each hour, tenant and queue once.
    pub(crate) fn write(&self, db: &Db) -> DbResult<()> {
        for (hour, tenants) in &self.hours {
            for (tenant, queues) in tenants {
                for (queue, activity) in queues {
                    add(db, Span::Hour, *hour, [tenant, queue], activity)?;
                }
            }
        }
        Ok(())
    }
}

/// Adds to one row. Read and written under the same lock, and not added up by SQLite, whose
/// integers have 63 bits.
pub(super) fn add(
    db: &Db,
    span: Span,
    begin: Timestamp,
    [tenant, queue]: [&str; 2],
    more: &Activity,
) -> DbResult<()> {
    let key = params![code(span), begin.as_micros(), tenant, queue];
    let stored = db
        .prepare(ONE)?
        .query_row(key, |row| Ok(read_or_nothing(&mut Columns::new(row))))
        .optional()?
        .transpose()?;
    let mut activity = stored.unwrap_or_default();
    activity.add(more);
    let [enqueued, started, completed, failed, cancelled, retried, put_back, cpu_us, wall_us] =
        activity.values().map(u64::cast_signed);
    db.prepare(WRITE)?.execute(params![
        code(span),
        begin.as_micros(),
        tenant,
        queue,
        enqueued,
        started,
        completed,
        failed,
        cancelled,
        retried,
        put_back,
        cpu_us,
        wall_us,
    ])?;
    Ok(())
}
