//! Behind PgBouncer in transaction mode, where each transaction may meet another connection of
//! the server.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use zapjobs_conformance::{Fixture, Harness, all_cases, run_case};
use zapjobs_postgres::{PostgresOptions, WakeUps, examine};
use zapjobs_services::{PgBouncer, PoolMode, Postgres, PostgresSettings};
use zapjobs_storage::{RunStore, Verdict};

use crate::harness;
use crate::harness::runs::a_run;
use crate::harness::work::{Acknowledged, a_worker_claims, drain, turn, verify};

/// Cases at once.
const LANES: usize = 4;

struct Bounced {
    _server: Postgres,
    _bouncer: PgBouncer,
    url: String,
}

impl Bounced {
    fn start() -> Self {
        let settings = PostgresSettings { fsync: false, ..PostgresSettings::default() };
        let server = Postgres::start(settings).unwrap();
        let bouncer = PgBouncer::start(&server, PoolMode::Transaction).unwrap();
        let url = bouncer.url();
        Self { _server: server, _bouncer: bouncer, url }
    }

    fn options(&self) -> PostgresOptions {
        PostgresOptions {
            url: self.url.clone(),
            wake_ups: WakeUps::Poll,
            prepared_statements: 0,
            poll_interval: Duration::from_millis(5),
            ..harness::options()
        }
    }
}

#[async_trait]
impl Harness for Bounced {
    async fn fresh(&self) -> Fixture {
        let clock = Fixture::clock();
        let options = PostgresOptions { clock: Some(clock.clone()), ..self.options() };
        Fixture::new(Arc::new(harness::open(&options).await), clock)
    }

    async fn reopen(&self, _fixture: Fixture) -> Option<Fixture> {
        None
    }
}

#[test]
fn the_whole_contract_holds() {
    let bounced = Bounced::start();
    let cases = all_cases();
    let next = AtomicUsize::new(0);
    // A lane that meets a failing case ends with its message, and the test with it.
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (family, name) = case.split_once("::").unwrap();
                    run_case(&bounced, family, name);
                }
            });
        }
    });
    assert!(cases.len() > 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_on_few_connections_do_not_meet_each_others_statements() {
    const HOSTS: usize = 3;
    const TASKS: usize = 12;
    let bounced = Bounced::start();
    let options = PostgresOptions { connections: TASKS, ..bounced.options() };
    let mut tasks = Vec::new();
    for _ in 0..HOSTS {
        let storage = Arc::new(harness::open(&options).await);
        for _ in 0..TASKS {
            let storage = Arc::clone(&storage);
            tasks.push(tokio::spawn(async move {
                let claim = a_worker_claims(3, Duration::from_secs(30));
                let mut enqueued = HashSet::new();
                let mut acknowledged = Acknowledged::default();
                for _ in 0..10 {
                    let runs = [a_run("q"), a_run("q"), a_run("q")];
                    storage.enqueue(&runs).await.unwrap();
                    enqueued.extend(runs.iter().map(|run| run.id));
                    acknowledged.note(turn(&storage, &claim).await.unwrap());
                }
                (enqueued, acknowledged)
            }));
        }
    }
    let (mut enqueued, mut acknowledged) = (HashSet::new(), Acknowledged::default());
    for task in tasks {
        let (more, done) = task.await.unwrap();
        enqueued.extend(more);
        acknowledged.merge(done);
    }
    let storage = harness::open(&options).await;
    drain(&storage, &mut acknowledged).await;
    verify(&storage, &enqueued, &acknowledged).await;
}

#[tokio::test]
async fn it_can_be_examined_there_too() {
    let bounced = Bounced::start();
    let options = bounced.options();
    drop(harness::open(&options).await);
    let findings = examine(&options).await;
    assert!(findings.iter().all(|found| found.verdict < Verdict::Problem), "{findings:#?}");
    let drift = findings.iter().find(|found| found.subject == "schema drift").unwrap();
    assert_eq!(drift.verdict, Verdict::Good, "{drift:?}");
    let timeout = findings.iter().find(|found| found.subject == "statement timeout").unwrap();
    assert_eq!(timeout.verdict, Verdict::Warning, "nobody sends one: {timeout:?}");
}
