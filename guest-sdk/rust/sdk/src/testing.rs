//! Plays the host in tests. Only on the machine itself, not in a component.
//!
//! ```
//! use zapjobs_sdk::prelude::*;
//! use zapjobs_sdk::testing::TestContext;
//!
//! #[job]
//! fn double(numbers: Vec<u32>) -> Vec<u32> {
//!     info!(count = numbers.len(), "doubling");
//!     numbers.into_iter().with_progress("doubling").map(|number| 2 * number).collect()
//! }
//!
//! let test = TestContext::new().attempt(2);
//! // As a function:
//! assert_eq!(test.run(|| double(vec![1, 2])), [2, 4]);
//! // As the host calls it:
//! assert_eq!(test.run_json("double", json!([3])), Ok(json!([6])));
//!
//! assert_eq!(test.logs()[0].message, "doubling");
//! assert_eq!(test.logs()[0].fields["count"], 2);
//! assert_eq!(test.last_progress().unwrap().done, 1);
//! ```
//!
//! What a job prints goes where the test's own output goes.

mod children;
pub(crate) mod recorder;
mod waits;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::{ChildState, EnqueueErrorKind, JobError, Trigger, job, logging};
pub use children::EnqueuedChild;
use recorder::Recorder;
pub use waits::Wait;

/// A run as a test wants it, and a record of what the job says. Each belongs to its thread;
/// what one is told no other sees.
#[derive(Debug, Default)]
pub struct TestContext {
    recorder: Rc<RefCell<Recorder>>,
}

/// A log line that a job wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// How weighty it is.
    pub level: log::Level,
    /// Who said it: the target of the macro, by default the module's path.
    pub category: String,
    /// What was said.
    pub message: String,
    /// Its fields, those of the spans around it first.
    pub fields: BTreeMap<String, Value>,
}

/// What a job told of its progress at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// What the job was at.
    pub message: String,
}

/// Items that a job counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemCounts {
    /// Looked at.
    pub processed: u64,
    /// Went well.
    pub succeeded: u64,
    /// Did not.
    pub failed: u64,
}

impl TestContext {
    /// The first of three attempts of a run that a program caused, with tenant `default`, log
    /// level trace and nothing else set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the run's id.
    #[must_use]
    pub fn run_id(self, id: &str) -> Self {
        self.set(|recorder| id.clone_into(&mut recorder.run_id))
    }

    /// Sets the attempt's number, from 1.
    #[must_use]
    pub fn attempt(self, attempt: u32) -> Self {
        self.set(|recorder| recorder.attempt = attempt)
    }

    /// Sets how many attempts there may be.
    #[must_use]
    pub fn max_attempts(self, attempts: u32) -> Self {
        self.set(|recorder| recorder.max_attempts = attempts)
    }

    /// Sets whose run it is.
    #[must_use]
    pub fn tenant(self, tenant: &str) -> Self {
        self.set(|recorder| tenant.clone_into(&mut recorder.tenant))
    }

    /// Sets what caused the run.
    #[must_use]
    pub fn trigger(self, trigger: Trigger) -> Self {
        self.set(|recorder| recorder.trigger = trigger)
    }

    /// Sets what ties the run to something outside.
    #[must_use]
    pub fn correlation_id(self, id: &str) -> Self {
        self.set(|recorder| recorder.correlation_id = Some(id.to_owned()))
    }

    /// Sets when the attempt would be stopped at the latest. Nothing stops it here.
    #[must_use]
    pub fn deadline(self, deadline: SystemTime) -> Self {
        let since = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.set(|recorder| recorder.deadline_ms = Some(ms))
    }

    /// Attaches metadata.
    #[must_use]
    pub fn metadata(self, key: &str, value: &str) -> Self {
        self.set(|recorder| drop(recorder.metadata.insert(key.to_owned(), value.to_owned())))
    }

    /// Sets the least weighty level that is kept.
    #[must_use]
    pub fn min_level(self, level: log::Level) -> Self {
        self.set(|recorder| recorder.min_level = level)
    }

