//! A record that cannot be read wedges nothing, and is kept.

use std::time::Duration;

use zapjobs_model::RunId;
use zapjobs_storage::{Clock as _, ErrorKind, PruneRequest, RunFilter, RunQueries, RunStore};

use crate::harness::alone::Alone;
use crate::harness::runs::{a_claim, a_run, listed_one_by_one};

impl Alone {
    async fn enqueue(&self, count: usize) -> Vec<RunId> {
        let runs: Vec<_> = (0..count).map(|_| a_run("q")).collect();
        self.storage.enqueue(&runs).await.unwrap();
        runs.into_iter().map(|run| run.id).collect()
    }

    fn quarantined(&self) -> Vec<(Vec<u8>, String)> {
        let key = Self::key("quarantine");
        redis::cmd("HGETALL").arg(key).query(&mut self.raw()).unwrap()
    }
}

/// An empty value removes the field.
const SPOILS: [(&str, &[u8]); 7] = [
    ("input", b"{"),
    ("input", b""),
    ("new", b""),
    ("new", b"short"),
    ("new", b"long enough for its beginning, but nonsense"),
    ("state", b"0"),
    ("trigger", b"77"),
];

#[tokio::test]
async fn claims_set_unreadable_runs_aside_and_take_the_others() {
    for (field, value) in SPOILS {
        let damaged = Alone::new().await;
        let ids = damaged.enqueue(3).await;
        damaged.spoil(ids[0], field, value);
        let claimed = damaged.storage.claim(a_claim(2)).await.unwrap();
        let claimed: Vec<_> = claimed.iter().map(|claimed| claimed.id()).collect();
        assert_eq!(claimed, ids[1..], "the claim is filled up: {field} {value:?}");
        let quarantined = damaged.quarantined();
        assert_eq!(quarantined.len(), 1, "{field} {value:?}");
        assert_eq!(quarantined[0].0, ids[0].0.as_bytes());
        let error = damaged.storage.run(ids[0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        let counts = damaged.storage.counts(&RunFilter::default()).await.unwrap();
        assert_eq!((counts.running, counts.total()), (2, 2), "{field} {value:?}");
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_in_nobodys_way() {
    let damaged = Alone::new().await;
    let ids = damaged.enqueue(2).await;
    let key = Alone::run_key(ids[0]);
    redis::cmd("SET").arg(key).arg("not ours").exec(&mut damaged.raw()).unwrap();
    let claimed = damaged.storage.claim(a_claim(2)).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.id()).collect::<Vec<_>>(), ids[1..]);
    assert_eq!(damaged.storage.run(ids[0]).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(damaged.quarantined().len(), 1);
}

#[tokio::test]
async fn the_sweep_of_expired_leases_gets_past_unreadable_runs() {
    let damaged = Alone::new().await;
    let ids = damaged.enqueue(5).await;
    damaged.storage.claim(a_claim(5)).await.unwrap();
    for id in &ids[..3] {
        damaged.spoil(*id, "input", b"{");
    }
    damaged.clock.advance(Duration::from_secs(60));
    let expired = damaged.storage.expired(2).await.unwrap();
    let expired: Vec<_> = expired.iter().map(|run| run.id).collect();
    assert_eq!(expired, ids[3..]);
    assert_eq!(damaged.quarantined().len(), 3);
}

#[tokio::test]
async fn listings_pass_over_unreadable_runs_and_go_on() {
    let damaged = Alone::new().await;
    let ids = damaged.enqueue(4).await;
    damaged.spoil(ids[2], "input", b"{");
    let seen = listed_one_by_one(&damaged.storage).await;
    assert_eq!(seen, [ids[3], ids[1], ids[0]]);
}

#[tokio::test]
async fn pruning_gets_past_unreadable_runs() {
    let damaged = Alone::new().await;
    let ids = damaged.enqueue(2).await;
    for id in &ids {
        damaged.storage.request_cancel(*id).await.unwrap();
    }
    damaged.spoil(ids[0], "new", b"short");
    damaged.clock.advance(Duration::from_secs(1));
    let request = PruneRequest { finished_before: damaged.clock.now(), limit: 10 };
    assert_eq!(damaged.storage.prune(request).await.unwrap(), 1);
    assert_eq!(damaged.storage.prune(request).await.unwrap(), 0);
    assert_eq!(damaged.quarantined().len(), 1, "what cannot be read is kept");
}
