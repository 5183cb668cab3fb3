//! An attack: a component, what it is let loose with, and what must become of it.
//!
//! **Invariant:** an attack that may end in several ways names them all; anything else means
//! that it was not held.

use std::time::Duration;

use zapjobs_model::port::CancelReason;
use zapjobs_model::{Access, StopReason};

use crate::place::Place;
use crate::scene::Evidence;

/// How long an attack may take unless it says more: a busy machine, not a slow sandbox.
const DEADLINE: Duration = Duration::from_secs(15);

/// A hostile component, and what must become of it.
pub struct Attack {
    pub(crate) name: String,
    pub(crate) tries: String,
    pub(crate) limit: &'static str,
    pub(crate) component: Build,
    pub(crate) limits: Vec<(&'static str, u64)>,
    pub(crate) directory: Option<Access>,
    pub(crate) sends: bool,
    pub(crate) enqueues: bool,
    pub(crate) cancel: Option<CancelReason>,
    pub(crate) copies: usize,
    pub(crate) deadline: Duration,
    pub(crate) memory_kib_own: u64,
    pub(crate) ends: Vec<Ending>,
    pub(crate) checks: Vec<Check>,
}

/// Makes an attack's component, which may name what is at this place.
pub(crate) type Build = Box<dyn Fn(&Place) -> Vec<u8> + Send + Sync>;

/// Looks at what an attack came to; the error says what is wrong with it.
pub(crate) type Check = Box<dyn Fn(&Evidence<'_>) -> Result<(), String> + Send + Sync>;

/// How an attack may end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The component is not taken, in these words.
    Refused(&'static str),
    /// Its attempt is stopped for this reason, in these words.
    Stopped(StopReason, &'static str),
    /// It ends by itself with this output.
    Answered(&'static str),
    /// It ends by itself, with an output that the checks look at.
    Completed,
    /// It fails for good.
    Failed,
    /// It is cancelled.
    Cancelled,
    /// It is handed back.
    HandedBack,
}

impl Attack {
    pub(crate) fn new(
        name: impl Into<String>,
        tries: impl Into<String>,
        component: impl Fn(&Place) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            tries: tries.into(),
            limit: "",
            component: Box::new(component),
            limits: Vec::new(),
            directory: None,
            sends: false,
            enqueues: false,
            cancel: None,
            copies: 1,
            deadline: DEADLINE,
            memory_kib_own: 0,
            ends: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// What it is called, such as `loop-in-run`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it tries, in one sentence.
    pub fn tries(&self) -> &str {
        &self.tries
    }

    /// What has to hold it: the name of a limit, or of a rule.
    pub fn limit(&self) -> &str {
        self.limit
    }

    /// What has to hold it, and how it may then end.
    pub(crate) fn held_by(mut self, limit: &'static str, ends: &[Ending]) -> Self {
        self.limit = limit;
        self.ends = ends.to_vec();
        self
    }

    /// Narrows limits, so that it does not take as long as the installation would allow.
    pub(crate) fn limited(mut self, limits: &[(&'static str, u64)]) -> Self {
        self.limits.extend_from_slice(limits);
        self
    }

    /// Grants it a directory.
    pub(crate) fn granted(mut self, access: Access) -> Self {
        self.directory = Some(access);
        self
    }

    /// Grants it requests to one server, and to public addresses.
    pub(crate) fn sending(mut self) -> Self {
        self.sends = true;
        self
    }

    /// Allows it to enqueue any job.
    pub(crate) fn enqueuing(mut self) -> Self {
        self.enqueues = true;
        self
    }

    /// Asks its attempt to stop once it has reported progress.
    pub(crate) fn cancelled(mut self, reason: CancelReason) -> Self {
        self.cancel = Some(reason);
        self
    }

    /// Makes this many attempts at the same time.
    pub(crate) fn copies(mut self, copies: usize) -> Self {
        self.copies = copies;
        self
    }

    /// How long it may take.
    pub(crate) fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// KiB that the suite itself takes for its component, and that its allocator may keep.
    pub(crate) fn takes_itself(mut self, memory_kib: u64) -> Self {
        self.memory_kib_own = memory_kib;
        self
    }

    /// What else has to be so.
    pub(crate) fn checked(
        mut self,
        check: impl Fn(&Evidence<'_>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.checks.push(Box::new(check));
        self
    }
}
