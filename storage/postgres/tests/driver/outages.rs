//! The server stops, crashes, stands still, or is cut off in the middle of a transaction, while
//! hosts work: what was acknowledged is kept, nothing is recorded twice, and the same storage
//! goes on by itself.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use zapjobs_model::RunId;
use zapjobs_postgres::{PostgresOptions, PostgresStorage};
use zapjobs_services::{Postgres, PostgresSettings, Proxy};
use zapjobs_storage::{RunStore, StorageError};

use crate::harness;
use crate::harness::random::Random;
use crate::harness::runs::a_run;
use crate::harness::work::{Acknowledged, a_worker_claims, drain, turn, verify};

const WORKERS: usize = 3;
const LEASE: Duration = Duration::from_secs(1);
/// Between two tries of something that failed.
const RETRY_AFTER: Duration = Duration::from_millis(5);
/// Only waited for in full by a test that fails.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A host under way: it enqueues and works on one storage, whatever happens to the server.
struct Load {
    storage: Arc<PostgresStorage>,
    is_over: Arc<AtomicBool>,
    completed: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
    producer: JoinHandle<HashSet<RunId>>,
    workers: Vec<JoinHandle<Acknowledged>>,
}

impl Load {
    async fn start(options: PostgresOptions) -> Self {
        let storage = Arc::new(PostgresStorage::connect(options).await.unwrap());
        let is_over = Arc::new(AtomicBool::new(false));
        let (completed, failures) = Default::default();
        let load = |storage: &Arc<PostgresStorage>| Turning {
            storage: Arc::clone(storage),
            is_over: Arc::clone(&is_over),
            completed: Arc::clone(&completed),
            failures: Arc::clone(&failures),
        };
        let producer = tokio::spawn(load(&storage).produce());
        let workers = (0..WORKERS).map(|_| tokio::spawn(load(&storage).work())).collect();
        Self { storage, is_over, completed, failures, producer, workers }
    }

    /// Waits until some more runs are completed: the storage works (again).
    async fn progress(&self) {
        let target = self.completed.load(Ordering::Relaxed) + 200;
        let began = Instant::now();
        while self.completed.load(Ordering::Relaxed) < target {
            assert!(began.elapsed() < WAIT_MAX, "the storage does not recover");
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    /// Waits until operations fail, or a time has passed.
    async fn disturbance(&self, within: Duration) {
        let before = self.failures.load(Ordering::Relaxed);
        let began = Instant::now();
        while self.failures.load(Ordering::Relaxed) == before && began.elapsed() < within {
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    /// Lets the rest be done by the same storage, and looks at what came of it all.
    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let enqueued = self.producer.await.unwrap();
        let mut acknowledged = Acknowledged::default();
        for worker in self.workers {
            acknowledged.merge(worker.await.unwrap());
        }
        drain(&self.storage, &mut acknowledged).await;
        verify(&self.storage, &enqueued, &acknowledged).await;
        assert!(self.failures.load(Ordering::Relaxed) > 0, "nothing was disturbed");
    }
}

struct Turning {
    storage: Arc<PostgresStorage>,
    is_over: Arc<AtomicBool>,
    completed: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
}

impl Turning {
    async fn produce(self) -> HashSet<RunId> {
        let mut enqueued = HashSet::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let runs: Vec<_> = (0..20).map(|_| a_run("q")).collect();
            // Again with the same ids: those that were stored without our hearing of it are
            // answered as duplicates.
            while let Err(error) = self.storage.enqueue(&runs).await {
                self.failed(&error).await;
            }
            enqueued.extend(runs.iter().map(|run| run.id));
        }
        enqueued
    }

    async fn work(self) -> Acknowledged {
        let claim = a_worker_claims(20, LEASE);
        let mut acknowledged = Acknowledged::default();
        while !self.is_over.load(Ordering::Relaxed) {
            match turn(&self.storage, &claim).await {
                Ok(done) => {
                    self.completed.fetch_add(done.len(), Ordering::Relaxed);
                    acknowledged.note(done);
                }
                Err(error) => self.failed(&error).await,
            }
        }
        acknowledged
    }

    async fn failed(&self, error: &StorageError) {
        assert!(error.is_retryable(), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        self.failures.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

fn options(url: String) -> PostgresOptions {
    PostgresOptions {
        connect_timeout: Duration::from_secs(2),
        statement_timeout: Duration::from_secs(1),
        ..PostgresOptions::new(url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_or_crashes_under_load_loses_nothing() {
    let mut server = Postgres::start(PostgresSettings::default()).unwrap();
    let load = Load::start(options(server.url())).await;
    for crashes in [false, true, false, true] {
        load.progress().await;
        if crashes {
            server.kill().unwrap();
        } else {
            server.stop().unwrap();
        }
        load.disturbance(WAIT_MAX).await;
        server.start_again().unwrap();
    }
    load.progress().await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_longer_than_a_lease_loses_nothing() {
    let mut server =
        Postgres::start(PostgresSettings { fsync: false, ..PostgresSettings::default() }).unwrap();
    let load = Load::start(options(server.url())).await;
    for _ in 0..2 {
        load.progress().await;
        server.pause().unwrap();
        // Statements are given up after three seconds, thrice the lease.
        load.disturbance(WAIT_MAX).await;
        server.resume().unwrap();
    }
    load.progress().await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_in_the_middle_of_anything_lose_nothing() {
    let mut random = Random::seeded();
    let server = harness::options();
    let port = server.url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let proxy = Proxy::start(port.parse().unwrap()).unwrap();
    let url = server.url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port()));
    let name = server.schema.clone();
    let load = Load::start(PostgresOptions {
        schema: server.schema,
        application_name: name.clone(),
        ..options(url)
    })
    .await;
    for round in 0..40 {
        let before = proxy.cuts();
        proxy.cut_after(random.below(30_000));
        let began = Instant::now();
        while proxy.cuts() == before {
            assert!(began.elapsed() < WAIT_MAX, "nothing is sent");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if round % 4 == 0 {
            load.progress().await;
            harness::execute(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = '{name}'"
            ))
            .await;
        }
    }
    load.progress().await;
    load.end().await;
}
