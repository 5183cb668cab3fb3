//! Lets attacks loose one after the other, and looks after each what it left behind.
//!
//! **Invariant:** the suite itself never hangs. Attacks run on threads of their own; those that
//! an attack does not give back are left to it, and the next attack gets new ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use zapjobs_model::port::Sandbox;
use zapjobs_model::{Limits, Narrowing};

use crate::attack::Attack;
use crate::machine::Holdings;
use crate::neighbour::Neighbour;
use crate::scene;
use crate::verdict::Verdict;

/// Threads that attempts run on.
const THREADS: usize = 4;
/// How long threads for compiling stay after their last work.
const THREAD_KEPT: Duration = Duration::from_millis(100);
/// How long the neighbour may take to settle, and to be looked at after an attack.
const NEIGHBOUR_DEADLINE: Duration = Duration::from_secs(15);
/// How long memory, files and threads may take to come back, and the machine to calm down.
const CALM_MAX: Duration = Duration::from_secs(5);
/// How often is looked whether they have.
const CALM_INTERVAL: Duration = Duration::from_millis(20);

/// Lets attacks loose on a sandbox.
pub struct Suite {
    sandbox: Arc<dyn Sandbox>,
    limits: Limits,
    threads: Option<Runtime>,
    neighbour: Neighbour,
    start: Holdings,
    deadline_max: Duration,
    calm_max: Duration,
}

/// Why there can be no suite.
#[derive(Debug, thiserror::Error)]
#[error("failed to prepare the attacks: {0}")]
pub struct SuiteError(String);

impl Suite {
    /// Prepares attacks on a sandbox whose attempts are limited like this: starts threads, and
    /// settles an innocent job beside the attacks.
    pub async fn new(sandbox: Arc<dyn Sandbox>, limits: Limits) -> Result<Self, SuiteError> {
        let threads = threads()?;
        let theirs = Arc::clone(&sandbox);
        let settling = threads.spawn(async move { Neighbour::settle(&*theirs, limits).await });
        let settled = within(NEIGHBOUR_DEADLINE, settling).await.and_then(|settled| settled);
        let neighbour = match settled {
            Ok(neighbour) => neighbour,
            Err(problem) => {
                threads.shutdown_background();
                return Err(SuiteError(problem));
            }
        };
        Ok(Self {
            sandbox,
            limits,
            threads: Some(threads),
            neighbour,
            start: Holdings::now(),
            deadline_max: Duration::MAX,
            calm_max: CALM_MAX,
        })
    }

    /// Waits no longer than this for an attack to end, and for the machine to calm down.
    pub fn impatient(mut self, at_most: Duration) -> Self {
        self.deadline_max = at_most;
        self.calm_max = at_most.min(CALM_MAX);
        self
    }

    /// Lets an attack loose.
    pub async fn run(&mut self, attack: &Arc<Attack>) -> Verdict {
        let before = Holdings::now();
        let (took, judged) = self.play(attack).await;
        let calm = self.calms_down(before, attack.memory_kib_own).await;
        let held = judged.and(calm);
        Verdict {
            attack: attack.name.clone(),
            held: held.is_ok(),
            limit: attack.limit.to_owned(),
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            note: held.err(),
        }
    }

    async fn play(&mut self, attack: &Arc<Attack>) -> (Duration, Result<(), String>) {
        let limits = match narrowed(self.limits, &attack.limits) {
            Ok(limits) => limits,
            Err(problem) => return (Duration::ZERO, Err(problem)),
        };
        let (sandbox, neighbour) = (Arc::clone(&self.sandbox), self.neighbour.clone());
        let theirs = Arc::clone(attack);
        let playing = async move { scene::play(&theirs, &*sandbox, &neighbour, limits).await };
        match self.threads() {
            Ok(threads) => {
                let playing = threads.spawn(playing);
                let deadline = attack.deadline.min(self.deadline_max);
                let played = within(deadline, playing).await;
                played.unwrap_or_else(|problem| {
                    self.abandon_threads();
                    (deadline, Err(problem))
                })
            }
            Err(error) => (Duration::ZERO, Err(error.to_string())),
        }
    }

    /// Waits until the neighbour works as usual and the machine is as it was.
    async fn calms_down(&mut self, before: Holdings, own_kib: u64) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let now = Holdings::now();
            let calm = self.neighbour_is_well().await;
            let calm = calm.and(now.since_before(before, own_kib)).and(now.since_start(self.start));
            if calm.is_ok() || started.elapsed() > self.calm_max {
                return calm.map_err(|problem| format!("afterwards {problem}"));
            }
            tokio::time::sleep(CALM_INTERVAL).await;
            nudge_the_allocator();
        }
    }

    async fn neighbour_is_well(&mut self) -> Result<(), String> {
        let neighbour = self.neighbour.clone();
        let threads = self.threads().map_err(|error| error.to_string())?;
        let looking = threads.spawn(async move { neighbour.is_well().await });
        let looked = within(NEIGHBOUR_DEADLINE, looking).await;
        looked.unwrap_or_else(|problem| {
            self.abandon_threads();
            Err(format!("an innocent job does not run: {problem}"))
        })
    }

    fn threads(&mut self) -> Result<&Runtime, SuiteError> {
        let threads = match self.threads.take() {
            Some(threads) => threads,
            None => threads()?,
        };
        Ok(self.threads.insert(threads))
    }

    /// Leaves the threads to an attack that does not give them back.
    fn abandon_threads(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        self.abandon_threads();
    }
}

/// Allocators that give memory back late look for it when they are next asked for much: asks for
/// much, and uses nothing of it.
fn nudge_the_allocator() {
    const BYTES: usize = 128 << 20;
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BYTES)));
}

fn threads() -> Result<Runtime, SuiteError> {
    Builder::new_multi_thread()
        .thread_name("zapjobs-torture")
        .worker_threads(THREADS)
        .thread_keep_alive(THREAD_KEPT)
        .enable_all()
        .build()
        .map_err(|error| SuiteError(format!("no threads: {error}")))
}

/// Waits for a task, but not for ever. A task that takes too long is ended if it can be.
async fn within<T>(deadline: Duration, mut task: JoinHandle<T>) -> Result<T, String> {
    match tokio::time::timeout(deadline, &mut task).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("the sandbox panicked: {error}")),
        Err(_) => {
            task.abort();
            Err(format!("it did not end within {deadline:?}"))
        }
    }
}

fn narrowed(limits: Limits, by: &[(&'static str, u64)]) -> Result<Limits, String> {
    let mut narrowing = Narrowing::default();
    for (name, value) in by {
        narrowing.set(name, *value).map_err(|error| error.to_string())?;
    }
    Ok(limits.narrowed(&narrowing))
}
