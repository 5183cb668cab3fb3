//! Which runs are meant, as queries and bodies say it.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use zapjobs_model::{BatchId, JobType, QueueName, RunStatus, Tag, Timestamp};
use zapjobs_storage::RunFilter;

use crate::access::Caller;
use crate::http::query::commas;

/// Which runs.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FilterQuery {
    /// Runs that stand so: pending, scheduled, running, completed, failed, cancelled,
    /// awaiting-retry, held; several separated by commas.
    #[serde(deserialize_with = "commas")]
    #[param(value_type = String)]
    status: Vec<RunStatus>,
    /// Runs of this job.
    #[param(value_type = Option<String>)]
    job_type: Option<JobType>,
    /// Runs of this queue.
    #[param(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// Runs with this label.
    #[param(value_type = Option<String>)]
    tag: Option<Tag>,
    /// Runs created at this instant or later.
    #[param(value_type = Option<String>)]
    created_from: Option<Timestamp>,
    /// Runs created before this instant.
    #[param(value_type = Option<String>)]
    created_before: Option<Timestamp>,
    /// Runs whose id, job, correlation id or error message contains this.
    search: Option<String>,
    /// Members of this batch.
    #[param(value_type = Option<String>)]
    batch: Option<BatchId>,
    /// Go on behind this place: `next` of the page before.
    pub(super) cursor: Option<String>,
    /// Runs on one page, 1 to 1,000; 50 where absent.
    pub(super) limit: Option<u16>,
}

/// Which runs.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FilterBody {
    /// Runs that stand so; all to which it can be done where absent.
    #[schema(value_type = Vec<String>)]
    status: Vec<RunStatus>,
    /// Runs of this job.
    #[schema(value_type = Option<String>)]
    job_type: Option<JobType>,
    /// Runs of this queue.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// Runs with this label.
    #[schema(value_type = Option<String>)]
    tag: Option<Tag>,
    /// Runs created at this instant or later.
    #[schema(value_type = Option<String>)]
    created_from: Option<Timestamp>,
    /// Runs created before this instant.
    #[schema(value_type = Option<String>)]
    created_before: Option<Timestamp>,
    /// Runs whose id, job, correlation id or error message contains this.
    search: Option<String>,
    /// Members of this batch.
    #[schema(value_type = Option<String>)]
    batch: Option<BatchId>,
    /// Runs whose error has this type.
    pub(super) error_type: Option<String>,
}

impl FilterQuery {
    pub(super) fn filter(self, caller: &Caller) -> RunFilter {
        RunFilter {
            statuses: self.status,
            tenant: caller.view().cloned(),
            job_type: self.job_type,
            queue: self.queue,
            tag: self.tag,
            created_from: self.created_from,
            created_before: self.created_before,
            search: self.search,
            batch: self.batch,
        }
    }
}

impl FilterBody {
    pub(super) fn filter(self, caller: &Caller) -> RunFilter {
        RunFilter {
            statuses: self.status,
            tenant: caller.view().cloned(),
            job_type: self.job_type,
            queue: self.queue,
            tag: self.tag,
            created_from: self.created_from,
            created_before: self.created_before,
            search: self.search,
            batch: self.batch,
        }
    }
}
