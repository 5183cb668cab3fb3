//! A limit is put, changed or lifted.

use uuid::Uuid;
use zapjobs_model::flow::{InvalidFlowLimit, LIMITS_MAX};
use zapjobs_model::{FlowLimit, LimitChange, LimitScope};
use zapjobs_storage::Result;

use super::{InForce, LOOK, line};
use crate::PostgresStorage;
use crate::error::invalid;
use crate::row::Columns;
use crate::session::{Bound, Session};
use crate::storage::row_limit;

/// Ready runs that one write holds at most.
const HELD_PER_WRITE_MAX: usize = 1_000;

/// Whoever writes runs finishes first, and whoever comes then sees the limit: or one that was
/// submitted without it would slip by. Writers wait behind it, so it does not wait for long.
const WAIT_BRIEFLY: &str = "SELECT set_config('lock_timeout', '5s', true)";
const STOP_WRITERS: &str = "LOCK TABLE {schema}.{prefix}runs IN SHARE ROW EXCLUSIVE MODE";
const ENABLE: &str = "ALTER TABLE {schema}.{prefix}runs ENABLE TRIGGER {prefix}flow_hold";
const DISABLE: &str = "ALTER TABLE {schema}.{prefix}runs DISABLE TRIGGER {prefix}flow_hold";
const PUT: &str = "INSERT INTO {schema}.{prefix}flow_limits (scope, allows, is_settling)
    VALUES ($1, $2, true)
    ON CONFLICT (scope) DO UPDATE SET allows = excluded.allows, is_settling = true";
const DELETE: &str = "DELETE FROM {schema}.{prefix}flow_limits WHERE scope = $1";
const SETTLED: &str =
    "UPDATE {schema}.{prefix}flow_limits SET is_settling = false WHERE scope = $1";

/// A scope as values, `$1` to `$4`: what is null is any.
macro_rules! within {
    () => {
        "($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR queue = $2)
         AND ($3::text IS NULL OR job_type = $3) AND (NOT $4 OR limit_key IS NOT NULL)"
    };
}
/// The trigger sees to what such a run had.
const HOLD: &str = concat!(
    "UPDATE {schema}.{prefix}runs SET status = 7,
        line = tenant || '/' || queue || '/' || job_type || coalesce('/' || limit_key, '')
    WHERE id = ANY (ARRAY(SELECT id FROM {schema}.{prefix}runs WHERE status = 0 AND ",
    within!(),
    " LIMIT $5 FOR UPDATE))"
);
/// In the order of ids, as ends of attempts lock them.
const RUNNING: &str = concat!(
    "UPDATE {schema}.{prefix}runs SET admitted = true
    WHERE id = ANY (ARRAY(SELECT id FROM {schema}.{prefix}runs WHERE status = 2 AND ",
    within!(),
    " ORDER BY id FOR UPDATE)) RETURNING id, tenant || '/' || queue || '/' || job_type || coalesce('/' || limit_key, '')"
);
const FREE: &str = "DELETE FROM {schema}.{prefix}flow_slots WHERE id = ANY ($1)";
pub(super) const TAKE: &str = "INSERT INTO {schema}.{prefix}flow_slots (gate, id)
    SELECT * FROM unnest($1::text[], $2::uuid[]) ON CONFLICT DO NOTHING";

impl PostgresStorage {
    pub(super) async fn write_limit(
        &self,
        session: &mut Session<'_>,
        scope: &LimitScope,
        change: &LimitChange,
    ) -> Result<Option<FlowLimit>> {
        session.begin().await?;
        session.row(self.query(LOOK)).await?;
        let InForce { limits, .. } = self.in_force(session).await?;
        let changed = change.apply(scope, limits.get(scope)).and_then(|changed| {
            let is_new = changed.is_some() && limits.get(scope).is_none();
            if is_new && limits.len() >= LIMITS_MAX {
                return Err(InvalidFlowLimit::TooMany);
            }
            Ok(changed)
        });
        let changed = match changed {
            Ok(changed) => changed,
            Err(error) => {
                session.roll_back().await?;
                return Err(invalid("change the limit", error.to_string()));
            }
        };
        let name = scope.to_string();
        match &changed {
            Some(limit) => {
                session.row(self.query(WAIT_BRIEFLY)).await?;
                session.change(self.query(STOP_WRITERS)).await?;
                let allows = serde_json::to_string(limit).expect("plain data serialises");
                session.change(self.query(PUT).bind(name).bind(allows)).await?;
                if limits.is_empty() {
                    session.change(self.query(ENABLE)).await?;
                }
            }
            None => {
                let gone = session.change(self.query(DELETE).bind(name)).await?;
                if gone > 0 && limits.len() == 1 {
                    session.row(self.query(WAIT_BRIEFLY)).await?;
                    session.change(self.query(DISABLE)).await?;
                }
            }
        }
        session.commit().await?;
        Ok(changed)
    }

    /// Holds some of the runs of a scope that were ready before its limit. Answers whether it is
    /// settled: none is left, and those under way are counted.
    pub(super) async fn settle_limit(
        &self,
        session: &mut Session<'_>,
        scope: &LimitScope,
    ) -> Result<bool> {
        session.begin().await?;
        session.row(self.query(LOOK)).await?;
        let is_settled = self.settle_within(session, scope).await?;
        session.commit().await?;
        Ok(is_settled)
    }

    /// The same within a transaction.
    pub(super) async fn settle_within(
        &self,
        session: &mut Session<'_>,
        scope: &LimitScope,
    ) -> Result<bool> {
        let InForce { limits, settling } = self.in_force(session).await?;
        // Another was faster, or it was lifted meanwhile.
        if !settling.contains(scope) {
            return Ok(true);
        }
        let hold = within(self.query(HOLD), scope).bind(row_limit(HELD_PER_WRITE_MAX));
        if session.change(hold).await? > 0 {
            return Ok(false);
        }
        let rows = session.rows(within(self.query(RUNNING), scope)).await?;
        let (mut gates, mut takers, mut running) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let mut columns = Columns::new(row);
            let id: Uuid = session.told(columns.value())?;
            let name: String = session.told(columns.value())?;
            running.push(id);
            // One that cannot be read is set aside when it is next met.
            let Ok(line) = line(&name) else { continue };
            for (gate, _) in limits.gates(&line).filter(|(_, limit)| limit.concurrency.is_some()) {
                gates.push(gate);
                takers.push(id);
            }
        }
        session.change(self.query(FREE).bind(running)).await?;
        session.change(self.query(TAKE).bind(gates).bind(takers)).await?;
        session.change(self.query(SETTLED).bind(scope.to_string())).await?;
        Ok(true)
    }
}

/// Binds a scope.
fn within(query: Bound, scope: &LimitScope) -> Bound {
    let (tenant, queue, job_type) = match scope {
        LimitScope::Everything => (None, None, None),
        LimitScope::Tenant(tenant) => (Some(tenant.to_string()), None, None),
        LimitScope::Queue(queue) => (None, Some(queue.to_string()), None),
        LimitScope::Job(job) | LimitScope::PerKey(job) => {
            (Some(job.tenant.to_string()), None, Some(job.job_type.to_string()))
        }
    };
    let is_per_key = matches!(scope, LimitScope::PerKey(_));
    query.bind(tenant).bind(queue).bind(job_type).bind(is_per_key)
}
