//! What a plugin says of itself.

use serde::{Deserialize, Serialize};

use crate::{JobType, Json, QueueName, RetryPolicy, Schedule, Tag};

/// Job types in one plugin at most.
pub const JOB_TYPES_MAX: usize = 256;
/// Bytes of a display name at most.
pub const DISPLAY_NAME_BYTES_MAX: usize = 200;
/// Bytes of a description at most.
pub const DESCRIPTION_BYTES_MAX: usize = 4 * 1024;
/// Bytes of one JSON Schema at most.
pub const SCHEMA_BYTES_MAX: usize = 256 * 1024;

/// One job type, as its plugin declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobDescription {
    /// Its name.
    pub job_type: JobType,
    /// What people call it.
    pub display_name: String,
    /// What it does.
    pub description: String,
    /// Where its runs wait; the host's default queue where absent.
    pub queue: Option<QueueName>,
    /// How often a run is tried.
    pub retry: RetryPolicy,
    /// Wall-clock limit of one attempt, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// When it runs by itself.
    pub schedule: Schedule,
    /// What a scheduled run is given; `null` where absent.
    pub default_input: Option<Json>,
    /// Labels that its runs inherit.
    pub tags: Vec<Tag>,
    /// JSON Schema of the input.
    pub input_schema: Option<Json>,
    /// JSON Schema of the output.
    pub output_schema: Option<Json>,
}
