//! Who is admitted: the rule that every driver follows.
//!
//! A driver reads the lines that hold runs, the gates these face ([`Admission::gates`]) and what
//! each gate has in use ([`Admission::load`]); then of each line as many of its first runs as it
//! may need ([`Admission::heads_wanted`]); and writes what [`Admission::admit`] decides.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{FlowLimit, FlowLimits, Line, RateState};
use crate::{Priority, QueueName, RunId, Timestamp};

/// Lines looked at by one call of `admit` at most. Where there are more, calls take turns: each
/// goes on behind the last one's.
pub const LINES_LOOKED_AT_MAX: usize = 1_000;
/// Held runs read by one call of `admit` at most, beside one of each line.
pub const HEADS_READ_MAX: usize = 4_000;
/// Runs admitted by one call at most.
pub const ADMIT_RUNS_MAX: usize = 1_000;

/// What a gate has in use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateUse {
    /// Slots taken.
    pub in_use: usize,
    /// What its rate remembers.
    pub rate: Option<RateState>,
}

/// A held run's place in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldRun {
    /// Which.
    pub id: RunId,
    /// Higher goes first.
    pub priority: Priority,
    /// Among equals, whoever was due first.
    pub due_at: Timestamp,
}

impl HeldRun {
    fn place(&self) -> (Reverse<Priority>, Timestamp, RunId) {
        (Reverse(self.priority), self.due_at, self.id)
    }
}

/// The first runs of a line, in the order of claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLine {
    /// Which line.
    pub line: Line,
    /// How many of its first runs were wanted; none where a gate is shut.
    pub wanted: usize,
    /// Its first runs, at most so many.
    pub heads: Vec<HeldRun>,
}

/// What one look decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Who goes, in this order.
    pub admitted: Vec<AdmittedRun>,
    /// When more may go by the passing of time alone.
    pub next_at: Option<Timestamp>,
    /// Whether more could go now.
    pub has_more: bool,
}

/// A run that goes, with the gates in which it takes a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmittedRun {
    /// Which.
    pub id: RunId,
    /// Where it waited.
    pub queue: QueueName,
    /// Gates in which it takes a slot: those whose limit has a concurrency.
    pub slots: Vec<String>,
}

struct Gate<'a> {
    limit: &'a FlowLimit,
    in_use: usize,
    rate: Option<RateState>,
    is_changed: bool,
}

/// One look at the lines.
pub struct Admission<'a> {
    limits: &'a FlowLimits,
    now: Timestamp,
    gates: BTreeMap<String, Gate<'a>>,
}

impl<'a> Admission<'a> {
    /// A look at this instant.
    pub fn new(limits: &'a FlowLimits, now: Timestamp) -> Self {
        Self { limits, now, gates: BTreeMap::new() }
    }

    /// The names of the gates that these lines face, each once. Each is shut until it is loaded.
    pub fn gates(&mut self, lines: &[Line]) -> Vec<String> {
        for (name, limit) in lines.iter().flat_map(|line| self.limits.gates(line)) {
            let shut = || Gate { limit, in_use: usize::MAX, rate: None, is_changed: false };
            self.gates.entry(name).or_insert_with(shut);
        }
        self.gates.keys().cloned().collect()
    }

    /// Says what a gate has in use.
    pub fn load(&mut self, gate: &str, used: GateUse) {
        if let Some(gate) = self.gates.get_mut(gate) {
            gate.in_use = used.in_use;
            gate.rate = used.rate;
        }
    }

    /// How many first runs of each line to read, so that `limit` can be admitted and it shows
    /// whether the line goes on; together at most [`HEADS_READ_MAX`] and two for each line.
    pub fn heads_wanted(&self, lines: &[Line], limit: usize) -> Vec<usize> {
        let rooms: Vec<usize> = lines.iter().map(|line| self.room(line)).collect();
        let open = rooms.iter().filter(|room| **room > 0).count();
        let share = (HEADS_READ_MAX / open.max(1)).max(1);
        let wanted = |room: usize| if room == 0 { 0 } else { room.min(limit).min(share) + 1 };
        rooms.into_iter().map(wanted).collect()
    }

    fn room(&self, line: &Line) -> usize {
        let names = self.limits.gates(line).map(|(name, _)| name);
        let gates = names.map(|name| self.gates.get(&name).map_or(0, |gate| gate.room(self.now)));
        gates.min().unwrap_or(usize::MAX)
    }

