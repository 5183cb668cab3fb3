//! Who is admitted: the rule that every driver follows.
//!
//! A driver reads the first held runs ([`first_looks`](super::first_looks)), the gates
//! that their lines face ([`Admission::gates`]) and what each gate has in use
//! ([`Admission::load`]), and writes what [`Admission::admit`] decides. Where these runs do not
//! say who goes, it reads the lines that hold runs, and of each as many of its first runs as it may
//! need ([`Admission::heads_wanted`]), and lets it be decided anew.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

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
    pub(super) fn place(&self) -> (Reverse<Priority>, Timestamp, RunId) {
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
    /// Whether as many go as were asked for. Then whoever comes behind them was not looked at, and
    /// more may go.
    pub is_full: bool,
}

/// A run that goes, with the gates in which it takes a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmittedRun {
    /// Which.
    pub id: RunId,
    /// Where it waited.
    pub queue: QueueName,
    /// Gates in which it takes a slot: those whose limit has a concurrency.
    pub slots: Vec<Arc<str>>,
}

/// A gate that a look has to know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateAsked {
    /// Its name.
    pub name: Arc<str>,
    /// Whether the slots in use matter.
    pub has_slots: bool,
    /// Whether what its rate remembers matters.
    pub has_rate: bool,
}

struct Gate<'a> {
    name: Arc<str>,
    limit: &'a FlowLimit,
    loaded: GateUse,
    in_use: usize,
    rate: Option<RateState>,
    is_changed: bool,
}

/// One look at the lines.
pub struct Admission<'a> {
    limits: &'a FlowLimits,
    now: Timestamp,
    gates: Vec<Gate<'a>>,
    by_name: HashMap<Arc<str>, usize>,
    by_line: HashMap<Line, Arc<[usize]>>,
}

impl<'a> Admission<'a> {
    /// A look at this instant.
    pub fn new(limits: &'a FlowLimits, now: Timestamp) -> Self {
        let (by_name, by_line) = (HashMap::new(), HashMap::new());
        Self { limits, now, gates: Vec::new(), by_name, by_line }
    }

