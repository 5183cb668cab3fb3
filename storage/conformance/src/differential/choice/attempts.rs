//! What workers do.

use zapjobs_model::{
    Digest, ItemCounts, Json, Lease, LeaseKey, Outcome, Progress, RetryPolicy, Run, RunStatus,
    StepName, StopReason, Transition, Usage, settle,
};
use zapjobs_storage::{
    ClaimRequest, ClaimRunRequest, PAGE_MAX, ProgressUpdate, QueueSelection, RunFilter,
    TenantSelection, TenantShare,
};

use super::{Chooser, Operation, QUEUES};
use crate::Fixture;
use crate::actions::a_failure;
use crate::builders::{json, queue, tenant, worker};

/// Claims that are remembered, the stale ones among them, at most.
const CLAIMS_MAX: usize = 60;

impl Chooser {
    pub(super) async fn claim(&mut self, reference: &Fixture) -> Operation {
        self.remember(&running(reference).await);
        let queues = match self.random.below(4) {
            0 => QueueSelection::Only(vec![queue("a"), queue("B"), queue("a")]),
            1 => QueueSelection::Only(vec![queue(self.random.one_of(&QUEUES)), queue("none")]),
            _ => QueueSelection::All,
        };
        Operation::Claim(ClaimRequest {
            worker: worker(self.random.below(3)),
            queues,
            tenants: self.tenants(),
            limit: self.limit(),
            lease: self.span(),
        })
    }

    /// All tenants, or shares of some; at times shares that are refused.
    fn tenants(&mut self) -> TenantSelection {
        let share = |name: &str, limit| TenantShare { tenant: tenant(name), limit };
        let (one, other) = (self.limit().max(1), self.limit().max(1));
        match self.random.below(8) {
            0 => TenantSelection::Shares(vec![share("zeta", one), share("acme", other)]),
            1 => TenantSelection::Shares(vec![share("acme", one), share("none", other)]),
            2 => TenantSelection::Shares(vec![share("zeta", one)]),
            3 if self.random.once_in(4) => TenantSelection::Shares(vec![share("zeta", 0)]),
            _ => TenantSelection::All,
        }
    }

    /// Most often a run that waits.
    pub(super) async fn claim_run(&mut self, reference: &Fixture) -> Operation {
        use RunStatus::{AwaitingRetry, Completed, Held, Pending, Running, Scheduled};
        self.remember(&running(reference).await);
        let status = self.random.one_of(&[
            Pending,
            Pending,
            Scheduled,
            Scheduled,
            AwaitingRetry,
            Running,
            Completed,
            Held,
        ]);
        Operation::ClaimRun(ClaimRunRequest {
            run: self.run_with(status, reference).await,
            worker: worker(self.random.below(3)),
            lease: self.span(),
        })
    }

    /// Remembers claims that will be stale some day.
    pub(super) fn remember(&mut self, running: &[Run]) {
        self.claims.extend_from_slice(running);
        let surplus = self.claims.len().saturating_sub(CLAIMS_MAX);
        self.claims.drain(..surplus);
    }

    /// Most often a claim that holds; else one that held when it was remembered.
    pub(super) fn claimed(&mut self, running: &[Run]) -> Option<Run> {
        let stale = running.is_empty() || self.random.once_in(4);
        let choices = if stale { &self.claims } else { running };
        (!choices.is_empty()).then(|| self.random.one_of(choices))
    }

