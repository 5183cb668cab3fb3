//! Which runs wait for which, and which of those have ended.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use zapjobs_model::workflow::{Condition, Dependency, Step};
use zapjobs_model::{Json, NewRun, Run, RunError, RunId, RunStatus, Timestamp, run::released};
use zapjobs_storage::{
    Activity, AdvanceRequest, AdvanceResult, Dependencies, ENDS_MAX, EndedParent, Result,
    WaitingChild, check_advance, unknown_parent,
};

use crate::MemoryStorage;
use crate::run_changes::tell;
use crate::storage::Work;

/// Edges both ways. A run that waits for nothing, and one that nobody waits for, has none.
#[derive(Default)]
pub(crate) struct Links {
    parents: HashMap<RunId, BTreeMap<RunId, Condition>>,
    children: HashMap<RunId, BTreeSet<RunId>>,
    /// Ends that somebody waits for, by when they were noted.
    ends: BTreeSet<(Timestamp, RunId)>,
    ended: HashMap<RunId, (Timestamp, RunStatus)>,
}

impl Links {
    fn add(&mut self, child: RunId, of: Dependency) {
        self.parents.entry(child).or_default().insert(of.run, of.on);
        self.children.entry(of.run).or_default().insert(child);
    }

    /// Whether a run waits for others.
    pub(crate) fn waits(&self, child: RunId) -> bool {
        self.parents.contains_key(&child)
    }

    fn cut(&mut self, parent: RunId, child: RunId) {
        if let Some(parents) = self.parents.get_mut(&child) {
            parents.remove(&parent);
            if parents.is_empty() {
                self.parents.remove(&child);
            }
        }
        if let Some(children) = self.children.get_mut(&parent) {
            children.remove(&child);
            if children.is_empty() {
                self.children.remove(&parent);
            }
        }
    }

    /// The run waits for nothing more.
    pub(crate) fn forget(&mut self, child: RunId) {
        for parent in self.parents.remove(&child).unwrap_or_default().into_keys() {
            self.cut(parent, child);
        }
    }

    /// Notes the end of a run if anyone waits for it. Answers whether.
    pub(crate) fn note_end(&mut self, run: RunId, status: RunStatus, now: Timestamp) -> bool {
        let is_awaited = self.children.contains_key(&run);
        if is_awaited && !self.ended.contains_key(&run) {
            self.ends.insert((now, run));
            self.ended.insert(run, (now, status));
        }
        is_awaited
    }

    /// The run has not ended after all, or nobody waits for it any more.
    pub(crate) fn take_end_away(&mut self, run: RunId) {
        if let Some((at, _)) = self.ended.remove(&run) {
            self.ends.remove(&(at, run));
        }
    }

    fn ended_parents(&self, limit: usize) -> Vec<EndedParent> {
        let mut left = limit;
        let mut answer = Vec::new();
        for (_, run) in self.ends.iter().take(limit) {
            let children = self.children.get(run).into_iter().flatten();
            let children: Vec<_> =
                children.take(left).map(|child| self.waiting(*run, *child)).collect();
            left -= children.len();
            answer.push(EndedParent { run: *run, status: self.ended[run].1, children });
            if left == 0 {
                break;
            }
        }
        answer
    }

    fn waiting(&self, parent: RunId, child: RunId) -> WaitingChild {
        let parents = &self.parents[&child];
        WaitingChild { run: child, on: parents[&parent], others: parents.len() as u64 - 1 }
    }
}

