//! Changes of many runs, as the API reads them.

use serde::Serialize;
use serde_json::json;
use zapjobs_model::{RunStatus, Timestamp};
use zapjobs_runtime::Selection;
use zapjobs_storage::Alteration;

/// Which runs.
#[derive(Serialize)]
pub(super) struct FilterBody<'a> {
    status: &'a [RunStatus],
    job_type: Option<&'a str>,
    queue: Option<&'a str>,
    tag: Option<&'a str>,
    created_from: Option<Timestamp>,
    created_before: Option<Timestamp>,
    search: Option<&'a str>,
    error_type: Option<&'a str>,
}

/// What is to be done, and to which runs, in one body.
pub(super) fn order(alteration: &Alteration, which: &serde_json::Value) -> Vec<u8> {
    let mut order = which.clone();
    order["action"] = match alteration {
        Alteration::Cancel => json!("cancel"),
        Alteration::Requeue { .. } => json!("retry"),
        Alteration::Delete => json!("delete"),
        Alteration::RunNow => json!("run-now"),
        Alteration::Move(queue) => {
            order["queue"] = json!(queue);
            json!("move")
        }
        Alteration::Prioritise(priority) => {
            order["priority"] = json!(priority);
            json!("prioritise")
        }
    };
    serde_json::to_vec(&order).expect("it has text keys")
}

/// The runs that a selection takes, as the API reads it.
pub(super) fn filter(selection: &Selection) -> FilterBody<'_> {
    let filter = &selection.filter;
    FilterBody {
        status: &filter.statuses,
        job_type: filter.job_type.as_ref().map(|it| it.as_str()),
        queue: filter.queue.as_ref().map(|it| it.as_str()),
        tag: filter.tag.as_ref().map(|it| it.as_str()),
        created_from: filter.created_from,
        created_before: filter.created_before,
        search: filter.search.as_deref(),
        error_type: selection.error_type.as_deref(),
    }
}
