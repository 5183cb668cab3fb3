//! Which runs a listing takes.

use zapjobs_model::Run;
use zapjobs_storage::RunFilter;

/// A filter, with its search text in lower case.
pub(crate) struct Matcher<'a> {
    filter: &'a RunFilter,
    search: Option<String>,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(filter: &'a RunFilter) -> Self {
        Self { filter, search: filter.search.as_deref().map(str::to_ascii_lowercase) }
    }

    /// Whether every condition holds.
    pub(crate) fn takes(&self, run: &Run) -> bool {
        let filter = self.filter;
        (filter.statuses.is_empty() || filter.statuses.contains(&run.status))
            && filter.tenant.as_ref().is_none_or(|tenant| *tenant == run.tenant)
            && filter.job_type.as_ref().is_none_or(|job_type| *job_type == run.job_type)
            && filter.queue.as_ref().is_none_or(|queue| *queue == run.queue)
            && filter.tag.as_ref().is_none_or(|tag| run.tags.contains(tag))
            && filter.created_from.is_none_or(|from| run.created_at >= from)
            && filter.created_before.is_none_or(|before| run.created_at < before)
            && self.search.as_deref().is_none_or(|text| is_found(run, text))
    }
}

fn is_found(run: &Run, text: &str) -> bool {
    let contains = |field: &str| field.to_ascii_lowercase().contains(text);
    contains(&run.id.to_string())
        || contains(run.job_type.as_str())
        || run.correlation_id.as_ref().is_some_and(|id| contains(id.as_str()))
        || run.error.as_ref().is_some_and(|error| contains(&error.message))
}
