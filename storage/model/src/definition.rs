//! A job type as configured.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Digest, JobDescription, JobType, Json, QueueName, RetryPolicy, RunStatus, Schedule, Tag,
    TenantId,
};

/// Names a definition: job types are each tenant's own names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    /// Whose definition it is.
    pub tenant: TenantId,
    /// Which job.
    pub job_type: JobType,
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.job_type)
    }
}

/// A job type as configured: what its plugin declares, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobDefinition {
    /// Its name.
    pub key: JobKey,
    /// What people call it.
    pub display_name: String,
    /// What it does.
    pub description: String,
    /// Where its runs wait unless said otherwise.
    pub queue: QueueName,
    /// When its plugin wants it to run by itself: what its schedule is made from.
    pub schedule: Schedule,
    /// How often a run is tried, and how long it waits in between.
    pub retry: RetryPolicy,
    /// Wall-clock limit of one attempt, in milliseconds; the host's default where absent.
    pub timeout_ms: Option<u64>,
    /// Labels that its runs inherit.
    pub tags: Vec<Tag>,
    /// What a scheduled run is given.
    pub default_input: Json,
    /// JSON Schema of the input.
    pub input_schema: Option<Json>,
    /// JSON Schema of the output.
    pub output_schema: Option<Json>,
    /// The code that serves it; absent once its plugin was removed.
    pub digest: Option<Digest>,
    /// How its latest finished run ended.
    pub last_status: Option<RunStatus>,
}

impl JobDefinition {
    /// The definition that a plugin's description amounts to, before anything has run.
    pub fn from_description(tenant: TenantId, job: &JobDescription, digest: Digest) -> Self {
        Self {
            key: JobKey { tenant, job_type: job.job_type.clone() },
            display_name: job.display_name.clone(),
            description: job.description.clone(),
            queue: job.queue.clone().unwrap_or_else(QueueName::standard),
            schedule: job.schedule.clone(),
            retry: job.retry.clone(),
            timeout_ms: job.timeout_ms,
            tags: job.tags.clone(),
            default_input: job.default_input.clone().unwrap_or_else(Json::null),
            input_schema: job.input_schema.clone(),
            output_schema: job.output_schema.clone(),
            digest: Some(digest),
            last_status: None,
        }
    }

    /// What to store when a plugin (again) declares this definition and `stored` is there
    /// already: the declaration wins, save for what has happened.
    pub fn redeclared(mut self, stored: Option<&Self>) -> Self {
        if let Some(stored) = stored {
            self.last_status = stored.last_status;
        }
        self
    }
}
