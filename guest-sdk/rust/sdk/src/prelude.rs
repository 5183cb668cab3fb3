//! What most jobs need: `use zapjobs_sdk::prelude::*;`.

pub use crate::{
    Child, Context, JobError, WithProgress, check_cancelled, count_items, is_cancel_requested, job,
    progress,
};
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};
pub use serde_json::{Value, json};
pub use tracing::{debug, error, info, trace, warn};
