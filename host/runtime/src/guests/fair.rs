//! Threads that share the processors between tenants by the time that each has used, however
//! many attempts a tenant has under way.
//!
//! **Invariant:** the next to go on is an attempt of the tenant that has used the least time.
//! One that comes, or comes back, begins with what whoever is served now has used: it has no
//! claim on time in which it wanted none, and owes nothing either. (Start-time fair queuing: Goyal, Vin and Cheng,
//! "Start-time Fair Queuing", SIGCOMM 1996.)

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;
use zapjobs_model::TenantId;
use zapjobs_model::port::BoxFuture;

use super::task::{Queue, Task};

/// How much the system prefers every other thread, 0 to 19: where both want a processor, such a
/// thread gets about a tenth of it.
const NICENESS: i32 = 10;

/// The threads. They end when [`FairThreads::end`] says so.
pub(super) struct FairThreads(Arc<Shared>);

/// Starts attempts there.
#[derive(Clone)]
pub(super) struct Spawner(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    lanes: HashMap<TenantId, Lane>,
    tasks: HashMap<u64, Arc<Task<Shared>>>,
    /// How many tasks there were.
    numbered: u64,
    /// What the tenant that was served last had used before: the virtual time.
    served_at: Duration,
    ended: bool,
}

/// One tenant's attempts. It is kept while there are any.
struct Lane {
    ready: VecDeque<Arc<Task<Shared>>>,
    used: Duration,
    tasks: usize,
    running: usize,
}

impl FairThreads {
    /// Starts so many threads; futures there find the timers of `runtime`.
    pub(super) fn start(threads: usize, runtime: &Handle) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), work: Condvar::new() });
        let this = Self(shared);
        for _ in 0..threads {
            let (shared, runtime) = (Arc::clone(&this.0), runtime.clone());
            let started = thread::Builder::new().name("zapjobs-long".to_owned()).spawn(move || {
                // Whoever is refused has threads of the usual priority.
                let _ = rustix::process::setpriority_process(None, NICENESS);
                let _timers = runtime.enter();
                shared.work_off();
            });
            if let Err(error) = started {
                this.end();
                return Err(error);
            }
        }
        Ok(this)
    }

    pub(super) fn spawner(&self) -> Spawner {
        Spawner(Arc::clone(&self.0))
    }

    /// Ends the threads after their present step and drops all attempts.
    pub(super) fn end(&self) {
        let tasks = {
            let mut state = self.0.state.lock();
            state.ended = true;
            state.lanes.clear();
            std::mem::take(&mut state.tasks)
        };
        self.0.work.notify_all();
        // What is polled now ends with its step: it is not waited for here.
        thread::spawn(move || tasks.values().for_each(|task| task.cancel()));
    }
}

impl Spawner {
    /// How many attempts are there.
    pub(super) fn attempts(&self) -> usize {
        self.0.state.lock().tasks.len()
    }

    /// Goes on with a tenant's attempt there.
    pub(super) fn spawn(&self, tenant: TenantId, attempt: BoxFuture<'static, ()>) {
        let mut state = self.0.state.lock();
        if state.ended {
            return;
        }
        state.numbered += 1;
        let number = state.numbered;
        let task = Task::new(number, tenant, attempt, Arc::downgrade(&self.0));
        state.admit(task);
        drop(state);
        self.0.work.notify_one();
    }
}

impl Shared {
    /// Polls what is ready until the end.
    fn work_off(&self) {
        let mut state = self.state.lock();
        while !state.ended {
            let Some(task) = state.next() else {
                self.work.wait(&mut state);
                continue;
            };
            drop(state);
            let begun = Instant::now();
            let ended = task.poll();
            let took = begun.elapsed();
            state = self.state.lock();
            state.charge(&task, took, ended);
        }
    }
}

impl Queue for Shared {
    fn push(&self, task: Arc<Task<Self>>) {
        self.state.lock().queue(task);
        self.work.notify_one();
    }
}

impl State {
    /// Takes a new task.
    fn admit(&mut self, task: Arc<Task<Shared>>) {
        let used = self.served_at;
        let lane = self.lanes.entry(task.tenant.clone()).or_insert_with(|| Lane {
            ready: VecDeque::new(),
            used,
            tasks: 0,
            running: 0,
        });
        lane.tasks += 1;
        self.tasks.insert(task.number, Arc::clone(&task));
        self.queue(task);
    }

