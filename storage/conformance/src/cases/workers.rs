//! Which host processes are there.

use zapjobs_model::WorkerId;
use zapjobs_storage::WorkerRecord;

use crate::Fixture;
use crate::actions::ids;
use crate::builders::{LEASE, MICROSECOND, a_run, a_worker, seconds, worker};

impl Fixture {
    async fn heartbeat(&self, number: u64) {
        self.storage.heartbeat(&a_worker(number)).await.expect("the sign of life is noted");
    }

    async fn workers(&self) -> Vec<WorkerRecord> {
        self.storage.workers().await.expect("the workers are listed")
    }

    async fn worker_ids(&self) -> Vec<WorkerId> {
        self.workers().await.into_iter().map(|worker| worker.id).collect()
    }
}

pub(crate) async fn nobody_is_there_at_first(f: &Fixture) {
    assert_eq!(f.workers().await, []);
}

pub(crate) async fn a_worker_is_noted_whole_and_seen_now(f: &Fixture) {
    f.clock.advance(seconds(5));
    f.heartbeat(1).await;
    assert_eq!(f.workers().await, [WorkerRecord { seen_at: f.now(), ..a_worker(1) }]);
}

pub(crate) async fn a_later_sign_of_life_replaces_the_earlier(f: &Fixture) {
    f.heartbeat(1).await;
    f.clock.advance(seconds(5));
    let changed = WorkerRecord { running: 0, queues: Vec::new(), ..a_worker(1) };
    f.storage.heartbeat(&changed).await.expect("noted");
    assert_eq!(f.workers().await, [WorkerRecord { seen_at: f.now(), ..changed }]);
}

pub(crate) async fn workers_are_listed_in_the_order_of_their_ids(f: &Fixture) {
    for number in [3, 1, 2] {
        f.heartbeat(number).await;
    }
    assert_eq!(f.worker_ids().await, [worker(1), worker(2), worker(3)]);
}

pub(crate) async fn removing_tells_whether_the_worker_was_known(f: &Fixture) {
    f.heartbeat(1).await;
    f.heartbeat(2).await;
    assert!(f.storage.remove_worker(worker(1)).await.expect("removed"));
    assert!(!f.storage.remove_worker(worker(1)).await.expect("answered"));
    assert_eq!(f.worker_ids().await, [worker(2)]);
}

pub(crate) async fn a_worker_silent_for_too_long_is_forgotten(f: &Fixture) {
    f.heartbeat(1).await;
    f.clock.advance(seconds(5));
    f.heartbeat(2).await;
    f.clock.advance(seconds(5) + MICROSECOND);
    let gone = f.storage.remove_stale_workers(seconds(10)).await.expect("removed");
    assert_eq!(gone, [worker(1)]);
    assert_eq!(f.worker_ids().await, [worker(2)]);
}

pub(crate) async fn a_worker_silent_for_exactly_so_long_stays(f: &Fixture) {
    f.heartbeat(1).await;
    f.clock.advance(seconds(10));
    assert_eq!(f.storage.remove_stale_workers(seconds(10)).await.expect("removed"), []);
    assert_eq!(f.worker_ids().await, [worker(1)]);
}

pub(crate) async fn all_stale_workers_are_named(f: &Fixture) {
    for number in [2, 1, 3] {
        f.heartbeat(number).await;
    }
    f.clock.advance(seconds(60));
    let mut gone = f.storage.remove_stale_workers(seconds(10)).await.expect("removed");
    gone.sort();
    assert_eq!(gone, [worker(1), worker(2), worker(3)]);
    assert_eq!(f.storage.remove_stale_workers(seconds(10)).await.expect("removed"), []);
}

pub(crate) async fn a_forgotten_workers_runs_stay_with_their_leases(f: &Fixture) {
    f.heartbeat(1).await;
    let run = f.running(a_run("mail")).await;
    f.storage.remove_worker(worker(1)).await.expect("removed");
    assert_eq!(f.stored(run.id).await, run);
    f.clock.advance(LEASE);
    assert_eq!(ids(&f.storage.expired(10).await.expect("listed")), [run.id]);
}
