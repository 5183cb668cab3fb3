//! Chooses operations, from a space so small that they meet.

use std::collections::HashSet;
use std::time::Duration;

use zapjobs_model::{
    Digest, Due, ItemCounts, JobDefinition, Json, Lease, LeaseKey, NewRun, Outcome, Progress,
    RetryPolicy, Run, RunId, RunStatus, StopReason, Timestamp, Transition, Usage, settle,
};
use zapjobs_storage::{
    ClaimRequest, Cursor, FireRequest, LogPageRequest, NamedLeaseRequest, PAGE_MAX, ProgressUpdate,
    PruneRequest, QueueSelection, RunFilter, RunPageRequest, WorkerRecord,
};

use super::operation::Operation;
use super::random::Random;
use crate::Fixture;
use crate::actions::a_failure;
use crate::builders::{
    MICROSECOND, a_definition, a_line, a_run, a_worker, job_type, json, key, queue, run_id,
    seconds, tag, tenant, worker,
};
use crate::harness::START;

/// Runs are submitted under so many ids.
const IDS: u64 = 40;
/// Claims that are remembered, the stale ones among them, at most.
const CLAIMS_MAX: usize = 60;
const QUEUES: [&str; 3] = ["a", "b", "B"];
const TENANTS: [&str; 2] = ["acme", "zeta"];
const JOBS: [&str; 3] = ["mail", "resize", "Report"];
const SEARCHES: [&str; 5] = ["MAIL", "broken", "order 1", "%", "00000001"];

pub(super) struct Chooser {
    random: Random,
    /// The present instant on both clocks.
    now: Timestamp,
    /// Instants in use: a tie would leave open what a limit cuts.
    used: HashSet<Timestamp>,
    /// Runs as they were claimed, at some time.
    claims: Vec<Run>,
    /// Ids of runs that schedules made are never used twice.
    fired: u64,
}

