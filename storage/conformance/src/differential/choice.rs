//! Chooses operations, from a space so small that they meet.

mod alterations;
mod attempts;
mod batches;
mod dependencies;
pub(super) mod documents;
mod flow;
mod looks;
mod schedules;
mod signals;
mod uniqueness;

use std::collections::HashSet;
use std::time::Duration;

use zapjobs_model::{Due, NewRun, Run, RunId, RunStatus, Timestamp};
use zapjobs_storage::{NamedLeaseRequest, PAGE_MAX, PruneRequest, RunFilter, WorkerRecord};

use super::operation::Operation;
use super::random::Random;
use crate::Fixture;
use crate::builders::{MICROSECOND, RunBuilder, a_line, a_run, a_worker, run_id, seconds, worker};
use crate::harness::START;

/// Runs are submitted under so many ids.
const IDS: u64 = 40;
pub(super) const QUEUES: [&str; 3] = ["a", "b", "B"];
pub(super) const TENANTS: [&str; 2] = ["acme", "zeta"];
const JOBS: [&str; 3] = ["mail", "resize", "Report"];
pub(super) const LEASES: [&str; 2] = ["leader", "pruner"];
/// So many of the latest hours are kept for certain: 14 days.
pub(super) const HOURS_PROMISED: usize = 14 * 24;

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
    /// Nor are ids of callbacks.
    called: u64,
    /// Logs of runs that ended before this instant may have been pruned.
    logs_pruned_before: Timestamp,
}

impl Chooser {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            now: START,
            used: HashSet::new(),
            claims: Vec::new(),
            fired: 0,
            called: 0,
            logs_pruned_before: Timestamp::from_micros(0),
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
        match self.random.below(108) {
            0..12 => self.enqueue(reference).await,
            12..14 => self.signal(reference).await,
            14..16 => self.change_limit(),
            16..28 => self.claim(reference).await,
            28..31 => self.claim_run(reference).await,
            31..37 => Operation::Renew(self.keys(reference).await, self.span()),
            37..39 => Operation::CancelRequests(self.keys(reference).await),
            39..42 => self.step(reference).await,
            42..44 => Operation::ReportProgress(self.progress(reference).await),
            44..51 => self.apply(reference).await,
            51..53 => self.suspend(reference).await,
            53..57 => Operation::Promote(self.limit()),
            57..58 => Operation::Expired(self.limit()),
            58..59 => self.alter(reference).await,
            59..63 => Operation::RequestCancel(self.unfinished(reference).await),
            63..64 => self.release_runs(reference).await,
            64..65 => Operation::EndedParents,
            65..68 => Operation::Requeue(self.finished(reference).await),
            68..69 => self.prune(),
            69..72 => self.advance(reference).await,
            72..76 => self.look(reference).await,
            76..80 => self.admit(),
            80..87 => self.schedule(reference).await,
            87..91 => self.append(reference).await,
            91..96 => self.coordinate(),
            96..98 => self.document(reference).await,
            98..106 => self.batches(reference).await,
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
        use RunStatus::{AwaitingRetry, Held, Pending, Running, Scheduled};
        let status = self.random.one_of(&[
            Pending,
            Scheduled,
            Running,
            Running,
            Running,
            AwaitingRetry,
            Held,
        ]);
        self.run_with(status, reference).await
    }

    /// Most often a run that ended otherwise than well.
    async fn finished(&mut self, reference: &Fixture) -> RunId {
        use RunStatus::{Cancelled, Completed, Failed};
        let status = self.random.one_of(&[Cancelled, Completed, Failed, Failed]);
        self.run_with(status, reference).await
    }

    /// Most often runs that are held.
    async fn release_runs(&mut self, reference: &Fixture) -> Operation {
        let mut runs = Vec::new();
        for _ in 0..self.random.below(4) {
            runs.push(self.run_with(RunStatus::Held, reference).await);
        }
        Operation::ReleaseRuns(runs)
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
        // At times long enough that hours and days go by.
        let span = self.span() * self.random.one_of(&[1, 1, 1, 1, 1, 1, 60, 2_000]);
        let next = self.unique(self.now.plus(span));
        let span = next.since(self.now);
        self.now = next;
        Operation::LetPass(span)
    }

    async fn enqueue(&mut self, reference: &Fixture) -> Operation {
        let count = self.random.one_of(&[0, 1, 1, 2, 3, 8]);
        // Runs with keys and runs that wait for others meet in few batches: all of it is refused.
        let (has_keys, has_links) = self.random.one_of(&[
            (false, false),
            (true, false),
            (true, false),
            (false, true),
            (false, true),
            (true, true),
        ]);
        let mut runs = Vec::new();
        for _ in 0..count {
            let run = self.new_run();
            let run = if has_keys { self.with_keys(run) } else { run };
            let after = if has_links { self.after() } else { Vec::new() };
            let deadline = self.now.plus(self.span());
            let deadline = self.random.once_in(8).then_some(deadline);
            let run = run.build();
            let has_batch = !has_keys || self.random.once_in(20);
            let batch = if has_batch { self.batch_of(&run.tenant, reference).await } else { None };
            runs.push(NewRun { due: self.due(), deadline, after, batch, ..run });
        }
        Operation::Enqueue(runs)
    }

    fn new_run(&mut self) -> RunBuilder {
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
        if self.random.once_in(2) {
            run = run.limit_key(self.random.one_of(&["x", "y/ü"]));
        }
        run
    }

    fn due(&mut self) -> Due {
        let wish = self.now.plus(self.span());
        match self.random.below(8) {
            0 => Due::At(self.now.minus(seconds(5))),
            1 => Due::At(self.unique(wish)),
            2 => Due::In(self.unique(wish).since(self.now)),
            3 => Due::In(Duration::ZERO),
            4 => Due::Held,
            _ => Due::Now,
        }
    }

    fn prune(&mut self) -> Operation {
        let finished_before = self.now.minus(self.span() * 2);
        if self.random.once_in(2) {
            return Operation::Prune(PruneRequest { finished_before, limit: self.limit() });
        }
        self.logs_pruned_before = self.logs_pruned_before.max(finished_before);
        Operation::PruneLogs(PruneRequest { finished_before, limit: self.limit() })
    }

    /// Only to runs that are there, and whose place was not passed: what becomes of other
    /// entries is open.
    async fn append(&mut self, reference: &Fixture) -> Operation {
        let mut entries = Vec::new();
        for run in self.logged(reference).await {
            let ended = reference.stored(run).await.finished_at;
            if ended.is_some_and(|ended| ended < self.logs_pruned_before)
                && reference.log(run).await.is_empty()
            {
                continue;
            }
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
        let name = self.random.one_of(&LEASES).to_owned();
        match self.random.below(10) {
            0 | 1 => Operation::Heartbeat(WorkerRecord {
                running: self.random.below(9) as u32,
                ..a_worker(number)
            }),
            2 => Operation::RemoveWorker(worker(number)),
            3 => Operation::RemoveStaleWorkers(self.span()),
            4..6 => Operation::Release(name, worker(number % 2)),
            6 => Operation::NamedLease(name),
            _ => Operation::Acquire(NamedLeaseRequest {
                name,
                owner: worker(number % 2),
                ttl: self.span() * 2,
            }),
        }
    }
}