    /// Different keys, some of them stale, some made up.
    pub(super) async fn keys(&mut self, reference: &Fixture) -> Vec<LeaseKey> {
        let running = running(reference).await;
        let mut keys: Vec<LeaseKey> = Vec::new();
        for _ in 0..self.random.below(6) {
            let made_up = LeaseKey { run: self.run(), lease: Lease(1) };
            let key = self.claimed(&running).map_or(made_up, |run| run.lease_key());
            let key = if self.random.once_in(8) { made_up } else { key };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        self.remember(&running);
        keys
    }

    pub(super) async fn progress(&mut self, reference: &Fixture) -> Vec<ProgressUpdate> {
        let keys = self.keys(reference).await;
        let update = |key| ProgressUpdate {
            key,
            progress: (!self.random.once_in(3)).then(|| Progress {
                done: self.random.below(100),
                total: self.random.once_in(2).then_some(100),
                message: "halfway".to_owned(),
            }),
            counts: self.random.once_in(2).then(|| ItemCounts {
                processed: self.random.below(100),
                succeeded: 1,
                failed: 0,
            }),
        };
        keys.into_iter().map(update).collect()
    }

    /// Few names and results, so that they meet; at times a look at those of a run.
    pub(super) async fn step(&mut self, reference: &Fixture) -> Operation {
        let key = self.keys(reference).await.pop();
        match key.filter(|_| !self.random.once_in(6)) {
            Some(key) => {
                let name = self.random.one_of(&["charge", "it's 1"]);
                let result = json(self.random.one_of(&["null", "1", "2", "{\"n\":1.0}"]));
                Operation::RecordStep(key, StepName::new(name).expect("a good name"), result)
            }
            None => Operation::Steps(self.run_with(RunStatus::Running, reference).await),
        }
    }

    pub(super) async fn apply(&mut self, reference: &Fixture) -> Operation {
        let running = running(reference).await;
        let mut transitions = Vec::new();
        for _ in 0..self.random.one_of(&[0, 1, 1, 2, 3]) {
            if let Some(mut run) = self.claimed(&running) {
                // As a worker knows it that has not heard of the request.
                run.cancel_requested &= self.random.once_in(2);
                transitions.push(self.transition(&run));
            }
        }
        self.remember(&running);
        Operation::Apply(transitions)
    }

    fn transition(&mut self, run: &Run) -> Transition {
        let [cpu_us, wall_us] = [self.random.below(9_999), self.random.below(1 << 40)];
        let usage = Usage {
            cpu_us,
            wall_us,
            wait_us: wall_us / 2,
            http_requests: cpu_us % 7,
            ..Usage::default()
        };
        let outcome = self.outcome();
        let policy = RetryPolicy::default();
        let random = self.random.below(1_000) as f64 / 1_000.0;
        let mut transition = settle(run, outcome, usage, self.now, &policy, random);
        transition.at = self.unique(transition.at);
        transition.due_at = transition.due_at.map(|due_at| self.unique(due_at));
        if !transition.status.is_final() && self.random.once_in(6) {
            transition.status = RunStatus::Held;
        }
        let code = if self.random.once_in(2) { "old" } else { "new" };
        transition.digest = self.random.once_in(2).then(|| Digest::of(code.as_bytes()));
        if self.random.once_in(8) {
            transition.key.run = self.run();
        }
        transition
    }

    fn outcome(&mut self) -> Outcome {
        let wait_ms = self.random.one_of(&[0, 1_500, 30_000]);
        let error = a_failure(self.random.one_of(&["broken", "Broken pipe", "time's up"]));
        match self.random.below(12) {
            0..4 => Outcome::Completed(json("{\"done\":true}")),
            4 => Outcome::Completed(Json::null()),
            5 => Outcome::Retry { error, after_ms: Some(wait_ms) },
            6 => Outcome::Retry { error, after_ms: None },
            7 => Outcome::Failed(error),
            8 => Outcome::Snoozed { for_ms: wait_ms },
            9 => Outcome::Stopped { reason: StopReason::Memory, error },
            10 => Outcome::HandedBack { after_ms: wait_ms, error: None },
            _ => self.random.one_of(&[Outcome::Lost, Outcome::Cancelled(error)]),
        }
    }
}

/// The runs that are running now.
pub(super) async fn running(reference: &Fixture) -> Vec<Run> {
    let filter = RunFilter { statuses: vec![RunStatus::Running], ..RunFilter::default() };
    reference.page(filter, None, PAGE_MAX).await.runs
}