impl Chooser {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            now: START,
            used: HashSet::new(),
            claims: Vec::new(),
            fired: 0,
        }
    }

    /// How much time passes before the next operation: little, to an instant of its own.
    pub(super) fn tick(&mut self) -> Duration {
        let wish = self.now.plus(MICROSECOND * (1 + self.random.below(1_000) as u32));
        let next = self.unique(wish);
        let span = next.since(self.now);
        self.now = next;
        span
    }

    /// The next operation. The reference is looked at, so that most operations mean something.
    pub(super) async fn choose(&mut self, reference: &Fixture) -> Operation {
        match self.random.below(100) {
            0..16 => self.enqueue(),
            16..31 => self.claim(reference).await,
            31..37 => Operation::Renew(self.keys(reference).await, self.span()),
            37..40 => Operation::CancelRequests(self.keys(reference).await),
            40..43 => Operation::ReportProgress(self.progress(reference).await),
            43..53 => self.apply(reference).await,
            53..57 => Operation::Promote(self.limit()),
            57..59 => Operation::Expired(self.limit()),
            59..65 => Operation::RequestCancel(self.unfinished(reference).await),
            65..69 => Operation::Requeue(self.finished(reference).await),
            69 => self.prune(),
            70..80 => self.look(reference).await,
            80..89 => self.schedule(reference).await,
            89..93 => self.append(reference).await,
            93..98 => self.coordinate(),
            _ => self.let_pass(),
        }
    }

    /// This instant, or the first after it that is not in use.
    fn unique(&mut self, mut instant: Timestamp) -> Timestamp {
        while !self.used.insert(instant) {
            instant = instant.plus(MICROSECOND);
        }
        instant
    }

    /// Up to a minute.
    fn span(&mut self) -> Duration {
        Duration::from_millis(1 + self.random.below(60_000))
    }

    fn limit(&mut self) -> usize {
        self.random.one_of(&[0, 1, 2, 3, 5, 100])
    }

    fn run(&mut self) -> RunId {
        run_id(self.random.below(IDS + 2))
    }

    /// Most often a run that has not ended.
    async fn unfinished(&mut self, reference: &Fixture) -> RunId {
        use RunStatus::{AwaitingRetry, Pending, Running, Scheduled};
        let status =
            self.random.one_of(&[Pending, Scheduled, Running, Running, Running, AwaitingRetry]);
        self.run_with(status, reference).await
    }

    /// Most often a run that ended otherwise than well.
    async fn finished(&mut self, reference: &Fixture) -> RunId {
        use RunStatus::{Cancelled, Completed, Failed};
        let status = self.random.one_of(&[Cancelled, Completed, Failed, Failed]);
        self.run_with(status, reference).await
    }

    /// Most often a run that stands so, if there is one.
    async fn run_with(&mut self, status: RunStatus, reference: &Fixture) -> RunId {
        let filter = RunFilter { statuses: vec![status], ..RunFilter::default() };
        let page = reference.page(filter, None, PAGE_MAX).await;
        if page.runs.is_empty() || self.random.once_in(8) {
            return self.run();
        }
        self.random.one_of(&page.runs).id
    }

    fn let_pass(&mut self) -> Operation {
        let wish = self.now.plus(self.span());
        let next = self.unique(wish);
        let span = next.since(self.now);
        self.now = next;
        Operation::LetPass(span)
    }

    fn enqueue(&mut self) -> Operation {
        let count = self.random.one_of(&[0, 1, 1, 2, 3, 8]);
        Operation::Enqueue((0..count).map(|_| self.new_run()).collect())
    }

    fn new_run(&mut self) -> NewRun {
        let run = a_run(self.random.one_of(&JOBS))
            .id(self.random.below(IDS))
            .tenant(self.random.one_of(&TENANTS))
            .queue(self.random.one_of(&QUEUES))
            .priority(self.random.one_of(&[-1, 0, 0, 0, 1, 500]))
            .max_attempts(self.random.one_of(&[1, 2, 5]))
            .input(self.random.one_of(&["null", "{\"n\":1.0}", "[\"ä\"]"]));
        let mut run = if self.random.once_in(3) { run.tag("red").tag("it's 1") } else { run };
        if self.random.once_in(4) {
            run = run.correlation("Order 100%");
        }
        let mut run = run.build();
        run.due = self.due();
        let deadline = self.now.plus(self.span());
        run.deadline = self.random.once_in(8).then_some(deadline);
        run
    }

    fn due(&mut self) -> Due {
        let wish = self.now.plus(self.span());
        match self.random.below(8) {
            0 => Due::At(self.now.minus(seconds(5))),
            1 => Due::At(self.unique(wish)),
            2 => Due::In(self.unique(wish).since(self.now)),
            3 => Due::In(Duration::ZERO),
            _ => Due::Now,
        }
    }

    async fn claim(&mut self, reference: &Fixture) -> Operation {
        self.remember(&running(reference).await);
        let queues = match self.random.below(4) {
            0 => QueueSelection::Only(vec![queue("a"), queue("B"), queue("a")]),
            1 => QueueSelection::Only(vec![queue(self.random.one_of(&QUEUES)), queue("none")]),
            _ => QueueSelection::All,
        };
        Operation::Claim(ClaimRequest {
            worker: worker(self.random.below(3)),
            queues,
            limit: self.limit(),
            lease: self.span(),
        })
    }

    /// Remembers claims that will be stale some day.
    fn remember(&mut self, running: &[Run]) {
        self.claims.extend_from_slice(running);
        let surplus = self.claims.len().saturating_sub(CLAIMS_MAX);
        self.claims.drain(..surplus);
    }

    /// Most often a claim that holds; else one that held when it was remembered.
    fn claimed(&mut self, running: &[Run]) -> Option<Run> {
        let stale = running.is_empty() || self.random.once_in(4);
        let choices = if stale { &self.claims } else { running };
        (!choices.is_empty()).then(|| self.random.one_of(choices))
    }

    /// Different keys, some of them stale, some made up.
    async fn keys(&mut self, reference: &Fixture) -> Vec<LeaseKey> {
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

    async fn progress(&mut self, reference: &Fixture) -> Vec<ProgressUpdate> {
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

    async fn apply(&mut self, reference: &Fixture) -> Operation {
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
        let usage = Usage { cpu_us: self.random.below(9_999), ..Usage::default() };
        let outcome = self.outcome();
        let policy = RetryPolicy::default();
        let random = self.random.below(1_000) as f64 / 1_000.0;
        let mut transition = settle(run, outcome, usage, self.now, &policy, random);
        transition.at = self.unique(transition.at);
        transition.due_at = transition.due_at.map(|due_at| self.unique(due_at));
        let code = if self.random.once_in(2) { "old" } else { "new" };
        transition.digest = self.random.once_in(2).then(|| Digest::of(code.as_bytes()));
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

    fn prune(&mut self) -> Operation {
        let finished_before = self.now.minus(self.span() * 2);
        Operation::Prune(PruneRequest { finished_before, limit: self.limit() })
    }

    async fn look(&mut self, reference: &Fixture) -> Operation {
        match self.random.below(6) {
            0 => Operation::Run(self.run()),
            1 => Operation::Counts(self.filter()),
            2 => Operation::QueueCounts,
            3 => {
                let logged = self.logged(reference).await;
                let run = if logged.is_empty() { self.run() } else { self.random.one_of(&logged) };
                let place = (Lease(self.random.below(3) as u32), self.random.below(6) as u32);
                let after = self.random.once_in(2).then_some(place);
                Operation::LogPage(LogPageRequest { run, after, limit: 1 + self.limit() })
            }
            _ => Operation::Runs(RunPageRequest {
                filter: self.filter(),
                after: self.random.once_in(2).then(|| Cursor(self.run())),
                limit: self.limit(),
            }),
        }
    }

    fn filter(&mut self) -> RunFilter {
        let statuses: Vec<RunStatus> = match self.random.below(3) {
            0 => vec![self.random.one_of(&RunStatus::ALL), self.random.one_of(&RunStatus::ALL)],
            _ => Vec::new(),
        };
        let random = &mut self.random;
        RunFilter {
            statuses,
            tenant: random.once_in(4).then(|| tenant(random.one_of(&TENANTS))),
            job_type: random.once_in(4).then(|| job_type(random.one_of(&JOBS))),
            queue: random.once_in(4).then(|| queue(random.one_of(&QUEUES))),
            tag: random.once_in(5).then(|| tag("red")),
            created_from: random.once_in(5).then(|| self.now.minus(seconds(60))),
            created_before: random.once_in(5).then(|| self.now.minus(seconds(20))),
            search: random.once_in(4).then(|| random.one_of(&SEARCHES).to_owned()),
        }
    }

    async fn schedule(&mut self, reference: &Fixture) -> Operation {
        let key = key(self.random.one_of(&TENANTS), self.random.one_of(&JOBS));
        let next = self.random.once_in(2).then(|| self.now.plus(seconds(20)));
        match self.random.below(12) {
            0..3 => Operation::PutDefinitions(vec![self.definition()]),
            3 => Operation::DeleteDefinition(key),
            4 => Operation::SetEnabled(key, self.random.once_in(2), next),
            5 => Operation::DueDefinitions(self.limit()),
            6 => Operation::NextFireTime,
            7 => Operation::NoteLastStatus(key, self.random.one_of(&RunStatus::ALL)),
            _ => self.fire(reference, next).await,
        }
    }

    /// Most often a fire time that stands.
    async fn fire(&mut self, reference: &Fixture, next: Option<Timestamp>) -> Operation {
        let stored = reference.storage.definitions(None).await.expect("they are listed");
        let set = stored.iter().filter_map(|row| Some((row.key.clone(), row.next_run_at?)));
        let mut choices: Vec<_> = set.collect();
        if choices.is_empty() || self.random.once_in(6) {
            choices = vec![(key("acme", "mail"), self.now)];
        }
        let (key, due) = self.random.one_of(&choices);
        self.fired += 1;
        let run = a_run(key.job_type.as_str()).id(IDS + 10 + self.fired);
        let run = run.tenant(key.tenant.as_str()).build();
        Operation::Fire(FireRequest { key, due, next, run })
    }

    fn definition(&mut self) -> JobDefinition {
        let plain = a_definition(self.random.one_of(&TENANTS), self.random.one_of(&JOBS));
        let next = self.now.plus(seconds(self.random.below(9)));
        JobDefinition {
            enabled: !self.random.once_in(4),
            digest: if self.random.once_in(4) { None } else { plain.digest },
            next_run_at: (!self.random.once_in(4)).then_some(next),
            ..plain
        }
    }

    /// Only to runs that are there: what becomes of other entries is open.
    async fn append(&mut self, reference: &Fixture) -> Operation {
        let mut entries = Vec::new();
        for run in self.logged(reference).await {
            for _ in 0..self.random.below(4) {
                let (lease, index) = (self.random.below(3), self.random.below(6));
                entries.push(a_line(run, lease as u32, index as u32));
            }
        }
        Operation::AppendLogs(entries)
    }

    /// The runs with the smallest ids that there are: few, so that logs grow and entries
    /// repeat.
    async fn logged(&mut self, reference: &Fixture) -> Vec<RunId> {
        let ids = reference.list(RunFilter::default()).await;
        ids.into_iter().rev().take(3).collect()
    }

    fn coordinate(&mut self) -> Operation {
        let number = self.random.below(3);
        let name = self.random.one_of(&["leader", "pruner"]).to_owned();
        match self.random.below(9) {
            0 | 1 => Operation::Heartbeat(WorkerRecord {
                running: self.random.below(9) as u32,
                ..a_worker(number)
            }),
            2 => Operation::RemoveWorker(worker(number)),
            3 => Operation::RemoveStaleWorkers(self.span()),
            4..6 => Operation::Release(name, worker(number % 2)),
            _ => Operation::Acquire(NamedLeaseRequest {
                name,
                owner: worker(number % 2),
                ttl: self.span() * 2,
            }),
        }
    }
}

/// The runs that are running now.
async fn running(reference: &Fixture) -> Vec<Run> {
    let filter = RunFilter { statuses: vec![RunStatus::Running], ..RunFilter::default() };
    reference.page(filter, None, PAGE_MAX).await.runs
}
