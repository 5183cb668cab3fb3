//! A record that cannot be read wedges nothing, and is kept.

use std::sync::Arc;
use std::time::Duration;

use zapjobs_model::{RunId, Timestamp};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_services::{Redis, RedisSettings};
use zapjobs_storage::{
    Clock as _, ErrorKind, ManualClock, PruneRequest, RunFilter, RunPageRequest, RunQueries,
    RunStore,
};

use crate::harness::runs::{a_claim, a_run};

struct Damaged {
    storage: RedisStorage,
    clock: Arc<ManualClock>,
    server: Redis,
}

impl Damaged {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
        // A server alone, whatever the others are: its keys are spoilt by hand.
        let server = Redis::start(&RedisSettings::default()).unwrap();
        let options = RedisOptions::parse(&server.url()).unwrap();
        let options = RedisOptions { clock: Some(clock.clone()), ..options };
        let storage = RedisStorage::connect(options).await.unwrap();
        Self { storage, clock, server }
    }

    async fn enqueue(&self, count: usize) -> Vec<RunId> {
        let runs: Vec<_> = (0..count).map(|_| a_run("q")).collect();
        self.storage.enqueue(&runs).await.unwrap();
        runs.into_iter().map(|run| run.id).collect()
    }

    fn key(name: &str) -> String {
        format!("{{zapjobs}}:{name}")
    }

    fn run_key(run: RunId) -> Vec<u8> {
        [Self::key("run:").as_bytes(), run.0.as_bytes()].concat()
    }

    fn raw(&self) -> redis::Connection {
        redis::Client::open(self.server.url()).unwrap().get_connection().unwrap()
    }

    /// Spoils a field of a run; an empty value removes it.
    fn spoil(&self, run: RunId, field: &str, value: &[u8]) {
        let key = Self::run_key(run);
        let mut conn = self.raw();
        match value {
            [] => redis::cmd("HDEL").arg(key).arg(field).exec(&mut conn).unwrap(),
            value => redis::cmd("HSET").arg(key).arg(field).arg(value).exec(&mut conn).unwrap(),
        }
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
        let damaged = Damaged::new().await;
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
    let damaged = Damaged::new().await;
    let ids = damaged.enqueue(2).await;
    let key = Damaged::run_key(ids[0]);
    redis::cmd("SET").arg(key).arg("not ours").exec(&mut damaged.raw()).unwrap();
    let claimed = damaged.storage.claim(a_claim(2)).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.id()).collect::<Vec<_>>(), ids[1..]);
    assert_eq!(damaged.storage.run(ids[0]).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(damaged.quarantined().len(), 1);
}

#[tokio::test]
async fn the_sweep_of_expired_leases_gets_past_unreadable_runs() {
    let damaged = Damaged::new().await;
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
    let damaged = Damaged::new().await;
    let ids = damaged.enqueue(4).await;
    damaged.spoil(ids[2], "input", b"{");
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let request = RunPageRequest { after, limit: 1, ..RunPageRequest::default() };
        let page = damaged.storage.runs(request).await.unwrap();
        seen.extend(page.runs.iter().map(|run| run.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [ids[3], ids[1], ids[0]]);
}

#[tokio::test]
async fn pruning_gets_past_unreadable_runs() {
    let damaged = Damaged::new().await;
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