    /// Decides who goes: of all first runs the one that goes first by the order of claims, as
    /// long as all of its gates have room; up to `limit`, and at most [`ADMIT_RUNS_MAX`].
    pub fn admit(&mut self, lines: &[HeldLine], limit: usize) -> Plan {
        let gates: Vec<Vec<String>> = lines
            .iter()
            .map(|line| self.limits.gates(&line.line).map(|(name, _)| name).collect())
            .collect();
        let head = |at: usize, next: usize| {
            let run = lines[at].heads.get(next)?;
            Some(Reverse((run.place(), at, next)))
        };
        let mut heads: BinaryHeap<_> = (0..lines.len()).filter_map(|at| head(at, 0)).collect();
        let mut admitted = Vec::new();
        let mut gone = vec![0; lines.len()];
        while admitted.len() < limit.min(ADMIT_RUNS_MAX) {
            let Some(Reverse(((.., id), at, next))) = heads.pop() else { break };
            // The whole line faces the same gates: it waits if its first run must.
            if self.take(&gates[at]) {
                let slots = gates[at].iter().filter(|name| self.has_slots(name)).cloned().collect();
                admitted.push(AdmittedRun { id, queue: lines[at].line.queue.clone(), slots });
                heads.extend(head(at, next + 1));
                gone[at] += 1;
            }
        }
        // Lines with runs that stay: a shut one was not read, and holds some.
        let stays = |at: &usize| lines[*at].wanted == 0 || gone[*at] < lines[*at].heads.len();
        let left = (0..lines.len()).filter(stays).map(|at| &lines[at].line);
        let next_at = left.filter_map(|line| self.next_at(line)).min();
        let has_more = next_at.is_some_and(|at| at <= self.now);
        Plan { admitted, next_at: next_at.filter(|at| *at > self.now), has_more }
    }

    fn has_slots(&self, gate: &str) -> bool {
        self.gates.get(gate).is_some_and(|gate| gate.limit.concurrency.is_some())
    }

    /// Takes a slot in all of these gates, or in none.
    fn take(&mut self, gates: &[String]) -> bool {
        let has_room = |name| self.gates.get(name).is_some_and(|gate| gate.room(self.now) > 0);
        if !gates.iter().all(has_room) {
            return false;
        }
        for name in gates {
            let Some(gate) = self.gates.get_mut(name) else { continue };
            gate.in_use += 1;
            if let Some(rate) = &gate.limit.rate {
                gate.rate = Some(rate.taken(gate.rate.as_ref(), self.now));
                gate.is_changed = true;
            }
        }
        true
    }

    /// When a line may go on by the passing of time alone; nothing where it waits for a slot, or
    /// for the end of a pause.
    fn next_at(&self, line: &Line) -> Option<Timestamp> {
        let mut next_at = self.now;
        for (name, _) in self.limits.gates(line) {
            next_at = next_at.max(self.gates.get(&name)?.next_at(self.now)?);
        }
        Some(next_at)
    }

    /// The gates whose rate was used: what they remember now, and when that is as if nobody had
    /// passed.
    pub fn rates_used(&self) -> impl Iterator<Item = (&str, &RateState, Timestamp)> {
        let used = self.gates.iter().filter(|(_, gate)| gate.is_changed);
        used.filter_map(|(name, gate)| {
            let (rate, state) = (gate.limit.rate.as_ref()?, gate.rate.as_ref()?);
            Some((name.as_str(), state, rate.forgets_at(state)))
        })
    }
}

impl Gate<'_> {
    fn slots_left(&self) -> usize {
        let slots = self.limit.concurrency.map_or(usize::MAX, |slots| slots as usize);
        slots.saturating_sub(self.in_use)
    }

    fn room(&self, now: Timestamp) -> usize {
        if self.limit.paused {
            return 0;
        }
        let by_rate = self.limit.rate.map(|rate| rate.room(self.rate.as_ref(), now));
        self.slots_left().min(by_rate.unwrap_or(usize::MAX))
    }

    /// When it opens by itself.
    fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.limit.paused || self.slots_left() == 0 {
            return None;
        }
        Some(self.limit.rate.map_or(now, |rate| rate.next_at(self.rate.as_ref(), now)))
    }
}
