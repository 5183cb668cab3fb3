//! Runs that have been ready for long.
//!
//! Within a lane, the index of pending runs stands in the order of priorities, and within each in
//! the order in which runs became ready: from one priority to the next it is one seek, and what is
//! old stands at the beginning.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;
use zapjobs_model::RunId;
use zapjobs_storage::{AGED_MAX, AgedRequest, Aging, Result};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::DbResult;
use crate::runs::lanes;

pub(crate) const NEXT_LEVEL: &str = "SELECT priority
    FROM {prefix}runs INDEXED BY {prefix}runs_pending
    WHERE status = 0 AND tenant = ?1 AND queue = ?2 AND priority < ?3
    ORDER BY priority DESC LIMIT 1";
pub(crate) const OLD: &str = "SELECT id FROM {prefix}runs INDEXED BY {prefix}runs_pending
    WHERE status = 0 AND tenant = ?1 AND queue = ?2 AND priority = ?3 AND due_at < ?4
    ORDER BY due_at, id LIMIT ?5";

#[async_trait]
impl Aging for SqliteStorage {
    async fn aged(&self, request: &AgedRequest) -> Result<Vec<RunId>> {
        let request = request.clone();
        self.read("list runs that have been ready for long", move |db| aged(db, &request)).await
    }
}

fn aged(db: &Db, request: &AgedRequest) -> DbResult<Vec<RunId>> {
    let limit = request.limit.min(AGED_MAX);
    let before = request.ready_before.as_micros();
    let mut found = Vec::new();
    for lanes::Lane { tenant, queue } in lanes::all(db, &request.queues)? {
        let mut level = i64::from(request.below.get());
        loop {
            if found.len() >= limit {
                return Ok(found);
            }
            let next = db
                .prepare(NEXT_LEVEL)?
                .query_row(params![tenant, queue, level], |row| row.get::<_, i64>(0));
            let Some(next) = next.optional()? else { break };
            level = next;
            let left = (limit - found.len()) as i64;
            let mut statement = db.prepare(OLD)?;
            let mut rows = statement.query(params![tenant, queue, level, before, left])?;
            while let Some(row) = rows.next()? {
                found.push(RunId(Uuid::from_bytes(row.get(0)?)));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use rusqlite::types::Value;
    use zapjobs_model::Timestamp;

    use super::*;
    use crate::SqliteOptions;

    #[test]
    fn each_look_is_one_seek_into_the_index_alone() {
        let db = Db::open_writer(&SqliteOptions::memory()).unwrap();
        crate::migrate::up(&db, Timestamp::from_micros(0)).unwrap();
        for (sql, seek) in [
            (NEXT_LEVEL, "(tenant=? AND queue=? AND priority<?)"),
            (OLD, "(tenant=? AND queue=? AND priority=? AND due_at<?)"),
        ] {
            let explained = format!("EXPLAIN QUERY PLAN {}", db.expand(sql));
            let mut statement = db.conn.prepare(&explained).unwrap();
            let none = vec![Value::Null; statement.parameter_count()];
            let given = rusqlite::params_from_iter(none);
            let plan: String = statement.query_row(given, |row| row.get(3)).unwrap();
            let index = "USING COVERING INDEX zapjobs_runs_pending ";
            assert!(plan.contains(&format!("{index}{seek}")), "{sql}: {plan}");
        }
    }
}
