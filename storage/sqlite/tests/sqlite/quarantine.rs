//! A record that cannot be read wedges nothing, and is kept.

use std::time::Duration;

use rusqlite::{Connection, params};
use zapjobs_conformance::samples::{a_claim, a_run, completion, listed_one_by_one};
use zapjobs_model::{RunId, Timestamp};
use zapjobs_storage::{
    ApplyResult, ClaimRunRequest, ErrorKind, PruneRequest, RunFilter, RunQueries, RunStore,
    SingleRunError, Storage,
};

use crate::harness::by_hand::ByHand;

impl ByHand {
    async fn enqueue(&self, count: usize) -> Vec<RunId> {
        let runs: Vec<_> = (0..count).map(|_| a_run("q")).collect();
        self.storage.enqueue(&runs).await.unwrap();
        runs.into_iter().map(|run| run.id).collect()
    }

    /// Spoils a column of a run.
    fn spoil(&self, run: RunId, sql: &str) {
        let changed = Connection::open(&self.file).unwrap().execute(sql, [run.0.as_bytes()]);
        assert_eq!(changed.unwrap(), 1);
    }

    fn quarantined(&self) -> Vec<(Vec<u8>, i64, String)> {
        let conn = Connection::open(&self.file).unwrap();
        let sql = "SELECT id, status, reason FROM zapjobs_quarantine ORDER BY id";
        let mut statement = conn.prepare(sql).unwrap();
        let rows =
            statement.query_map(params![], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }
}

const SPOILS: [&str; 7] = [
    "UPDATE zapjobs_inputs SET input = '{' WHERE seq = (SELECT seq FROM zapjobs_runs WHERE id = ?1)",
    "UPDATE zapjobs_inputs SET tags = '[1]' WHERE seq = (SELECT seq FROM zapjobs_runs WHERE id = ?1)",
    "DELETE FROM zapjobs_inputs WHERE seq = (SELECT seq FROM zapjobs_runs WHERE id = ?1)",
    "UPDATE zapjobs_runs SET tenant = 'not a name!' WHERE id = ?1",
    "UPDATE zapjobs_runs SET priority = 9999 WHERE id = ?1",
    "UPDATE zapjobs_runs SET trigger_code = 77 WHERE id = ?1",
    "UPDATE zapjobs_runs SET created_at = 'yesterday' WHERE id = ?1",
];

#[tokio::test]
async fn claims_set_unreadable_runs_aside_and_take_the_others() {
    for spoil in SPOILS {
        let damaged = ByHand::new();
        let ids = damaged.enqueue(3).await;
        damaged.spoil(ids[0], spoil);
        let claimed = damaged.storage.claim(a_claim(2)).await.unwrap();
        let claimed: Vec<_> = claimed.iter().map(|claimed| claimed.id()).collect();
        assert_eq!(claimed, ids[1..], "the claim is filled up: {spoil}");
        let quarantined = damaged.quarantined();
        assert_eq!(quarantined.len(), 1);
        assert_eq!(quarantined[0].0, ids[0].0.as_bytes());
        let error = damaged.storage.run(ids[0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[tokio::test]
async fn one_unreadable_run_is_told_as_corrupt_and_set_aside_by_the_next_claim() {
    for spoil in SPOILS {
        let damaged = ByHand::new();
        let ids = damaged.enqueue(2).await;
        damaged.spoil(ids[0], spoil);
        let storage: &dyn Storage = &damaged.storage;
        let request = ClaimRunRequest {
            run: ids[0],
            worker: a_claim(1).worker,
            lease: Duration::from_secs(30),
        };
        let read = storage.read_run(&ids[0].to_string()).await.map(drop);
        let taken = storage.take_run(request).await.map(drop);
        for answer in [read, taken] {
            let error = answer.expect_err("it cannot be read");
            assert!(
                matches!(error, SingleRunError::Corrupt { run, .. } if run == ids[0]),
                "{error}"
            );
        }
        assert!(damaged.quarantined().is_empty(), "a request that failed wrote nothing");
        assert_eq!(damaged.storage.claim(a_claim(2)).await.unwrap().len(), 1);
        assert_eq!(damaged.quarantined().len(), 1);
        let taken = storage.take_run(request).await.expect_err("it was set aside");
        assert!(matches!(taken, SingleRunError::Corrupt { .. }), "{taken}");
    }
}

#[tokio::test]
async fn a_result_for_a_record_that_cannot_be_read_is_told_as_corrupt() {
    let damaged = ByHand::new();
    let ids = damaged.enqueue(1).await;
    let claimed = damaged.storage.claim(a_claim(1)).await.unwrap().remove(0);
    damaged.spoil(ids[0], "UPDATE zapjobs_runs SET lease = 'x' WHERE id = ?1");
    let end = completion(&claimed.run, damaged.clock_now());
    let storage: &dyn Storage = &damaged.storage;
    let error = storage.update_run(&end).await.expect_err("its lease cannot be read");
    assert!(matches!(error, SingleRunError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_result_for_a_run_that_was_set_aside_is_refused_and_takes_no_other_down() {
    let damaged = ByHand::new();
    let ids = damaged.enqueue(2).await;
    let claimed = damaged.storage.claim(a_claim(2)).await.unwrap();
    damaged.spoil(ids[0], "UPDATE zapjobs_runs SET queue = '' WHERE id = ?1");
    damaged.clock.advance(Duration::from_secs(60));
    damaged.storage.expired(10).await.unwrap();
    assert_eq!(damaged.quarantined().len(), 1);
    let ends: Vec<_> =
        claimed.iter().map(|one| completion(&one.run, damaged.clock_now())).collect();
    let answers = damaged.storage.apply(&ends).await.unwrap();
    assert_eq!(answers, [ApplyResult::NotFound, ApplyResult::Applied]);
}

#[tokio::test]
async fn an_unknown_status_is_corrupt_and_in_nobodys_way() {
    let damaged = ByHand::new();
    let ids = damaged.enqueue(2).await;
    damaged.spoil(ids[0], "UPDATE zapjobs_runs SET status = 42 WHERE id = ?1");
    let error = damaged.storage.run(ids[0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("unknown status 42"), "{error}");
    assert_eq!(damaged.storage.claim(a_claim(10)).await.unwrap().len(), 1);
    assert_eq!(damaged.storage.counts(&RunFilter::default()).await.unwrap().total(), 1);
}

#[tokio::test]
async fn the_sweep_of_expired_leases_gets_past_unreadable_runs() {
    let damaged = ByHand::new();
    let ids = damaged.enqueue(5).await;
    damaged.storage.claim(a_claim(5)).await.unwrap();
    for id in &ids[..3] {
        damaged.spoil(*id, "UPDATE zapjobs_runs SET queue = '' WHERE id = ?1");
    }
    damaged.clock.advance(Duration::from_secs(60));
    let expired = damaged.storage.expired(2).await.unwrap();
    let expired: Vec<_> = expired.iter().map(|run| run.id).collect();
    assert_eq!(expired, ids[3..]);
    assert_eq!(damaged.quarantined().len(), 3);
}

#[tokio::test]
async fn listings_pass_over_unreadable_runs_and_go_on() {
    let damaged = ByHand::new();
    let ids = damaged.enqueue(4).await;
    damaged.spoil(ids[2], "UPDATE zapjobs_runs SET job_type = '?' WHERE id = ?1");
    let seen = listed_one_by_one(&damaged.storage).await;
    assert_eq!(seen, [ids[3], ids[1], ids[0]]);
}

#[tokio::test]
async fn runs_with_spoilt_tags_are_pruned_all_the_same() {
    let damaged = ByHand::new();
    let ids = damaged.enqueue(2).await;
    for id in &ids {
        damaged.storage.request_cancel(*id).await.unwrap();
    }
    damaged.spoil(ids[0], SPOILS[1]);
    damaged.clock.advance(Duration::from_secs(1));
    let request = PruneRequest { finished_before: damaged.clock_now(), limit: 10 };
    assert_eq!(damaged.storage.prune(request).await.unwrap(), 2);
}

impl ByHand {
    fn clock_now(&self) -> Timestamp {
        zapjobs_storage::Clock::now(&*self.clock)
    }
}
