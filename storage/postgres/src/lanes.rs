//! Lanes: a lane is a queue of a tenant in which runs are pending.
//!
//! The index of pending runs begins with the lane, so that the next lane behind one is found by
//! one look into it: the cost is that of the lanes, however many runs wait in each.
//!
//! **Invariant:** tenant and queue are compared together, as a row, and sorted by both. So only
//! the index of lanes has the order that is asked for. With an equation the planner could take
//! the order of all runs instead, where it knows of one tenant, and then walk past all runs of
//! that one to find those of a new one.

use zapjobs_model::TenantId;
use zapjobs_storage::{QueueSelection, Result, TENANT_SHARES_MAX};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::Columns;
use crate::session::Session;
use crate::storage::row_limit;

/// The run that goes first in the first lane at or behind a place, as a subquery.
macro_rules! first_of_lane {
    ($tenant:literal, $queue:expr) => {
        concat!(
            "(SELECT w.tenant, w.queue, w.priority, w.due_at, w.id FROM {schema}.{prefix}runs w
                WHERE w.status = 0 AND (w.tenant, w.queue) >= (",
            $tenant,
            ", ",
            $queue,
            ") ORDER BY w.tenant, w.queue, w.priority DESC, w.due_at, w.id LIMIT 1)"
        )
    };
}

/// Behind lane `l` and every name of a queue: where the next tenant begins.
macro_rules! next_tenant {
    () => {
        "greatest('~', l.queue || chr(1))"
    };
}

/// Behind lane `l`: the next of the queues in a parameter, or else the next tenant.
macro_rules! next_selected {
    ($queues:literal) => {
        concat!(
            "coalesce((SELECT min(q COLLATE \"C\") FROM unnest(",
            $queues,
            "::text[]) AS q WHERE q COLLATE \"C\" > l.queue), ",
            next_tenant!(),
            ")"
        )
    };
}

pub(crate) use {first_of_lane, next_selected, next_tenant};

/// `$1` is the tenant behind which they stand, or '', and `$2` how many. A query reads only so
/// many rows of a recursive one as it needs.
pub(crate) const READY_OF_ALL: &str = concat!(
    "WITH RECURSIVE lane AS (
        SELECT h.* FROM ",
    first_of_lane!("$1::text", "'~'"),
    " AS h
        UNION ALL
        SELECT n.* FROM lane l CROSS JOIN LATERAL ",
    first_of_lane!("l.tenant", next_tenant!()),
    " AS n)
    SELECT tenant FROM lane LIMIT $2"
);
/// The same of the queues `$3`. A lane that is none of theirs leads to the next one of theirs.
pub(crate) const READY_OF_QUEUES: &str = concat!(
    "WITH RECURSIVE lane AS (
        SELECT h.* FROM ",
    first_of_lane!("$1::text", "'~'"),
    " AS h
        UNION ALL
        SELECT n.* FROM lane l CROSS JOIN LATERAL ",
    first_of_lane!(
        "l.tenant",
        concat!(
            "CASE WHEN l.queue = ANY ($3::text[]) THEN ",
            next_tenant!(),
            " ELSE ",
            next_selected!("$3"),
            " END"
        )
    ),
    " AS n)
    SELECT tenant FROM lane WHERE queue = ANY ($3) LIMIT $2"
);
/// No more than `$2` entries of each index are looked at. Sorted, for the same reason as lanes.
pub(crate) const WAITING: &str = "SELECT least($2, (SELECT count(*) FROM (
            SELECT 1 FROM {schema}.{prefix}runs WHERE status = 0 AND tenant >= $1 AND tenant <= $1
            ORDER BY tenant LIMIT $2) AS pending)
        + (SELECT count(*) FROM (
            SELECT 1 FROM {schema}.{prefix}runs
            WHERE (status = 1 OR status = 6) AND tenant >= $1 AND tenant <= $1
            ORDER BY tenant LIMIT $2) AS delayed)
        + (SELECT count(*) FROM (
            SELECT 1 FROM {schema}.{prefix}runs WHERE status = 7 AND tenant >= $1 AND tenant <= $1
            ORDER BY tenant LIMIT $2) AS held))";

/// Names of queues as statements want them: each once, in their order.
pub(crate) fn queue_names(queues: &QueueSelection) -> Option<Vec<String>> {
    let QueueSelection::Only(queues) = queues else { return None };
    let mut names: Vec<String> = queues.iter().map(|queue| queue.as_str().to_owned()).collect();
    names.sort();
    names.dedup();
    Some(names)
}

impl PostgresStorage {
    /// Tenants with a pending run, in the order of their names.
    pub(crate) async fn list_ready_tenants(
        &self,
        session: &mut Session<'_>,
        queues: &QueueSelection,
        after: Option<&TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>> {
        let bind = |template| {
            let after = after.map_or_else(String::new, |after| after.as_str().to_owned());
            self.query(template).bind(after).bind(row_limit(limit.min(TENANT_SHARES_MAX)))
        };
        let query = match queue_names(queues) {
            Some(names) => bind(READY_OF_QUEUES).bind(names),
            None => bind(READY_OF_ALL),
        };
        let mut tenants = Vec::new();
        for row in &session.rows(query).await? {
            match Columns::new(row).name(TenantId::new) {
                Ok(tenant) => tenants.push(tenant),
                // Its runs are set aside once they are claimed without shares.
                Err(error) if is_of_record(&error) => {
                    tracing::error!(?error, "passed over pending runs of an unreadable tenant");
                }
                Err(error) => return session.told(Err(error)),
            }
        }
        Ok(tenants)
    }

    /// How many of a tenant's runs wait, up to a number.
    pub(crate) async fn count_waiting(
        &self,
        session: &mut Session<'_>,
        tenant: &TenantId,
        up_to: u64,
    ) -> Result<u64> {
        let up_to = i64::try_from(up_to).unwrap_or(i64::MAX);
        let query = self.query(WAITING).bind(tenant.as_str().to_owned()).bind(up_to);
        let row = session.row(query).await?;
        let count: DbResult<Option<u64>> =
            row.as_ref().map(|row| Columns::new(row).bits()).transpose();
        Ok(session.told(count)?.unwrap_or_default())
    }
}
