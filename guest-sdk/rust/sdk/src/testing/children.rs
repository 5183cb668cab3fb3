//! The children that a test's job enqueues.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::host::ChildRequest;
use crate::{ChildState, ChildStatus, EnqueueError, EnqueueErrorKind};

/// A child that a job enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct EnqueuedChild {
    /// The id that the job was answered.
    pub id: String,
    /// Which job.
    pub job: String,
    /// What it is given.
    pub input: Value,
    /// What else was said of it, by the names in `wit/job.wit`: `queue`, `delay-ms`, ...
    pub options: Value,
}

/// Takes children, and answers what the test said of them.
#[derive(Debug, Default)]
pub(crate) struct Nursery {
    pub(crate) taken: Vec<EnqueuedChild>,
    pub(crate) states: BTreeMap<usize, ChildState>,
    pub(crate) refuses: Option<EnqueueErrorKind>,
}

impl Nursery {
    /// A child that has a key already enqueued for its job is left as it is.
    pub(crate) fn enqueue(&mut self, request: ChildRequest) -> Result<String, EnqueueError> {
        if let Some(kind) = self.refuses {
            return Err(EnqueueError::new(kind, format!("refused by the test: {kind:?}")));
        }
        let ChildRequest { job, input, options } = request;
        let input = serde_json::from_str(&input).expect("an input is told as JSON");
        let options = match options.as_str() {
            "" => Value::Object(serde_json::Map::new()),
            text => serde_json::from_str(text).expect("options are told as JSON"),
        };
        let same = |child: &&EnqueuedChild| {
            child.job == job && options.get("key").is_some_and(|key| child.options["key"] == *key)
        };
        if let Some(earlier) = self.taken.iter().find(same) {
            return Ok(earlier.id.clone());
        }
        let id = format!("00000000-0000-7000-9000-{:012x}", self.taken.len());
        self.taken.push(EnqueuedChild { id: id.clone(), job, input, options });
        Ok(id)
    }

    pub(crate) fn state(&self, id: &str) -> Option<ChildState> {
        let at = self.taken.iter().position(|child| child.id == id)?;
        let waiting = ChildState {
            status: ChildStatus::Waiting,
            output: None,
            error_type: None,
            error_message: None,
        };
        Some(self.states.get(&at).cloned().unwrap_or(waiting))
    }
}
