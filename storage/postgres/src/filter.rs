//! From a filter to SQL: conditions with their values.
//!
//! **Invariant:** only numbers of statuses get into the text; all else is bound.

use sqlx::{Postgres, QueryBuilder};
use zapjobs_storage::RunFilter;

use crate::text::to_stored;

/// Adds the conditions of a filter on `runs r`, `inputs i` and `outcomes o`.
pub(crate) fn push_conditions(sql: &mut QueryBuilder<Postgres>, filter: &RunFilter) {
    push_statuses(sql, filter);
    if let Some(tag) = &filter.tag {
        sql.push(" AND t.tag = ").push_bind(tag.as_str().to_owned());
    }
    if let Some(tenant) = &filter.tenant {
        sql.push(" AND i.tenant = ").push_bind(tenant.as_str().to_owned());
    }
    if let Some(job_type) = &filter.job_type {
        sql.push(" AND i.job_type = ").push_bind(job_type.as_str().to_owned());
    }
    if let Some(queue) = &filter.queue {
        sql.push(" AND r.queue = ").push_bind(queue.as_str().to_owned());
    }
    if let Some(time) = filter.created_from {
        sql.push(" AND i.created_at >= ").push_bind(time.as_micros());
    }
    if let Some(time) = filter.created_before {
        sql.push(" AND i.created_at < ").push_bind(time.as_micros());
    }
    if let Some(text) = &filter.search {
        push_search(sql, text);
    }
    if let Some(batch) = filter.batch {
        sql.push(" AND i.batch = ").push_bind(batch.0);
    }
}

/// Every stored status where none is named; others are records set aside.
fn push_statuses(sql: &mut QueryBuilder<Postgres>, filter: &RunFilter) {
    match filter.statuses.as_slice() {
        [] => sql.push("r.status BETWEEN 0 AND 7"),
        // Not as a list: a partial index is found by this very term.
        [status] => sql.push("r.status = ").push(status.code()),
        statuses => {
            let codes: Vec<String> =
                statuses.iter().map(|status| status.code().to_string()).collect();
            sql.push("r.status IN (").push(codes.join(", ")).push(")")
        }
    };
}

/// In the C collation `lower` knows ASCII only, as the contract wants.
fn push_search(sql: &mut QueryBuilder<Postgres>, text: &str) {
    const PLACES: [&str; 4] = ["r.id::text", "i.job_type", "i.correlation_id", "o.error_message"];
    let needle = to_stored(&text.to_ascii_lowercase()).into_owned();
    sql.push(" AND (false");
    for place in PLACES {
        sql.push(" OR strpos(lower((").push(place).push(") COLLATE \"C\"), ");
        sql.push_bind(needle.clone()).push(") > 0");
    }
    sql.push(")");
}

/// The tables that a filter looks at. Inputs are left out where nothing is asked of them.
pub(crate) fn tables(filter: &RunFilter, with_payloads: bool) -> String {
    let mut from = "{schema}.{prefix}runs r".to_owned();
    let by_input = filter.tenant.is_some()
        || filter.job_type.is_some()
        || filter.created_from.is_some()
        || filter.created_before.is_some()
        || filter.search.is_some()
        || filter.batch.is_some();
    if with_payloads || by_input {
        from.push_str(" JOIN {schema}.{prefix}inputs i ON i.id = r.id");
    }
    if with_payloads || filter.search.is_some() {
        from.push_str(
            " LEFT JOIN {schema}.{prefix}outcomes o ON o.id = r.id AND o.lease = r.lease",
        );
    }
    if filter.tag.is_some() {
        from.push_str(" JOIN {schema}.{prefix}tags t ON t.id = r.id");
    }
    from
}
