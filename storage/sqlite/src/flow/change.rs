//! A limit is put, changed or lifted.

use rusqlite::params;
use zapjobs_model::flow::{InvalidFlowLimit, LIMITS_MAX};
use zapjobs_model::{FlowLimit, FlowLimits, LimitChange, LimitScope, Line};
use zapjobs_storage::ErrorKind;

use super::{limits, settling};
use crate::error::{DbError, DbResult};
use crate::runs::row_limit;
use crate::writer::Tx;

/// Ready runs that one write holds at most, so that claims get their turn in between.
const HELD_PER_WRITE_MAX: usize = 1_000;

const PUT: &str = "INSERT OR REPLACE INTO {prefix}flow_limits (scope, allows, is_settling)
    VALUES (?1, ?2, 1)";
const SETTLED: &str = "UPDATE {prefix}flow_limits SET is_settling = 0 WHERE scope = ?1";
const DELETE: &str = "DELETE FROM {prefix}flow_limits WHERE scope = ?1";
/// Makes the triggers look at the runs anew: each is held, and gives back what it has.
const HOLD: &str = "UPDATE {prefix}runs SET status = 7, line = tenant || '/' || queue || '/'
        || job_type || coalesce('/' || limit_key, '')
    WHERE id = ?1";
const NOTE_RUNNING: &str = "UPDATE {prefix}runs SET admitted = 1 WHERE id = ?1";
const FREE: &str = "DELETE FROM {prefix}flow_slots WHERE id = ?1";
pub(super) const TAKE: &str = "INSERT OR IGNORE INTO {prefix}flow_slots (gate, id) VALUES (?1, ?2)";

pub(super) fn change(
    tx: &mut Tx<'_>,
    scope: &LimitScope,
    change: &LimitChange,
) -> DbResult<Option<FlowLimit>> {
    let limits = limits(tx.db)?;
    let invalid =
        |error: InvalidFlowLimit| DbError::Told(ErrorKind::InvalidRequest, error.to_string());
    let changed = change.apply(scope, limits.get(scope)).map_err(invalid)?;
    if changed.is_some() && limits.get(scope).is_none() && limits.len() >= LIMITS_MAX {
        return Err(invalid(InvalidFlowLimit::TooMany));
    }
    let name = scope.to_string();
    match &changed {
        None => {
            tx.db.prepare(DELETE)?.execute([name])?;
        }
        Some(limit) => {
            let allows = serde_json::to_string(limit).expect("plain data serialises");
            tx.db.prepare(PUT)?.execute(params![name, allows])?;
        }
    }
    Ok(changed)
}

/// Runs under way within a scope have a slot in each of their gates.
fn count_running(tx: &Tx<'_>, limits: &FlowLimits, scope: &LimitScope) -> DbResult<()> {
    let (condition, values) = within(scope);
    let sql = format!(
        "SELECT id, tenant || '/' || queue || '/' || job_type || coalesce('/' || limit_key, '')
         FROM {{prefix}}runs WHERE status = 2 AND {condition}"
    );
    let mut statement = tx.db.prepare_composed(&sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?))
    })?;
    for (id, line) in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        // One that cannot be read is set aside when it is next met.
        let Ok(line) = line.parse::<Line>() else { continue };
        tx.db.prepare(FREE)?.execute([&id])?;
        for (gate, _) in limits.gates(&line).filter(|(_, limit)| limit.concurrency.is_some()) {
            tx.db.prepare(TAKE)?.execute(params![gate, id])?;
        }
        tx.db.prepare(NOTE_RUNNING)?.execute([&id])?;
    }
    Ok(())
}

/// Holds some of the runs of a scope that were ready before its limit. Answers whether it is
/// settled: none is left, and those under way are counted.
pub(super) fn settle(tx: &mut Tx<'_>, scope: &LimitScope) -> DbResult<bool> {
    let limits = limits(tx.db)?;
    // Another was faster, or it was lifted meanwhile.
    if !settling(tx.db)?.contains(scope) {
        return Ok(true);
    }
    if hold_ready(tx, scope)? {
        return Ok(false);
    }
    count_running(tx, &limits, scope)?;
    tx.db.prepare(SETTLED)?.execute([scope.to_string()])?;
    Ok(true)
}

/// Answers whether there may be more.
fn hold_ready(tx: &Tx<'_>, scope: &LimitScope) -> DbResult<bool> {
    let (condition, values) = within(scope);
    let sql = format!(
        "SELECT id FROM {{prefix}}runs INDEXED BY {{prefix}}runs_pending
         WHERE status = 0 AND {condition} LIMIT {}",
        row_limit(HELD_PER_WRITE_MAX)
    );
    let mut statement = tx.db.prepare_composed(&sql)?;
    let rows =
        statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, Vec<u8>>(0))?;
    let ids = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for id in &ids {
        tx.db.prepare(HOLD)?.execute([id])?;
    }
    Ok(ids.len() == HELD_PER_WRITE_MAX)
}

/// The condition that a run is within a scope, and its values.
fn within(scope: &LimitScope) -> (&'static str, Vec<String>) {
    match scope {
        LimitScope::Everything => ("true", Vec::new()),
        LimitScope::Tenant(tenant) => ("tenant = ?1", vec![tenant.to_string()]),
        LimitScope::Queue(queue) => ("queue = ?1", vec![queue.to_string()]),
        LimitScope::Job(job) => (
            "tenant = ?1 AND job_type = ?2",
            vec![job.tenant.to_string(), job.job_type.to_string()],
        ),
        LimitScope::PerKey(job) => (
            "tenant = ?1 AND job_type = ?2 AND limit_key IS NOT NULL",
            vec![job.tenant.to_string(), job.job_type.to_string()],
        ),
    }
}
