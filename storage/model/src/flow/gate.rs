//! What one gate lets through.
//!
//! **Invariant:** a gate that was not loaded is shut, and from then on it only fills up.

use std::sync::Arc;

use super::{FlowLimit, RateState};
use crate::Timestamp;

/// What a gate has in use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateUse {
    /// Slots taken.
    pub in_use: usize,
    /// What its rate remembers.
    pub rate: Option<RateState>,
}

/// A gate that a look knows of: what was loaded, and what has been decided since.
pub(super) struct Gate<'a> {
    pub(super) name: Arc<str>,
    pub(super) limit: &'a FlowLimit,
    loaded: GateUse,
    in_use: usize,
    pub(super) rate: Option<RateState>,
    pub(super) is_changed: bool,
}

impl<'a> Gate<'a> {
    /// One that nobody passes until it is loaded.
    pub(super) fn shut(name: Arc<str>, limit: &'a FlowLimit) -> Self {
        let loaded = GateUse { in_use: usize::MAX, rate: None };
        Self { name, limit, in_use: loaded.in_use, loaded, rate: None, is_changed: false }
    }

    pub(super) fn load(&mut self, used: GateUse) {
        self.loaded = used;
        self.begin();
    }

    /// Forgets what was decided.
    pub(super) fn begin(&mut self) {
        self.in_use = self.loaded.in_use;
        if self.limit.rate.is_some() {
            self.rate = self.loaded.rate.clone();
        }
        self.is_changed = false;
    }

    /// Takes a slot.
    pub(super) fn take(&mut self, now: Timestamp) {
        self.in_use += 1;
        if let Some(rate) = &self.limit.rate {
            self.rate = Some(rate.taken(self.rate.as_ref(), now));
            self.is_changed = true;
        }
    }

    fn slots_left(&self) -> usize {
        let slots = self.limit.concurrency.map_or(usize::MAX, |slots| slots as usize);
        slots.saturating_sub(self.in_use)
    }

    pub(super) fn room(&self, now: Timestamp) -> usize {
        if self.limit.paused {
            return 0;
        }
        let by_rate = self.limit.rate.map(|rate| rate.room(self.rate.as_ref(), now));
        self.slots_left().min(by_rate.unwrap_or(usize::MAX))
    }

    /// When it opens by itself.
    pub(super) fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.limit.paused || self.slots_left() == 0 {
            return None;
        }
        Some(self.limit.rate.map_or(now, |rate| rate.next_at(self.rate.as_ref(), now)))
    }
}
