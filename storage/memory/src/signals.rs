//! Signals to runs, and waits of runs.

use std::collections::HashMap;

use async_trait::async_trait;
use zapjobs_model::signal::{SIGNALS_PENDING_MAX, received};
use zapjobs_model::wait::stands;
use zapjobs_model::{
    Json, Lease, LeaseKey, RunId, RunStatus, Signal, SignalName, StepName, Suspension, Wait,
};
use zapjobs_storage::{
    ApplyResult, RecordStepResult, Result, SendSignalResult, Signals, TakeSignalResult,
    check_signal, check_suspension,
};

use crate::MemoryStorage;
use crate::run_changes::tell;
use crate::storage::Work;

/// The signals that runs have not taken, and what suspended runs wait for.
#[derive(Default)]
pub(crate) struct RunSignals {
    pending: HashMap<RunId, Vec<Signal>>,
    waits: HashMap<RunId, (Lease, Wait)>,
}

impl RunSignals {
    /// Deletes what is kept of a run.
    pub(crate) fn forget(&mut self, run: RunId) {
        self.pending.remove(&run);
        self.waits.remove(&run);
    }

    fn of(&self, run: RunId) -> &[Signal] {
        self.pending.get(&run).map_or(&[], Vec::as_slice)
    }

    fn first(&self, run: RunId, name: &SignalName) -> Option<usize> {
        self.of(run).iter().position(|signal| signal.name == *name)
    }
}

impl Work<'_> {
    fn wait_of(&self, run: RunId) -> Option<&Wait> {
        let (lease, wait) = self.state.signals.waits.get(&run)?;
        let run = self.state.runs.get(run)?;
        stands(*lease, run.status, run.lease).then_some(wait)
    }

    fn send(&mut self, run: RunId, name: &SignalName, payload: &Json) -> SendSignalResult {
        match self.state.runs.get(run).map(|run| run.status) {
            None => return SendSignalResult::NotFound,
            Some(status) if status.is_final() => return SendSignalResult::Ended(status),
            Some(_) => {}
        }
        if self.state.signals.of(run).len() as u64 >= SIGNALS_PENDING_MAX {
            return SendSignalResult::Full;
        }
        let signal = Signal { name: name.clone(), payload: payload.clone(), at: self.now };
        self.state.signals.pending.entry(run).or_default().push(signal);
        let is_awaited =
            self.wait_of(run).is_some_and(|wait| wait.signal.as_ref().is_some_and(|it| it == name));
        if !is_awaited {
            return SendSignalResult::Kept;
        }
        let now = self.now;
        let woken = self.state.runs.change(run, |run| {
            run.status = RunStatus::Pending;
            run.due_at = now;
        });
        woken.into_iter().for_each(|run| tell(&mut self.hints, run));
        SendSignalResult::Woke
    }

    fn take(
        &mut self,
        key: LeaseKey,
        name: &SignalName,
        step: &StepName,
    ) -> Result<TakeSignalResult> {
        if self.state.runs.held(key).is_none() {
            return Ok(TakeSignalResult::Stale);
        }
        if let Some(earlier) = self.state.steps.result_of(key.run, step) {
            return Ok(TakeSignalResult::Recorded(earlier));
        }
        let Some(first) = self.state.signals.first(key.run, name) else {
            return Ok(TakeSignalResult::Nothing);
        };
        let result = received(&self.state.signals.of(key.run)[first].payload);
        match self.record(key, step, &result) {
            RecordStepResult::Full => return Ok(TakeSignalResult::Full),
            RecordStepResult::Stale => return Ok(TakeSignalResult::Stale),
            RecordStepResult::Recorded | RecordStepResult::Earlier(_) => {}
        }
        if let Some(pending) = self.state.signals.pending.get_mut(&key.run) {
            pending.remove(first);
        }
        Ok(TakeSignalResult::Recorded(result))
    }
}

#[async_trait]
impl Signals for MemoryStorage {
    async fn send_signal(
        &self,
        run: RunId,
        name: &SignalName,
        payload: &Json,
    ) -> Result<SendSignalResult> {
        const OPERATION: &str = "send the signal";
        check_signal(OPERATION, payload)?;
        self.work(OPERATION, |work| Ok(work.send(run, name, payload)))
    }

    async fn take_signal(
        &self,
        key: LeaseKey,
        name: &SignalName,
        step: &StepName,
    ) -> Result<TakeSignalResult> {
        self.work("take a signal", |work| work.take(key, name, step))
    }

    async fn suspend(&self, suspension: &Suspension) -> Result<ApplyResult> {
        const OPERATION: &str = "suspend the run";
        check_suspension(OPERATION, suspension)?;
        self.work(OPERATION, |work| {
            let LeaseKey { run, lease } = suspension.transition.key;
            let awaited = suspension.wait.signal.as_ref();
            let has_signal =
                awaited.is_some_and(|name| work.state.signals.first(run, name).is_some());
            let answer = work.apply_one(&suspension.decide(has_signal));
            if answer == ApplyResult::Applied {
                work.state.signals.waits.insert(run, (lease, suspension.wait.clone()));
            }
            Ok(answer)
        })
    }

    async fn wait_of(&self, run: RunId) -> Result<Option<Wait>> {
        self.work("read what the run waits for", |work| Ok(work.wait_of(run).cloned()))
    }

    async fn signals(&self, run: RunId) -> Result<Vec<Signal>> {
        self.work("read the signals", |work| Ok(work.state.signals.of(run).to_vec()))
    }
}
