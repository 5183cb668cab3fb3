//! Which tenants and queues have pending runs.
//!
//! A lane is a pair of tenant and queue. The index of pending runs stands in the order of
//! lanes, so that from one lane to the next it is one seek, however many runs wait in each.

use rusqlite::params;
use rusqlite::types::Value;
use zapjobs_model::TenantId;
use zapjobs_storage::QueueSelection;

use crate::db::Db;
use crate::error::DbResult;

/// A tenant and a queue, as they are stored: an unreadable name is a lane too, so that its runs
/// are found and set aside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub(crate) tenant: Value,
    pub(crate) queue: Value,
}

// Two seeks from lane to lane, and not one by `(tenant, queue) > (?, ?)`: SQLite would seek to the
// tenant alone, and walk over all of a lane's runs to its end.
const NEXT_QUEUE: &str = "SELECT tenant, queue FROM {prefix}runs INDEXED BY {prefix}runs_pending
    WHERE status = 0 AND tenant = ?1 AND queue > ?2 ORDER BY queue LIMIT 1";
const NEXT_TENANT: &str = "SELECT tenant, queue FROM {prefix}runs INDEXED BY {prefix}runs_pending
    WHERE status = 0 AND tenant > ?1 ORDER BY tenant, queue LIMIT 1";
const HAS_RUNS: &str = "SELECT 1 FROM {prefix}runs INDEXED BY {prefix}runs_pending
    WHERE status = 0 AND tenant = ?1 AND queue = ?2 LIMIT 1";

/// The lanes of the selected queues, of every tenant. Some may hold nothing.
pub(crate) fn all(db: &Db, queues: &QueueSelection) -> DbResult<Vec<Lane>> {
    let mut lanes = Vec::new();
    match queues {
        QueueSelection::All => {
            let mut last = Lane { tenant: before_all(), queue: before_all() };
            while let Some(next) = next(db, &last)? {
                lanes.push(next.clone());
                last = next;
            }
        }
        QueueSelection::Only(_) => {
            let mut last = before_all();
            while let Some(next) = one(db, NEXT_TENANT, params![last])? {
                lanes.extend(named(&next.tenant, queues));
                last = next.tenant;
            }
        }
    }
    Ok(lanes)
}

/// The first lane behind this one.
fn next(db: &Db, last: &Lane) -> DbResult<Option<Lane>> {
    let of_tenant = one(db, NEXT_QUEUE, params![last.tenant, last.queue])?;
    match of_tenant {
        Some(lane) => Ok(Some(lane)),
        None => one(db, NEXT_TENANT, params![last.tenant]),
    }
}

/// The lanes of the selected queues, of one tenant. Some may hold nothing.
pub(crate) fn of(db: &Db, tenant: &TenantId, queues: &QueueSelection) -> DbResult<Vec<Lane>> {
    let tenant = Value::from(tenant.as_str().to_owned());
    if matches!(queues, QueueSelection::Only(_)) {
        return Ok(named(&tenant, queues));
    }
    let mut lanes = Vec::new();
    let mut last = before_all();
    while let Some(next) = one(db, NEXT_QUEUE, params![tenant, last])? {
        last.clone_from(&next.queue);
        lanes.push(next);
    }
    Ok(lanes)
}

/// Tenants with a pending run in one of the selected queues, behind `after`, in their order.
pub(crate) fn ready_tenants(
    db: &Db,
    queues: &QueueSelection,
    after: Option<&TenantId>,
    limit: usize,
) -> DbResult<Vec<TenantId>> {
    let mut ready = Vec::new();
    let mut last = after.map_or_else(before_all, |after| after.as_str().to_owned().into());
    while ready.len() < limit
        && let Some(next) = one(db, NEXT_TENANT, params![last])?
    {
        // An unreadable name is nobody's; a claim of all tenants sets its runs aside.
        if let Value::Text(name) = &next.tenant
            && let Ok(tenant) = TenantId::new(name)
            && has_runs(db, &next.tenant, queues)?
        {
            ready.push(tenant);
        }
        last = next.tenant;
    }
    Ok(ready)
}

fn has_runs(db: &Db, tenant: &Value, queues: &QueueSelection) -> DbResult<bool> {
    if *queues == QueueSelection::All {
        return Ok(true);
    }
    for lane in named(tenant, queues) {
        if db.prepare(HAS_RUNS)?.exists(params![lane.tenant, lane.queue])? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The lanes of a tenant in the queues that are named, each once.
fn named(tenant: &Value, queues: &QueueSelection) -> Vec<Lane> {
    let QueueSelection::Only(names) = queues else { return Vec::new() };
    let mut names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let lane = |name: &str| Lane { tenant: tenant.clone(), queue: name.to_owned().into() };
    names.into_iter().map(lane).collect()
}

/// Sorts before every name.
fn before_all() -> Value {
    Value::Text(String::new())
}

fn one(db: &Db, sql: &'static str, place: &[&dyn rusqlite::ToSql]) -> DbResult<Option<Lane>> {
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query(place)?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Lane { tenant: row.get(0)?, queue: row.get(1)? }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use zapjobs_model::Timestamp;

    use super::*;
    use crate::SqliteOptions;
    use crate::runs::claim::PICK;

    /// What SQLite means to do, one step a line.
    fn plan(db: &Db, sql: &str) -> String {
        let sql = format!("EXPLAIN QUERY PLAN {}", db.expand(sql));
        let mut statement = db.conn.prepare(&sql).unwrap();
        let none = vec![Value::Null; statement.parameter_count()];
        let steps = statement
            .query_map(rusqlite::params_from_iter(none), |row| row.get::<_, String>(3))
            .unwrap();
        steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("\n")
    }

    #[test]
    fn each_step_from_lane_to_lane_is_one_seek_into_the_index_alone() {
        let db = Db::open_writer(&SqliteOptions::memory()).unwrap();
        crate::migrate::up(&db, Timestamp::from_micros(0)).unwrap();
        for (sql, seek) in [
            (NEXT_QUEUE, "(tenant=? AND queue>?)"),
            (NEXT_TENANT, "(tenant>?)"),
            (HAS_RUNS, "(tenant=? AND queue=?)"),
            (PICK, "(tenant=? AND queue=?)"),
        ] {
            let plan = plan(&db, sql);
            let index = "USING COVERING INDEX zapjobs_runs_pending ";
            assert!(plan.contains(&format!("{index}{seek}")), "{sql}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
