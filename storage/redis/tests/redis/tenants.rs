//! Lanes: many of them are merged in one order, over several scripts, and all that is kept by
//! tenant agrees with the runs.

use std::time::Duration;

use zapjobs_model::{Due, NewRun, Priority, QueueName, RunId, TenantId};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_storage::{
    ClaimRequest, Clock as _, ErrorKind, PruneRequest, QueueSelection, RunQueries, RunStore, Span,
    Statistics, StatisticsRequest, TENANT_SHARES_MAX, TenantSelection, TenantShare,
};

use crate::harness::alone::Alone;
use crate::harness::runs::{a_claim, a_run, completion};

impl Alone {
    fn keys(&self, pattern: &str) -> Vec<String> {
        let pattern = format!("{{zapjobs}}:{pattern}");
        let mut keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(&mut self.raw()).unwrap();
        keys.iter_mut().for_each(|key| *key = key.replace("{zapjobs}:", ""));
        keys.sort();
        keys
    }

    async fn claim(&self, request: ClaimRequest) -> Vec<RunId> {
        let claimed = self.storage.claim(request).await.unwrap();
        claimed.iter().map(|claimed| claimed.id()).collect()
    }

    async fn waiting(&self, of: &str) -> u64 {
        self.storage.waiting(&tenant(of), 10_000).await.unwrap()
    }