    /// Asks the job to stop from the start.
    #[must_use]
    pub fn cancelled(self) -> Self {
        self.cancelled_after(0)
    }

    /// Asks the job to stop once it has looked this often whether it should.
    #[must_use]
    pub fn cancelled_after(self, looks: u32) -> Self {
        self.set(|recorder| recorder.looks_until_cancelled = Some(looks))
    }

    /// Calls this, with the context being that of the run:
    /// `test.run(|| greet(Greet { name }))`.
    pub fn run<R>(&self, job: impl FnOnce() -> R) -> R {
        logging::install_log();
        self.recorder.borrow_mut().waits.begin();
        let _current = recorder::enter(Rc::clone(&self.recorder));
        tracing::subscriber::with_default(logging::TracingToHost, job)
    }

    /// Calls the job of this name as the host does, with JSON in and out. An unknown name is a
    /// failure with the error type `unknown-job`.
    #[allow(clippy::needless_pass_by_value, reason = "so that `json!` can be given as it is")]
    pub fn run_json(&self, job: &str, input: Value) -> Result<Value, JobError> {
        job.clone_into(&mut self.recorder.borrow_mut().job);
        let output = self.run(|| job::run(job, &input.to_string()))?;
        Ok(serde_json::from_str(&output).expect("the output was serialised as JSON"))
    }

    /// Every log line so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.recorder.borrow().logs.clone()
    }

    /// Everything told of progress so far.
    pub fn progress(&self) -> Vec<Progress> {
        self.recorder.borrow().progress.clone()
    }

    /// The latest word on progress, which is what a host would keep.
    pub fn last_progress(&self) -> Option<Progress> {
        self.recorder.borrow().progress.last().cloned()
    }

    /// The latest count of items.
    pub fn item_counts(&self) -> Option<ItemCounts> {
        self.recorder.borrow().counts
    }

    /// Every child that was enqueued so far. Its id is told by its place; one with a key that
    /// its job has already is not enqueued again.
    pub fn children(&self) -> Vec<EnqueuedChild> {
        self.recorder.borrow().children.taken.clone()
    }

    /// Sets how the child at this place stands, whether or not it is enqueued yet. Others wait.
    #[must_use]
    pub fn child_state(self, place: usize, state: ChildState) -> Self {
        self.set(|recorder| drop(recorder.children.states.insert(place, state)))
    }

    /// Every step that is recorded, with its value, in the order of recording.
    pub fn steps(&self) -> Vec<(String, Value)> {
        self.recorder.borrow().steps.clone()
    }

    /// Records a step, as an earlier attempt would have.
    #[must_use]
    pub fn with_step(self, name: &str, value: Value) -> Self {
        self.set(|recorder| recorder.steps.push((name.to_owned(), value)))
    }

    /// What the latest attempt was suspended for, if it was.
    pub fn waits_for(&self) -> Option<Wait> {
        self.recorder.borrow().waits.current.clone()
    }

    /// Lets the time pass that the latest attempt was suspended for: a sleep is over then, and a
    /// wait for a signal has come to nothing.
    pub fn let_time_pass(&self) {
        self.recorder.borrow_mut().waits.pass();
    }

    /// Sends a signal to the run, before it waits for it or meanwhile.
    #[allow(clippy::needless_pass_by_value, reason = "so that `json!` can be given as it is")]
    pub fn signal(&self, name: &str, payload: Value) {
        self.recorder.borrow_mut().waits.signals.push((name.to_owned(), payload));
    }

    /// Refuses all children for a reason of this kind.
    #[must_use]
    pub fn refusing_children(self, kind: EnqueueErrorKind) -> Self {
        self.set(|recorder| recorder.children.refuses = Some(kind))
    }

    fn set(self, change: impl FnOnce(&mut Recorder)) -> Self {
        change(&mut self.recorder.borrow_mut());
        self
    }
}
