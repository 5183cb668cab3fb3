//! Lanes: many of them are merged in one order, and others' locks are passed over.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor};
use zapjobs_model::{NewRun, Priority, QueueName, RunId, TenantId};
use zapjobs_postgres::PostgresStorage;
use zapjobs_storage::{
    ClaimRequest, QueueSelection, RunQueries, RunStore, TenantSelection, TenantShare,
};

use crate::harness;
use crate::harness::runs::{a_claim, a_run};

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// A run of a tenant, in a queue, that goes by its place: 0 first.
fn placed(of: &str, queue: &str, place: i16) -> NewRun {
    let priority = Priority::new(1_000 - place).unwrap();
    NewRun { tenant: tenant(of), priority, ..a_run(queue) }
}

fn only(queues: &[String]) -> QueueSelection {
    QueueSelection::Only(queues.iter().map(|name| QueueName::new(name).unwrap()).collect())
}

fn shares(of: &[(&str, usize)]) -> TenantSelection {
    let share = |(name, limit): &(&str, usize)| TenantShare { tenant: tenant(name), limit: *limit };
    TenantSelection::Shares(of.iter().map(share).collect())
}

async fn claimed(storage: &PostgresStorage, request: ClaimRequest) -> Vec<RunId> {
    storage.claim(request).await.unwrap().iter().map(|claimed| claimed.id()).collect()
}

/// 40 queues, of which the first has most of the runs that go first.
fn uneven(of: &str) -> Vec<NewRun> {
    let lane = |place: i16| match place {
        0..200 if place % 10 > 0 => "q0".to_owned(),
        _ => format!("q{}", place % 40),
    };
    (0..400).map(|place| placed(of, &lane(place), place)).collect()
}

fn ids(runs: &[NewRun]) -> Vec<RunId> {
    runs.iter().map(|run| run.id).collect()
}

#[tokio::test]
async fn many_lanes_are_merged_in_the_order_of_claims_however_uneven_they_are() {
    let storage = harness::open(&harness::options()).await;
    let runs = uneven("a");
    storage.enqueue(&runs).await.unwrap();
    let queues: Vec<String> = (0..40).map(|n| format!("q{n}")).collect();
    let request = ClaimRequest { queues: only(&queues), ..a_claim(150) };
    assert_eq!(claimed(&storage, request.clone()).await, ids(&runs[..150]));
    let request = ClaimRequest { limit: 1_000, ..request };
    assert_eq!(claimed(&storage, request).await, ids(&runs[150..]));
}

#[tokio::test]
async fn shares_of_many_lanes_are_given_in_the_order_of_claims() {
    let storage = harness::open(&harness::options()).await;
    let (a, b) = (uneven("a"), uneven("b"));
    storage.enqueue(&a).await.unwrap();
    storage.enqueue(&b).await.unwrap();
    let request = ClaimRequest { tenants: shares(&[("b", 120), ("a", 70)]), ..a_claim(170) };
    let expected = [ids(&b[..120]), ids(&a[..50])].concat();
    assert_eq!(claimed(&storage, request).await, expected);
    assert_eq!(storage.waiting(&tenant("a"), 1_000).await.unwrap(), 350);
}

#[tokio::test]
async fn tenants_of_one_queue_are_claimed_together() {
    let storage = harness::open(&harness::options()).await;
    let runs: Vec<NewRun> = (0..60).map(|n| placed(&format!("t{}", n % 20), "q", n)).collect();
    storage.enqueue(&runs).await.unwrap();
    storage.enqueue(&[placed("t1", "other", 0)]).await.unwrap();
    let request = ClaimRequest { queues: only(&["q".to_owned()]), ..a_claim(50) };
    assert_eq!(claimed(&storage, request).await, ids(&runs[..50]));
}

#[tokio::test]
async fn runs_that_others_hold_are_passed_over() {
    let options = harness::options();
    let storage = harness::open(&options).await;
    let runs: Vec<NewRun> = (0..40).map(|n| placed("a", "q", n)).collect();
    storage.enqueue(&runs).await.unwrap();
    let mut connection = harness::connection().await;
    let mut tx = connection.begin().await.unwrap();
    let hold = format!(
        "SELECT id FROM {}.runs ORDER BY priority DESC LIMIT 30 FOR UPDATE",
        options.schema
    );
    tx.execute(sqlx::raw_sql(AssertSqlSafe(hold))).await.unwrap();
    // More than the first candidates are held in each case.
    let queue = only(&["q".to_owned()]);
    let one_share = shares(&[("a", 2)]);
    let of_queue = ClaimRequest { queues: queue.clone(), ..a_claim(2) };
    let of_share = ClaimRequest { tenants: one_share.clone(), ..a_claim(2) };
    let of_lane = ClaimRequest { queues: queue, tenants: one_share, ..a_claim(2) };
    assert_eq!(claimed(&storage, of_queue).await, ids(&runs[30..32]));
    assert_eq!(claimed(&storage, of_share).await, ids(&runs[32..34]));
    assert_eq!(claimed(&storage, of_lane).await, ids(&runs[34..36]));
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_share_is_filled_up_where_a_run_cannot_be_read() {
    let options = harness::options();
    let storage = harness::open(&options).await;
    for queues in [QueueSelection::All, only(&["q".to_owned()])] {
        let runs: Vec<NewRun> = (0..4).map(|n| placed("a", "q", n)).collect();
        storage.enqueue(&runs).await.unwrap();
        let spoil = format!("UPDATE {}.inputs SET input = '{{'", options.schema);
        harness::execute(&format!("{spoil} WHERE id = '{}'", runs[0].id)).await;
        let request = ClaimRequest { queues, tenants: shares(&[("a", 2)]), ..a_claim(10) };
        assert_eq!(claimed(&storage, request).await, ids(&runs[1..3]));
        let request = ClaimRequest { tenants: shares(&[("a", 9)]), ..a_claim(10) };
        assert_eq!(claimed(&storage, request).await, ids(&runs[3..]));
    }
}

#[tokio::test]
async fn the_function_enqueue_stores_for_a_tenant() {
    let options = harness::options();
    let storage = harness::open(&options).await;
    let define = format!(
        "INSERT INTO {}.definitions (tenant, job_type, display_name, description, queue,
            schedule, retry_max_attempts, retry_base_ms, retry_cap_ms, retry_jitter,
            tags, default_input)
        VALUES ('a', 'mail', '', '', 'q', '\"manual\"', 3, 1, 1, 0, '[]', 'null')",
        options.schema
    );
    harness::execute(&define).await;
    for delay in ["NULL", "interval '1 hour'"] {
        let call = format!(
            "SELECT {}.enqueue('mail', p_tenant => 'a', p_delay => {delay})",
            options.schema
        );
        harness::execute(&call).await;
    }
    let ready = storage.ready_tenants(&QueueSelection::All, None, 10).await.unwrap();
    assert_eq!(ready, [tenant("a")]);
    assert_eq!(storage.waiting(&tenant("a"), 10).await.unwrap(), 2);
    let lease = Duration::from_secs(30);
    let request = ClaimRequest { tenants: shares(&[("a", 5)]), lease, ..a_claim(10) };
    assert_eq!(storage.claim(request).await.unwrap().len(), 1);
}