    /// Puts a task in line.
    fn queue(&mut self, task: Arc<Task<Shared>>) {
        let Some(lane) = self.lanes.get_mut(&task.tenant) else { return };
        if lane.is_idle() {
            lane.used = lane.used.max(self.served_at);
        }
        lane.ready.push_back(task);
    }

    /// The first task of the tenant that has used the least.
    fn next(&mut self) -> Option<Arc<Task<Shared>>> {
        let ready = self.lanes.values_mut().filter(|lane| !lane.ready.is_empty());
        let lane = ready.min_by_key(|lane| lane.used)?;
        lane.running += 1;
        self.served_at = lane.used;
        lane.ready.pop_front()
    }

    /// Notes what a step of a task has used.
    fn charge(&mut self, task: &Task<Shared>, took: Duration, ended: bool) {
        let Some(lane) = self.lanes.get_mut(&task.tenant) else { return };
        lane.used += took;
        lane.running -= 1;
        if ended {
            self.tasks.remove(&task.number);
            lane.tasks -= 1;
            if lane.tasks == 0 {
                self.lanes.remove(&task.tenant);
            }
        }
    }
}

impl Lane {
    /// Whether none of its attempts wants a processor.
    fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.running == 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).expect("a name")
    }

    fn task(state: &mut State, name: &str) -> Arc<Task<Shared>> {
        state.numbered += 1;
        let never = Box::pin(std::future::pending());
        let task = Task::new(state.numbered, tenant(name), never, Weak::new());
        state.admit(Arc::clone(&task));
        task
    }

    /// One step of whoever is next; it stays ready.
    fn step(state: &mut State, took: Duration) -> String {
        let task = state.next().expect("someone is ready");
        state.queue(Arc::clone(&task));
        state.charge(&task, took, false);
        task.tenant.to_string()
    }

    #[test]
    fn a_tenant_with_many_attempts_gets_no_more_time_than_one_with_one() {
        let mut state = State::default();
        for _ in 0..100 {
            task(&mut state, "many");
        }
        task(&mut state, "one");
        let steps: Vec<String> = (0..1_000).map(|_| step(&mut state, MS)).collect();
        let of_one = steps.iter().filter(|name| *name == "one").count();
        assert!((499..=501).contains(&of_one), "{of_one} of 1,000");
    }

    #[test]
    fn time_counts_and_not_steps() {
        let mut state = State::default();
        task(&mut state, "long");
        task(&mut state, "short");
        let mut used = HashMap::<String, u32>::new();
        for _ in 0..1_000 {
            let long = state.lanes[&tenant("long")].used <= state.lanes[&tenant("short")].used;
            let ms = if long { 4 } else { 1 };
            *used.entry(step(&mut state, MS * ms)).or_default() += ms;
        }
        let difference = used["long"].abs_diff(used["short"]);
        assert!(difference <= 4, "{used:?}");
    }

    #[test]
    fn whoever_comes_back_has_saved_nothing_and_lost_nothing() {
        let mut state = State::default();
        task(&mut state, "busy");
        for _ in 0..1_000 {
            step(&mut state, MS);
        }
        task(&mut state, "late");
        let steps: Vec<String> = (0..10).map(|_| step(&mut state, MS)).collect();
        let of_late = steps.iter().filter(|name| *name == "late").count();
        assert!((4..=6).contains(&of_late), "{steps:?}");
    }

    #[test]
    fn a_tenant_that_used_much_owes_nothing_to_one_that_comes_later() {
        let mut state = State::default();
        let resting = task(&mut state, "busy");
        for _ in 0..1_000 {
            step(&mut state, MS);
        }
        let taken = state.next().expect("it is ready");
        state.charge(&taken, MS, false);
        task(&mut state, "late");
        step(&mut state, MS);
        state.queue(resting);
        let steps: Vec<String> = (0..10).map(|_| step(&mut state, MS)).collect();
        let of_busy = steps.iter().filter(|name| *name == "busy").count();
        assert!((4..=6).contains(&of_busy), "{steps:?}");
    }

    #[test]
    fn a_tenant_without_attempts_is_forgotten() {
        let mut state = State::default();
        task(&mut state, "gone");
        let task = state.next().expect("it is ready");
        state.charge(&task, MS, true);
        assert!(state.lanes.is_empty() && state.tasks.is_empty());
    }
}
