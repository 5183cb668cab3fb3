//! Failed runs, by job and by what they failed of.

use std::collections::BTreeMap;

use serde::Serialize;
use zapjobs_model::{JobType, Run, RunId, RunStatus, TenantId, Timestamp};
use zapjobs_storage::{PAGE_MAX, RunFilter, RunPageRequest, StorageError};

use crate::bulk::BULK_MAX;
use crate::client::Client;

/// Failed runs of one job with one type of error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetters {
    /// Which job.
    pub job_type: JobType,
    /// The errors' type; empty where a run says none.
    pub error_type: String,
    /// How many.
    pub count: usize,
    /// When the first of them failed.
    pub first_at: Option<Timestamp>,
    /// When the latest of them failed.
    pub latest_at: Option<Timestamp>,
    /// The newest run of them.
    pub latest_run: RunId,
    /// What its error says.
    pub message: String,
}

/// All groups.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DeadLetterGroups {
    /// The largest first, then by job and error type.
    pub groups: Vec<DeadLetters>,
    /// Whether there are more failed runs than were looked at, the newest [`BULK_MAX`].
    pub has_more: bool,
}

impl Client {
    /// A tenant's failed runs in groups.
    ///
    /// *Cost:* reads every failed run, in pages.
    pub async fn dead_letters(&self, tenant: &TenantId) -> Result<DeadLetterGroups, StorageError> {
        let filter = RunFilter {
            statuses: vec![RunStatus::Failed],
            tenant: Some(tenant.clone()),
            ..RunFilter::default()
        };
        let mut request = RunPageRequest { filter, after: None, limit: PAGE_MAX };
        let mut groups = BTreeMap::<(JobType, String), DeadLetters>::new();
        let (mut seen, mut has_more) = (0, false);
        loop {
            let page = self.storage().runs(request.clone()).await?;
            seen += page.runs.len();
            page.runs.iter().for_each(|run| take(&mut groups, run));
            request.after = page.next;
            if page.next.is_none() {
                break;
            }
            if seen >= BULK_MAX {
                has_more = true;
                break;
            }
        }
        let mut groups: Vec<DeadLetters> = groups.into_values().collect();
        // Stable: those of one size stay in the order of their names.
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        Ok(DeadLetterGroups { groups, has_more })
    }
}

/// Adds a run, which is older than those before it.
fn take(groups: &mut BTreeMap<(JobType, String), DeadLetters>, run: &Run) {
    let error_type = run.error.as_ref().map_or("", |error| &error.error_type).to_owned();
    let group = groups.entry((run.job_type.clone(), error_type.clone()));
    let group = group.or_insert_with(|| DeadLetters {
        job_type: run.job_type.clone(),
        error_type,
        count: 0,
        first_at: None,
        latest_at: None,
        latest_run: run.id,
        message: run.error.as_ref().map_or_else(String::new, |error| error.message.clone()),
    });
    group.count += 1;
    group.latest_at = group.latest_at.max(run.finished_at);
    group.first_at = match (group.first_at, run.finished_at) {
        (Some(first), Some(ended)) => Some(first.min(ended)),
        (first, ended) => first.or(ended),
    };
}
