//! A record that cannot be read wedges nothing, and is kept.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Row;
use zapjobs_model::{RunId, Timestamp};
use zapjobs_postgres::{PostgresOptions, PostgresStorage};
use zapjobs_storage::{
    Clock, ErrorKind, ManualClock, PruneRequest, RunFilter, RunQueries, RunStore,
};

use crate::harness;
use crate::harness::runs::{a_claim, a_run, listed_one_by_one};

struct Damaged {
    storage: PostgresStorage,
    clock: Arc<ManualClock>,
    schema: String,
}

impl Damaged {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
        let options = PostgresOptions { clock: Some(clock.clone()), ..harness::options() };
        let storage = harness::open(&options).await;
        Self { storage, clock, schema: options.schema }
    }

    async fn enqueue(&self, count: usize) -> Vec<RunId> {
        let runs: Vec<_> = (0..count).map(|_| a_run("q")).collect();
        self.storage.enqueue(&runs).await.unwrap();
        runs.into_iter().map(|run| run.id).collect()
    }

    /// Spoils a column of a run; `runs` and `inputs` stand for the tables.
    async fn spoil(&self, run: RunId, sql: &str) {
        let sql = sql.replace("$schema", &self.schema);
        assert_eq!(harness::execute(&format!("{sql} WHERE id = '{run}'")).await, 1, "{sql}");
    }

    async fn quarantined(&self) -> Vec<RunId> {
        let sql = format!("SELECT id FROM {}.quarantine ORDER BY id", self.schema);
        let mut connection = harness::connection().await;
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| RunId(row.get(0))).collect()
    }
}

const SPOILS: [&str; 6] = [
    "UPDATE $schema.inputs SET input = '{'",
    "UPDATE $schema.inputs SET tags = '[1]'",
    "DELETE FROM $schema.inputs",
    "UPDATE $schema.runs SET tenant = 'not a name!'",
    "UPDATE $schema.runs SET priority = 9999",
    "UPDATE $schema.runs SET trigger_code = 77",
];

#[tokio::test]
async fn claims_set_unreadable_runs_aside_and_take_the_others() {
    for spoil in SPOILS {
        let damaged = Damaged::new().await;
        let ids = damaged.enqueue(3).await;
        damaged.spoil(ids[0], spoil).await;
        let claimed = damaged.storage.claim(a_claim(2)).await.unwrap();
        let claimed: Vec<_> = claimed.iter().map(|claimed| claimed.id()).collect();
        assert_eq!(claimed, ids[1..], "the claim is filled up: {spoil}");
        assert_eq!(damaged.quarantined().await, ids[..1]);
        let error = damaged.storage.run(ids[0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[tokio::test]
async fn an_unknown_status_is_corrupt_and_in_nobodys_way() {
    let damaged = Damaged::new().await;
    let ids = damaged.enqueue(2).await;
    damaged.spoil(ids[0], "UPDATE $schema.runs SET status = 42").await;
    let error = damaged.storage.run(ids[0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("unknown status 42"), "{error}");
    assert_eq!(damaged.storage.claim(a_claim(10)).await.unwrap().len(), 1);
    assert_eq!(damaged.storage.counts(&RunFilter::default()).await.unwrap().total(), 1);
}

#[tokio::test]
async fn the_sweep_of_expired_leases_gets_past_unreadable_runs() {
    let damaged = Damaged::new().await;
    let ids = damaged.enqueue(5).await;
    damaged.storage.claim(a_claim(5)).await.unwrap();
    for id in &ids[..3] {
        damaged.spoil(*id, "UPDATE $schema.runs SET queue = ''").await;
    }
    damaged.clock.advance(Duration::from_secs(60));
    let expired = damaged.storage.expired(2).await.unwrap();
    let expired: Vec<_> = expired.iter().map(|run| run.id).collect();
    assert_eq!(expired, ids[3..]);
    assert_eq!(damaged.quarantined().await.len(), 3);
}

#[tokio::test]
async fn listings_pass_over_unreadable_runs_and_go_on() {
    let damaged = Damaged::new().await;
    let ids = damaged.enqueue(4).await;
    damaged.spoil(ids[2], "UPDATE $schema.inputs SET job_type = '?'").await;
    let seen = listed_one_by_one(&damaged.storage).await;
    assert_eq!(seen, [ids[3], ids[1], ids[0]]);
}

#[tokio::test]
async fn runs_with_spoilt_tags_are_pruned_all_the_same() {
    let damaged = Damaged::new().await;
    let ids = damaged.enqueue(2).await;
    for id in &ids {
        damaged.storage.request_cancel(*id).await.unwrap();
    }
    damaged.spoil(ids[0], SPOILS[1]).await;
    damaged.clock.advance(Duration::from_secs(1));
    let request = PruneRequest { finished_before: damaged.clock.now(), limit: 10 };
    assert_eq!(damaged.storage.prune(request).await.unwrap(), 2);
}