    async fn ready(&self) -> Vec<TenantId> {
        let tenants = self.storage.ready_tenants(&QueueSelection::All, None, TENANT_SHARES_MAX);
        tenants.await.unwrap()
    }
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// A run of a tenant that goes by its place: 0 first.
fn placed(of: &str, queue: &str, place: usize) -> NewRun {
    let priority = Priority::new(1_000 - i16::try_from(place).unwrap()).unwrap();
    NewRun { tenant: tenant(of), priority, ..a_run(queue) }
}

fn shares(of: &[(&str, usize)]) -> TenantSelection {
    let share = |(name, limit): &(&str, usize)| TenantShare { tenant: tenant(name), limit: *limit };
    TenantSelection::Shares(of.iter().map(share).collect())
}

fn ids(runs: &[NewRun]) -> Vec<RunId> {
    runs.iter().map(|run| run.id).collect()
}

#[tokio::test]
async fn many_lanes_are_merged_in_the_order_of_claims() {
    let opened = Alone::new().await;
    // Lanes of one run, of several, and one of many.
    let lane = |place: usize| match place % 3 {
        0 => (format!("t{place}"), "q"),
        1 => (format!("t{}", place % 50), "other"),
        _ => ("large".to_owned(), "q"),
    };
    let runs: Vec<NewRun> =
        (0..1_500).map(|place| placed(&lane(place).0, lane(place).1, place)).collect();
    opened.storage.enqueue(&runs).await.unwrap();
    assert_eq!(opened.claim(a_claim(7)).await, ids(&runs[..7]));
    assert_eq!(opened.claim(a_claim(1_100)).await, ids(&runs[7..1_107]), "over several scripts");
    let queues = QueueSelection::Only(vec![QueueName::new("other").unwrap()]);
    let others = runs[1_107..].iter().filter(|run| run.queue.as_str() == "other");
    let others: Vec<RunId> = others.map(|run| run.id).collect();
    assert_eq!(opened.claim(ClaimRequest { queues, ..a_claim(1_000) }).await, others);
}

#[tokio::test]
async fn shares_are_given_in_their_order_over_several_scripts() {
    let opened = Alone::new().await;
    let (a, b): (Vec<_>, Vec<_>) = (0..900)
        .map(|place| (placed("a", &format!("q{}", place % 7), place), placed("b", "q", place)))
        .unzip();
    opened.storage.enqueue(&a).await.unwrap();
    opened.storage.enqueue(&b).await.unwrap();
    // The first of them cannot be read, and another takes its place.
    opened.spoil(b[0].id, "input", b"{");
    let tenants = shares(&[("b", 700), ("none", 5), ("a", 600)]);
    let expected = [ids(&b[1..701]), ids(&a[..500])].concat();
    assert_eq!(opened.claim(ClaimRequest { tenants, ..a_claim(1_200) }).await, expected);
    assert_eq!((opened.waiting("a").await, opened.waiting("b").await), (400, 199));
}

#[tokio::test]
async fn what_waits_is_counted_through_every_change_and_leaves_nothing() {
    let opened = Alone::new().await;
    let runs: Vec<NewRun> = (0..6).map(|place| placed("a", "q", place)).collect();
    let later = NewRun { due: Due::In(Duration::from_secs(60)), ..placed("a", "q", 9) };
    opened.storage.enqueue(&runs).await.unwrap();
    opened.storage.enqueue(&[later]).await.unwrap();
    assert_eq!(opened.waiting("a").await, 7);
    // One that a script finds unreadable, and one that the driver does.
    opened.spoil(runs[0].id, "state", b"0");
    opened.spoil(runs[1].id, "input", b"{");
    let claimed = opened.storage.claim(a_claim(2)).await.unwrap();
    assert_eq!(claimed.len(), 2);
    assert_eq!(opened.waiting("a").await, 3);
    for run in &runs[4..] {
        opened.storage.request_cancel(run.id).await.unwrap();
    }
    assert_eq!((opened.waiting("a").await, opened.ready().await), (1, Vec::new()));
    opened.clock.advance(Duration::from_secs(60));
    opened.storage.promote(10).await.unwrap();
    assert_eq!((opened.waiting("a").await, opened.ready().await), (1, vec![tenant("a")]));
    let last = opened.storage.claim(a_claim(10)).await.unwrap();
    let now = opened.clock.now();
    let ends: Vec<_> =
        claimed.iter().chain(&last).map(|claimed| completion(&claimed.run, now)).collect();
    opened.storage.apply(&ends).await.unwrap();
    assert_eq!(opened.keys("[plw]*"), Vec::<String>::new(), "no lane, and nobody waits");
    opened.clock.advance(Duration::from_secs(1));
    let request = PruneRequest { finished_before: opened.clock.now(), limit: 10 };
    assert_eq!(opened.storage.prune(request).await.unwrap(), 5);
    assert_eq!(opened.keys("counts"), Vec::<String>::new());
}

#[tokio::test]
async fn sums_of_all_tenants_do_not_grow_with_their_number() {
    let opened = Alone::new().await;
    let runs: Vec<NewRun> = (0..200).map(|n| placed(&format!("t{n}"), "q", n)).collect();
    opened.storage.enqueue(&runs).await.unwrap();
    opened.storage.enqueue(&[a_run("q"), a_run("q")]).await.unwrap();
    let fields: u64 =
        redis::cmd("HLEN").arg("{zapjobs}:stats:total").query(&mut opened.raw()).unwrap();
    assert_eq!(fields, 2, "the standard tenant's, and the others'");
    let enqueued = async |tenant: Option<TenantId>| {
        let request = StatisticsRequest { span: Span::Total, latest: 1, tenant, queue: None };
        opened.storage.statistics(request).await.unwrap()[0].activity.enqueued
    };
    assert_eq!(enqueued(None).await, 202);
    assert_eq!(enqueued(Some(TenantId::standard())).await, 2);
    assert_eq!(enqueued(Some(tenant("t7"))).await, 1);
}

#[tokio::test]
async fn keys_of_an_older_version_are_refused_in_one_line() {
    let opened = Alone::new().await;
    redis::cmd("SET").arg("{zapjobs}:schema").arg(1).exec(&mut opened.raw()).unwrap();
    let options = RedisOptions::parse(&opened.url()).unwrap();
    let error = RedisStorage::connect(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
    let text = error.to_string();
    assert!(text.contains("version 1") && text.contains("another key prefix"), "{text}");
    assert!(!text.contains('\n'), "{text}");
}
