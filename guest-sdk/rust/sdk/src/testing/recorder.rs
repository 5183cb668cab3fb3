//! The run that a thread is in, and what is said in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::children::Nursery;
use super::waits::Waits;
use super::{ItemCounts, LogLine, Progress};
use crate::Trigger;

#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) run_id: String,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) job: String,
    pub(crate) tenant: String,
    pub(crate) trigger: Trigger,
    pub(crate) correlation_id: Option<String>,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) looks_until_cancelled: Option<u32>,
    pub(crate) min_level: log::Level,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) progress: Vec<Progress>,
    pub(crate) counts: Option<ItemCounts>,
    pub(crate) children: Nursery,
    pub(crate) steps: Vec<(String, Value)>,
    pub(crate) waits: Waits,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            run_id: "00000000-0000-7000-8000-000000000000".to_owned(),
            attempt: 1,
            max_attempts: 3,
            job: "test".to_owned(),
            tenant: "default".to_owned(),
            trigger: Trigger::Api,
            correlation_id: None,
            deadline_ms: None,
            metadata: BTreeMap::new(),
            looks_until_cancelled: None,
            min_level: log::Level::Trace,
            logs: Vec::new(),
            progress: Vec::new(),
            counts: None,
            children: Nursery::default(),
            steps: Vec::new(),
            waits: Waits::default(),
        }
    }
}

impl Recorder {
    pub(crate) fn look_for_cancellation(&mut self) -> bool {
        match &mut self.looks_until_cancelled {
            None => false,
            Some(0) => true,
            Some(looks) => {
                *looks -= 1;
                false
            }
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<RefCell<Recorder>>>> = const { RefCell::new(None) };
}

/// Makes this the thread's recorder until the answer is dropped, also by a panic.
pub(crate) fn enter(recorder: Rc<RefCell<Recorder>>) -> Entered {
    Entered { before: CURRENT.replace(Some(recorder)) }
}

pub(crate) struct Entered {
    before: Option<Rc<RefCell<Recorder>>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

/// Asks or tells the thread's recorder; outside of any, one that is thrown away.
pub(crate) fn with_current<R>(use_it: impl FnOnce(&mut Recorder) -> R) -> R {
    let current = CURRENT.with_borrow(Clone::clone);
    match current {
        Some(recorder) => use_it(&mut recorder.borrow_mut()),
        None => use_it(&mut Recorder::default()),
    }
}
