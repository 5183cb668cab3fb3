//! Waits of a run that is tested.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::recorder::Recorder;
use crate::steps::StepError;
use crate::waits::Waited;

/// What a run is suspended for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// A sleep of this name.
    Sleep(String),
    /// A signal of this name.
    Signal(String),
}

/// The waits of a run, and signals to it.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    pub(crate) current: Option<Wait>,
    pub(crate) signals: Vec<(String, Value)>,
    /// Steps of waits whose time is over.
    over: BTreeSet<String>,
    /// Waits for each signal that ended in this attempt.
    ended: BTreeMap<String, u32>,
}

impl Waits {
    /// A new attempt begins.
    pub(crate) fn begin(&mut self) {
        self.current = None;
        self.ended.clear();
    }

    /// The time of the current wait is over.
    pub(crate) fn pass(&mut self) {
        match &self.current {
            Some(Wait::Sleep(name)) => drop(self.over.insert(format!("sleep:{name}"))),
            Some(Wait::Signal(name)) => {
                let nth = self.ended.get(name).copied().unwrap_or_default() + 1;
                self.over.insert(format!("wait:{name}#{nth}"));
            }
            None => {}
        }
    }
}

impl Recorder {
    pub(crate) fn sleep(&mut self, name: &str, span_ms: u64) -> Result<bool, StepError> {
        let step = format!("sleep:{name}");
        if self.waits.current.is_some() {
            return Ok(false);
        }
        if !self.has_step(&step) {
            self.keep(&step, Value::from(span_ms))?;
        }
        let is_over = span_ms == 0 || self.waits.over.contains(&step);
        if !is_over {
            self.waits.current = Some(Wait::Sleep(name.to_owned()));
        }
        Ok(is_over)
    }

    pub(crate) fn wait_signal(&mut self, name: &str) -> Result<Waited, StepError> {
        if self.waits.current.is_some() {
            return Ok(Waited::Suspended);
        }
        let nth = self.waits.ended.get(name).copied().unwrap_or_default() + 1;
        let step = format!("wait:{name}#{nth}");
        let known = self.steps.iter().find(|(known, _)| *known == step);
        let result = match known.map(|(_, result)| result.clone()) {
            Some(result) => result,
            None => match self.waits.signals.iter().position(|(sent, _)| sent == name) {
                Some(first) => {
                    let payload = self.waits.signals[first].1.clone();
                    let result = serde_json::json!({ "payload": payload });
                    self.keep(&step, result.clone())?;
                    self.waits.signals.remove(first);
                    result
                }
                None if self.waits.over.contains(&step) => {
                    self.keep(&step, Value::Null)?;
                    Value::Null
                }
                None => {
                    self.waits.current = Some(Wait::Signal(name.to_owned()));
                    return Ok(Waited::Suspended);
                }
            },
        };
        self.waits.ended.insert(name.to_owned(), nth);
        Ok(match result.get("payload") {
            Some(payload) => Waited::Signal(payload.to_string()),
            None => Waited::TimedOut,
        })
    }

    fn has_step(&self, name: &str) -> bool {
        self.steps.iter().any(|(known, _)| known == name)
    }

    /// Records a step, with the bounds of a host on names.
    pub(crate) fn keep(&mut self, name: &str, value: Value) -> Result<(), StepError> {
        let plain = (1..=200).contains(&name.len()) && !name.chars().any(char::is_control);
        if !plain {
            let message = format!(
                "invalid step name {name:?}: use 1 to 200 bytes without control characters"
            );
            return Err(StepError { may_pass: false, message });
        }
        self.steps.push((name.to_owned(), value));
        Ok(())
    }
}