impl Work<'_> {
    /// Refuses runs that wait for one that is neither stored nor in the batch.
    pub(crate) fn check_parents(
        &self,
        operation: &'static str,
        linked: &[&NewRun],
        batch: &[NewRun],
    ) -> Result<()> {
        if linked.is_empty() {
            return Ok(());
        }
        let batch: HashSet<RunId> = batch.iter().map(|run| run.id).collect();
        let is_there = |id: &RunId| batch.contains(id) || self.state.runs.get(*id).is_some();
        for run in linked {
            if let Some(of) = run.after.iter().find(|of| !is_there(&of.run)) {
                return Err(unknown_parent(operation, run.id, of.run));
            }
        }
        Ok(())
    }

    /// Notes what runs wait for that were just stored.
    pub(crate) fn link(&mut self, linked: &[&NewRun]) {
        for run in linked {
            for of in &run.after {
                self.state.links.add(run.id, *of);
                let status = self.state.runs.get(of.run).map(|parent| parent.status);
                if let Some(status) = status.filter(|status| status.is_final()) {
                    self.end_noted(of.run, status);
                }
            }
        }
    }

    /// Notes an end, and tells of it, if anyone waits for it.
    pub(crate) fn end_noted(&mut self, run: RunId, status: RunStatus) {
        if self.state.links.note_end(run, status, self.now) {
            self.hints.ended();
        }
    }

    fn advance_one(&mut self, parent: RunId, child: RunId, step: &Step) -> AdvanceResult {
        let links = &mut self.state.links;
        let Some(others) = links.parents.get(&child).filter(|of| of.contains_key(&parent)) else {
            return AdvanceResult::Gone;
        };
        let others = others.len() - 1;
        if self.state.runs.get(child).is_none_or(|run| run.status != RunStatus::Held) {
            links.cut(parent, child);
            return AdvanceResult::Gone;
        }
        match step {
            Step::Wait if others == 0 => return AdvanceResult::Changed,
            Step::Release { .. } if others > 0 => return AdvanceResult::Changed,
            Step::Wait => links.cut(parent, child),
            Step::Release { input } => {
                links.cut(parent, child);
                self.let_go(child, input.as_ref());
            }
            Step::End { status, error } => {
                links.forget(child);
                self.end_waiting(child, *status, error);
            }
        }
        AdvanceResult::Done
    }

    fn let_go(&mut self, child: RunId, input: Option<&Json>) {
        let now = self.now;
        let run = self.state.runs.change(child, |run| {
            run.status = released(run.due_at, now);
            run.due_at = run.due_at.max(now);
            if let Some(input) = input {
                run.input = input.clone();
            }
        });
        run.into_iter().for_each(|run| tell(&mut self.hints, run));
    }

    fn end_waiting(&mut self, child: RunId, status: RunStatus, error: &RunError) {
        let now = self.now;
        let run = self.state.runs.change(child, |run: &mut Run| {
            run.status = status;
            run.finished_at = Some(now);
            run.error = Some(error.clone());
        });
        if let Some(run) = run {
            let activity = match status {
                RunStatus::Failed => Activity { failed: 1, ..Activity::default() },
                _ => Activity { cancelled: 1, ..Activity::default() },
            };
            self.state.statistics.count(run, &activity, now);
        }
        self.end_noted(child, status);
    }
}

#[async_trait]
impl Dependencies for MemoryStorage {
    async fn ended_parents(&self, limit: usize) -> Result<Vec<EndedParent>> {
        self.work("list ends that runs wait for", |work| {
            Ok(work.state.links.ended_parents(limit.min(ENDS_MAX)))
        })
    }

    async fn advance(&self, request: AdvanceRequest) -> Result<Vec<AdvanceResult>> {
        const OPERATION: &str = "advance runs that wait";
        check_advance(OPERATION, &request)?;
        let AdvanceRequest { parent, status, steps } = request;
        self.work(OPERATION, |work| {
            let noted = work.state.links.ended.get(&parent).map(|(_, status)| *status);
            if noted != Some(status) {
                return Ok(vec![AdvanceResult::Changed; steps.len()]);
            }
            let advance = |(child, step): &(RunId, Step)| work.advance_one(parent, *child, step);
            let answers = steps.iter().map(advance).collect();
            if !work.state.links.children.contains_key(&parent) {
                work.state.links.take_end_away(parent);
            }
            work.state.trim_finished();
            Ok(answers)
        })
    }

    async fn dependencies(&self, run: RunId) -> Result<Vec<Dependency>> {
        self.work("read what the run waits for", |work| {
            let parents = work.state.links.parents.get(&run).into_iter().flatten();
            Ok(parents.map(|(run, on)| Dependency { run: *run, on: *on }).collect())
        })
    }
}
