//! Who is admitted: the rule that every driver follows.
//!
//! A driver reads the first held runs ([`first_looks`](super::first_looks)), the gates
//! that their lines face ([`Admission::meet`], [`Admission::gates_asked`]) and what each gate has in
//! use ([`Admission::load`]), and writes what [`Admission::admit_first`] decides. Where these runs
//! do not say who goes, it reads the lines that hold runs, and of each as many of its first runs as
//! it may need ([`Admission::heads_wanted`]), and lets it be decided anew ([`Admission::admit`]).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use super::gate::{Gate, GateUse};
use super::{FlowLimit, FlowLimits, Line, RateState};
use crate::{Priority, QueueName, RunId, Timestamp};

/// Lines looked at by one call of `admit` at most. Where there are more, calls take turns: each
/// goes on behind the last one's.
pub const LINES_LOOKED_AT_MAX: usize = 1_000;
/// Held runs read by one call of `admit` at most, beside one of each line.
pub const HEADS_READ_MAX: usize = 4_000;
/// Runs admitted by one call at most.
pub const ADMIT_RUNS_MAX: usize = 1_000;

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
    at: usize,
}

/// A line that a look has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineAt(usize);

/// One look at the lines.
pub struct Admission<'a> {
    limits: &'a FlowLimits,
    now: Timestamp,
    gates: Vec<Gate<'a>>,
    by_name: HashMap<Arc<str>, usize>,
    /// How many gates were asked for.
    asked: usize,
    lines: Vec<MetLine>,
    by_line: HashMap<Line, LineAt>,
}

struct MetLine {
    queue: QueueName,
    gates: Box<[usize]>,
    /// Whether a run of it was turned away.
    is_stopped: bool,
}

impl<'a> Admission<'a> {
    /// A look at this instant.
    pub fn new(limits: &'a FlowLimits, now: Timestamp) -> Self {
        Self {
            limits,
            now,
            gates: Vec::new(),
            by_name: HashMap::new(),
            asked: 0,
            lines: Vec::new(),
            by_line: HashMap::new(),
        }
    }

    /// Takes note of a line.
    pub fn meet(&mut self, line: &Line) -> LineAt {
        if let Some(at) = self.by_line.get(line) {
            return *at;
        }
        let at = self.meet_new(line);
        self.by_line.insert(line.clone(), at);
        at
    }

    /// Takes note of a line that it has not met; for who knows which are the same.
    pub fn meet_new(&mut self, line: &Line) -> LineAt {
        let limits = self.limits;
        let gates = limits.gates(line).map(|(name, limit)| self.gate_called(name, limit)).collect();
        let at = LineAt(self.lines.len());
        self.lines.push(MetLine { queue: line.queue.clone(), gates, is_stopped: false });
        at
    }

    /// The gates of the lines met, without those that were answered before. Each is shut until it
    /// is loaded.
    pub fn gates_asked(&mut self) -> Vec<GateAsked> {
        let asked = |(at, gate): (usize, &Gate<'_>)| GateAsked {
            name: Arc::clone(&gate.name),
            has_slots: gate.limit.concurrency.is_some(),
            has_rate: gate.limit.rate.is_some(),
            at,
        };
        let first = std::mem::replace(&mut self.asked, self.gates.len());
        self.gates.iter().enumerate().skip(first).map(asked).collect()
    }

    fn gate_called(&mut self, name: String, limit: &'a FlowLimit) -> usize {
        if let Some(at) = self.by_name.get(name.as_str()) {
            return *at;
        }
        let (name, at): (Arc<str>, _) = (name.into(), self.gates.len());
        self.by_name.insert(Arc::clone(&name), at);
        self.gates.push(Gate::shut(name, limit));
        at
    }

    /// Says what a gate has in use.
    pub fn load(&mut self, gate: &GateAsked, used: GateUse) {
        self.gates[gate.at].load(used);
    }

    /// How many first runs of each line to read, so that `limit` can be admitted and it shows
    /// whether the line goes on; together at most [`HEADS_READ_MAX`] and two for each line.
    pub fn heads_wanted(&mut self, lines: &[Line], limit: usize) -> Vec<usize> {
        self.begin();
        let mut room = |line| {
            let at = self.meet(line);
            self.room(at)
        };
        let rooms: Vec<usize> = lines.iter().map(&mut room).collect();
        let open = rooms.iter().filter(|room| **room > 0).count();
        let share = (HEADS_READ_MAX / open.max(1)).max(1);
        let wanted = |room: usize| if room == 0 { 0 } else { room.min(limit).min(share) + 1 };
        rooms.into_iter().map(wanted).collect()
    }