    /// The gates that these lines face, without those that were answered before. Each is shut
    /// until it is loaded.
    pub fn gates<'b>(&mut self, lines: impl IntoIterator<Item = &'b Line>) -> Vec<GateAsked> {
        let known = self.gates.len();
        for line in lines {
            self.gates_of(line);
        }
        let asked = |gate: &Gate<'_>| GateAsked {
            name: Arc::clone(&gate.name),
            has_slots: gate.limit.concurrency.is_some(),
            has_rate: gate.limit.rate.is_some(),
        };
        self.gates[known..].iter().map(asked).collect()
    }

    fn gates_of(&mut self, line: &Line) -> Arc<[usize]> {
        if let Some(gates) = self.by_line.get(line) {
            return Arc::clone(gates);
        }
        let limits = self.limits;
        let gates: Arc<[usize]> =
            limits.gates(line).map(|(name, limit)| self.gate_called(name, limit)).collect();
        self.by_line.insert(line.clone(), Arc::clone(&gates));
        gates
    }

    fn gate_called(&mut self, name: String, limit: &'a FlowLimit) -> usize {
        if let Some(at) = self.by_name.get(name.as_str()) {
            return *at;
        }
        let (name, at): (Arc<str>, _) = (name.into(), self.gates.len());
        let loaded = GateUse { in_use: usize::MAX, rate: None };
        let in_use = loaded.in_use;
        self.by_name.insert(Arc::clone(&name), at);
        self.gates.push(Gate { name, limit, loaded, in_use, rate: None, is_changed: false });
        at
    }

    /// Says what a gate has in use.
    pub fn load(&mut self, gate: &str, used: GateUse) {
        if let Some(at) = self.by_name.get(gate) {
            let gate = &mut self.gates[*at];
            gate.loaded = used;
            gate.begin();
        }
    }

    /// How many first runs of each line to read, so that `limit` can be admitted and it shows
    /// whether the line goes on; together at most [`HEADS_READ_MAX`] and two for each line.
    pub fn heads_wanted(&mut self, lines: &[Line], limit: usize) -> Vec<usize> {
        self.begin();
        let rooms: Vec<usize> = lines.iter().map(|line| self.room(line)).collect();
        let open = rooms.iter().filter(|room| **room > 0).count();
        let share = (HEADS_READ_MAX / open.max(1)).max(1);
        let wanted = |room: usize| if room == 0 { 0 } else { room.min(limit).min(share) + 1 };
        rooms.into_iter().map(wanted).collect()
    }

    fn begin(&mut self) {
        self.gates.iter_mut().for_each(Gate::begin);
    }

    fn room(&mut self, line: &Line) -> usize {
        let gates = self.gates_of(line);
        gates.iter().map(|at| self.gates[*at].room(self.now)).min().unwrap_or(usize::MAX)
    }

    /// Decides who goes: of all first runs the one that goes first by the order of claims, as
    /// long as all of its gates have room; up to `limit`, and at most [`ADMIT_RUNS_MAX`]. Each
    /// decision begins with what was loaded.
    pub fn admit(&mut self, lines: &[HeldLine], limit: usize) -> Plan {
        self.begin();
        let limit = limit.min(ADMIT_RUNS_MAX);
        let gates: Vec<_> = lines.iter().map(|line| self.gates_of(&line.line)).collect();
        let head = |at: usize, next: usize| {
            let run = lines[at].heads.get(next)?;
            Some(Reverse((run.place(), at, next)))
        };
        let mut heads: BinaryHeap<_> = (0..lines.len()).filter_map(|at| head(at, 0)).collect();
        let mut admitted = Vec::new();
        let mut gone = vec![0; lines.len()];
        while admitted.len() < limit {
            let Some(Reverse(((.., id), at, next))) = heads.pop() else { break };
            // The whole line faces the same gates: it waits if its first run must.
            if self.take(&gates[at]) {
                let slots = self.slots(&gates[at]);
                admitted.push(AdmittedRun { id, queue: lines[at].line.queue.clone(), slots });
                heads.extend(head(at, next + 1));
                gone[at] += 1;
            }
        }
        if limit > 0 && admitted.len() == limit {
            return Plan { admitted, next_at: None, has_more: true, is_full: true };
        }
        // Lines with runs that stay: a shut one was not read, and holds some.
        let stays = |at: &usize| lines[*at].wanted == 0 || gone[*at] < lines[*at].heads.len();
        let left = (0..lines.len()).filter(stays);
        let next_at = left.filter_map(|at| self.next_at(&gates[at])).min();
        let has_more = next_at.is_some_and(|at| at <= self.now);
        let next_at = next_at.filter(|at| *at > self.now);
        Plan { admitted, next_at, has_more, is_full: false }
    }

    /// Those of these gates that count slots.
    fn slots(&self, gates: &[usize]) -> Vec<Arc<str>> {
        let gates = gates.iter().map(|at| &self.gates[*at]);
        let counted = gates.filter(|gate| gate.limit.concurrency.is_some());
        counted.map(|gate| Arc::clone(&gate.name)).collect()
    }

    /// Takes a slot in all of these gates, or in none.
    fn take(&mut self, gates: &[usize]) -> bool {
        if gates.iter().any(|at| self.gates[*at].room(self.now) == 0) {
            return false;
        }
        for at in gates {
            let gate = &mut self.gates[*at];
            gate.in_use += 1;
            if let Some(rate) = &gate.limit.rate {
                gate.rate = Some(rate.taken(gate.rate.as_ref(), self.now));
                gate.is_changed = true;
            }
        }
        true
    }

    /// When a line behind these gates may go on by the passing of time alone; nothing where it
    /// waits for a slot, or for the end of a pause.
    fn next_at(&self, gates: &[usize]) -> Option<Timestamp> {
        let mut next_at = self.now;
        for at in gates {
            next_at = next_at.max(self.gates[*at].next_at(self.now)?);
        }
        Some(next_at)
    }

    /// The gates whose rate was used: what they remember now, and when that is as if nobody had
    /// passed.
    pub fn rates_used(&self) -> impl Iterator<Item = (&str, &RateState, Timestamp)> {
        let used = self.gates.iter().filter(|gate| gate.is_changed);
        used.filter_map(|gate| {
            let (rate, state) = (gate.limit.rate.as_ref()?, gate.rate.as_ref()?);
            Some((&*gate.name, state, rate.forgets_at(state)))
        })
    }
}

impl Gate<'_> {
    /// Forgets what was decided.
    fn begin(&mut self) {
        self.in_use = self.loaded.in_use;
        if self.limit.rate.is_some() {
            self.rate = self.loaded.rate.clone();
        }
        self.is_changed = false;
    }

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
