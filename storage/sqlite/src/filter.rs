//! From a filter to SQL: conditions, their values, and the index that serves them best.
//!
//! **Invariant:** only numbers of statuses get into the text; all else is bound.

use rusqlite::types::Value;
use zapjobs_model::RunStatus;
use zapjobs_storage::RunFilter;

/// What a filter amounts to.
pub(crate) struct Conditions {
    /// The table that `r` stands for, with its index.
    pub(crate) from: String,
    /// Follows the joins of inputs and outcomes.
    pub(crate) where_clause: String,
    /// Bound in order.
    pub(crate) values: Vec<Value>,
    /// Whether the conditions look at inputs or outcomes.
    pub(crate) needs_joins: bool,
}

/// Every stored status; others are records set aside.
const ANY_STATUS: &str = "r.status BETWEEN 0 AND 7";

impl Conditions {
    pub(crate) fn of(filter: &RunFilter) -> Self {
        let mut built = Self {
            from: from(filter),
            where_clause: format!("WHERE {}", statuses(filter)),
            values: Vec::new(),
            needs_joins: filter.search.is_some(),
        };
        if let Some(tag) = &filter.tag {
            built.and("t.tag = ?", tag.as_str().to_owned());
        }
        if let Some(tenant) = &filter.tenant {
            built.and("r.tenant = ?", tenant.as_str().to_owned());
        }
        if let Some(job_type) = &filter.job_type {
            built.and("r.job_type = ?", job_type.as_str().to_owned());
        }
        if let Some(queue) = &filter.queue {
            built.and("r.queue = ?", queue.as_str().to_owned());
        }
        if let Some(time) = filter.created_from {
            built.and("r.created_at >= ?", time.as_micros());
        }
        if let Some(time) = filter.created_before {
            built.and("r.created_at < ?", time.as_micros());
        }
        if let Some(text) = &filter.search {
            built.search(text);
        }
        if let Some(batch) = filter.batch {
            built.and("r.batch = ?", batch.0.as_bytes().to_vec());
        }
        built
    }

    pub(crate) fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.where_clause.push_str(" AND ");
        self.where_clause.push_str(condition);
        self.values.push(value.into());
    }

    /// SQLite's `lower` knows ASCII only, as the contract wants.
    fn search(&mut self, text: &str) {
        const ID: &str = "lower(substr(hex(r.id), 1, 8) || '-' || substr(hex(r.id), 9, 4) || '-' \
             || substr(hex(r.id), 13, 4) || '-' || substr(hex(r.id), 17, 4) || '-' \
             || substr(hex(r.id), 21))";
        let places = [ID, "lower(r.job_type)", "lower(i.correlation_id)", "lower(o.error_message)"];
        let found = places.map(|place| format!("coalesce(instr({place}, ?) > 0, 0)"));
        self.where_clause.push_str(&format!(" AND ({})", found.join(" OR ")));
        let needle = text.to_ascii_lowercase();
        self.values.extend(std::iter::repeat_n(Value::from(needle), places.len()));
    }
}

fn statuses(filter: &RunFilter) -> String {
    match filter.statuses.as_slice() {
        [] => ANY_STATUS.to_owned(),
        // Not as a list: a partial index is found by this very term.
        [status] => format!("r.status = {}", status.code()),
        statuses => {
            let codes: Vec<String> =
                statuses.iter().map(|status| status.code().to_string()).collect();
            format!("r.status IN ({})", codes.join(", "))
        }
    }
}

/// What most narrows the search: a label, a rare status, the job, the tenant; else the table
/// itself, newest first.
fn from(filter: &RunFilter) -> String {
    let indexed = |index: &str| format!("{{prefix}}runs r INDEXED BY {{prefix}}{index}");
    if filter.tag.is_some() {
        return "{prefix}tags t CROSS JOIN {prefix}runs r ON r.id = t.id".to_owned();
    }
    if filter.batch.is_some() {
        return indexed("runs_by_batch");
    }
    match filter.statuses.as_slice() {
        [RunStatus::Running] => return indexed("runs_running"),
        [status] if is_listed(*status) => return indexed("runs_listed"),
        _ => {}
    }
    if filter.job_type.is_some() {
        indexed("runs_by_job")
    } else if filter.tenant.is_some() {
        indexed("runs_by_tenant")
    } else {
        "{prefix}runs r NOT INDEXED".to_owned()
    }
}

const fn is_listed(status: RunStatus) -> bool {
    status.is_delayed()
        || matches!(status, RunStatus::Failed | RunStatus::Cancelled | RunStatus::Held)
}