    fn begin(&mut self) {
        self.gates.iter_mut().for_each(Gate::begin);
        self.lines.iter_mut().for_each(|line| line.is_stopped = false);
    }

    fn room(&self, line: LineAt) -> usize {
        let gates = self.lines[line.0].gates.iter();
        gates.map(|at| self.gates[*at].room(self.now)).min().unwrap_or(usize::MAX)
    }

    /// Decides who of the first runs of all lines goes, which stand in the order of claims: each
    /// as long as all of its gates have room; up to `limit`, and at most [`ADMIT_RUNS_MAX`]. Each
    /// decision begins with what was loaded.
    pub fn admit_first(&mut self, runs: &[(LineAt, HeldRun)], limit: usize) -> Plan {
        self.begin();
        let limit = limit.min(ADMIT_RUNS_MAX);
        let mut admitted = Vec::with_capacity(limit.min(runs.len()));
        for (line, run) in runs {
            if admitted.len() < limit {
                admitted.extend(self.offer(*line, run.id));
            } else {
                self.lines[line.0].is_stopped = true;
            }
        }
        let stopped: Vec<_> =
            (0..self.lines.len()).map(LineAt).filter(|at| self.lines[at.0].is_stopped).collect();
        self.plan(admitted, limit, &stopped)
    }

    /// Decides who goes: of all first runs the one that goes first by the order of claims, as
    /// long as all of its gates have room; up to `limit`, and at most [`ADMIT_RUNS_MAX`]. Each
    /// decision begins with what was loaded.
    pub fn admit(&mut self, lines: &[HeldLine], limit: usize) -> Plan {
        self.begin();
        let limit = limit.min(ADMIT_RUNS_MAX);
        let met: Vec<_> = lines.iter().map(|line| self.meet(&line.line)).collect();
        let head = |at: usize, next: usize| {
            let run = lines[at].heads.get(next)?;
            Some(Reverse((run.place(), at, next)))
        };
        let mut heads: BinaryHeap<_> = (0..lines.len()).filter_map(|at| head(at, 0)).collect();
        let mut admitted = Vec::new();
        let mut gone = vec![0; lines.len()];
        while admitted.len() < limit {
            let Some(Reverse(((.., id), at, next))) = heads.pop() else { break };
            if let Some(run) = self.offer(met[at], id) {
                admitted.push(run);
                heads.extend(head(at, next + 1));
                gone[at] += 1;
            }
        }
        // Lines with runs that stay: a shut one was not read, and holds some.
        let stays = |at: &usize| lines[*at].wanted == 0 || gone[*at] < lines[*at].heads.len();
        let left: Vec<_> = (0..lines.len()).filter(stays).map(|at| met[at]).collect();
        self.plan(admitted, limit, &left)
    }

    /// Lets the next run of a line go, if its gates have room. The whole line faces the same
    /// gates, which only fill up: it waits once a run of it must.
    fn offer(&mut self, line: LineAt, id: RunId) -> Option<AdmittedRun> {
        let Self { gates, lines, now, .. } = self;
        let line = &mut lines[line.0];
        line.is_stopped |= line.gates.iter().any(|at| gates[*at].room(*now) == 0);
        if line.is_stopped {
            return None;
        }
        let counted = line.gates.iter().filter(|at| gates[**at].limit.concurrency.is_some());
        let slots = counted.map(|at| Arc::clone(&gates[*at].name)).collect();
        line.gates.iter().for_each(|at| gates[*at].take(*now));
        Some(AdmittedRun { id, queue: line.queue.clone(), slots })
    }

    /// `left` are the lines with runs that stay.
    fn plan(&self, admitted: Vec<AdmittedRun>, limit: usize, left: &[LineAt]) -> Plan {
        if limit > 0 && admitted.len() == limit {
            return Plan { admitted, next_at: None, has_more: true, is_full: true };
        }
        let next_at = left.iter().filter_map(|at| self.next_at(&self.lines[at.0].gates)).min();
        let has_more = next_at.is_some_and(|at| at <= self.now);
        let next_at = next_at.filter(|at| *at > self.now);
        Plan { admitted, next_at, has_more, is_full: false }
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
