use std::sync::Arc;

use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::{
    Due, JobType, Json, NewRun, Priority, QueueName, RunId, TenantQuotas, Timestamp, Trigger,
    Usage, WorkerId,
};
use zapjobs_storage::{ClaimRequest, ManualClock, RunStore};

use super::*;

const ROOM: Room =
    Room { free: 8, beside: 0, concurrency: 8, tenants_served: 1, memory_bytes_per_run: 1 << 26 };

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("a good name")
}

fn quotas(change: impl FnOnce(&mut TenantQuotas)) -> Tenants {
    let mut policy = TenantPolicy::default();
    change(&mut policy.default);
    Tenants::new(policy)
}

/// A storage and the host's view of it, without the host.
struct Rounds {
    storage: MemoryStorage,
    clock: Arc<ManualClock>,
    tenants: Tenants,
}

impl Rounds {
    fn new(tenants: Tenants) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
        let options = MemoryOptions { clock: clock.clone(), ..MemoryOptions::default() };
        Self { storage: MemoryStorage::new(options), clock, tenants }
    }

    async fn enqueue(&self, name: &str, count: usize) {
        let run = |_| NewRun {
            id: RunId(uuid::Uuid::now_v7()),
            tenant: tenant(name),
            job_type: JobType::new("mail").expect("a good name"),
            queue: QueueName::standard(),
            priority: Priority::default(),
            trigger: Trigger::Api,
            input: Json::null(),
            due: Due::Now,
            deadline: None,
            max_attempts: 3,
            correlation_id: None,
            parent: None,
            tags: Vec::new(),
            metadata: Default::default(),
            after: Vec::new(),
            limit_key: None,
            unique: None,
            idempotency: None,
            batch: None,
        };
        let runs: Vec<NewRun> = (0..count).map(run).collect();
        self.storage.enqueue(&runs).await.expect("enqueued");
    }

    async fn choose(&self, room: Room, backlog: bool) -> Choice {
        let chosen = self.tenants.choose(&self.storage, &QueueSelection::All, room, backlog).await;
        chosen.expect("chosen")
    }

    /// One round: claims, and answers whose runs were started.
    async fn start(&self, free: usize, beside: usize) -> Vec<zapjobs_model::Run> {
        let Choice::Claim { tenants, limit } =
            self.choose(Room { free, beside, ..ROOM }, true).await
        else {
            return Vec::new();
        };
        let request = ClaimRequest {
            worker: WorkerId(uuid::Uuid::from_u128(1)),
            queues: QueueSelection::All,
            tenants,
            limit,
            lease: Duration::from_secs(30),
        };
        let claimed = self.storage.claim(request).await.expect("claimed");
        let runs: Vec<_> = claimed.into_iter().map(|claimed| claimed.run).collect();
        runs.iter().for_each(|run| self.tenants.started(&run.tenant));
        runs
    }

    /// The run ends after so much CPU, and is recorded.
    async fn end(&self, run: &zapjobs_model::Run, cpu_us: u64) {
        let usage = Usage { cpu_us, ..Usage::default() };
        let outcome = zapjobs_model::Outcome::Completed(Json::null());
        let now = self.storage.now().await.expect("the time");
        let ended = zapjobs_model::settle(run, outcome, usage, now, &Default::default(), 0.5);
        self.storage.apply(&[ended]).await.expect("applied");
        self.tenants.ended(&run.tenant, cpu_us);
    }
}

fn count_of(runs: &[zapjobs_model::Run], name: &str) -> usize {
    runs.iter().filter(|run| run.tenant == tenant(name)).count()
}

#[tokio::test]
async fn a_lone_tenant_is_claimed_as_if_there_were_no_tenants() {
    let rounds = Rounds::new(quotas(|_| {}));
    assert_eq!(rounds.choose(ROOM, false).await, Choice::NothingReady);
    rounds.enqueue("a", 100).await;
    for _ in 0..3 {
        assert_eq!(rounds.choose(ROOM, true).await, Choice::all(ROOM));
        let runs = rounds.start(8, 0).await;
        assert_eq!(runs.len(), 8, "no permit is kept for others");
        for run in &runs {
            rounds.end(run, 1_000).await;
        }
        assert_eq!(rounds.choose(ROOM, false).await, Choice::all(ROOM));
    }
}

#[tokio::test]
async fn ten_thousand_queued_runs_delay_anothers_first_by_one_round() {
    let rounds = Rounds::new(quotas(|_| {}));
    rounds.enqueue("a", 10_000).await;
    let crowd = rounds.start(8, 0).await;
    assert_eq!(count_of(&crowd, "a"), 8);
    rounds.enqueue("b", 1).await;
    rounds.end(&crowd[0], 1_000).await;
    *rounds.tenants.alone.lock() = None; // a round has passed
    let next = rounds.start(1, 0).await;
    assert_eq!(count_of(&next, "b"), 1);
}

#[tokio::test]
async fn permits_are_kept_for_a_tenant_with_nothing_under_way() {
    let rounds = Rounds::new(quotas(|_| {}));
    rounds.enqueue("a", 100).await;
    let room = Room { tenants_served: 2, ..ROOM };
    let Choice::Claim { limit, .. } = rounds.choose(room, true).await else {
        panic!("there is room")
    };
    assert_eq!(limit, 6, "of eight permits, two are kept");
    (0..6).for_each(|_| rounds.tenants.started(&tenant("a")));
    let last = Room { free: 2, ..room };
    assert_eq!(rounds.choose(last, true).await, Choice::HeldBack);
    rounds.enqueue("b", 5).await;
    let share = TenantShare { tenant: tenant("b"), limit: 1 };
    let tenants = TenantSelection::Shares(vec![share]);
    assert_eq!(rounds.choose(last, true).await, Choice::Claim { tenants, limit: 1 });
}

/// Two tenants on one permit, always with runs ready. Answers the CPU each used.
async fn compete(rounds: &Rounds, heavy_us: u64, light_us: u64) -> [u64; 2] {
    let mut used = [0; 2];
    rounds.enqueue("heavy", 3_000).await;
    rounds.enqueue("light", 3_000).await;
    for _ in 0..2_000 {
        for run in rounds.start(1, 7).await {
            let is_light = run.tenant == tenant("light");
            let cpu_us = if is_light { light_us } else { heavy_us };
            used[usize::from(is_light)] += cpu_us;
            rounds.end(&run, cpu_us).await;
        }
    }
    used
}

#[tokio::test]
async fn tenants_with_long_and_short_runs_get_the_same_cpu() {
    let rounds = Rounds::new(quotas(|_| {}));
    let [heavy, light] = compete(&rounds, 100_000, 1_000).await;
    let ratio = heavy as f64 / light as f64;
    assert!((0.9..1.15).contains(&ratio), "{heavy} and {light} µs");
}

#[tokio::test]
async fn cpu_is_divided_by_weight() {
    let mut policy = TenantPolicy::default();
    let weight = zapjobs_model::fairness::Weight::new(3).expect("a good weight");
    policy.tenants.insert(tenant("heavy"), TenantQuotas { weight, ..Default::default() });
    let rounds = Rounds::new(Tenants::new(policy));
    let [heavy, light] = compete(&rounds, 50_000, 10_000).await;
    let ratio = heavy as f64 / light as f64;
    assert!((2.8..3.2).contains(&ratio), "{heavy} and {light} µs");
}

#[tokio::test]
async fn no_more_runs_of_a_tenant_are_under_way_than_its_quotas_allow() {
    let rounds = Rounds::new(quotas(|it| it.concurrent_runs_max = Some(3)));
    rounds.enqueue("a", 10).await;
    let runs = rounds.start(8, 0).await;
    assert_eq!(runs.len(), 3);
    assert_eq!(rounds.start(5, 0).await, []);
    rounds.end(&runs[0], 10).await;
    assert_eq!(rounds.start(6, 0).await.len(), 1);
    let by_memory = Rounds::new(quotas(|it| it.memory_bytes_max = Some(5 << 26)));
    by_memory.enqueue("a", 10).await;
    assert_eq!(by_memory.start(8, 0).await.len(), 5);
}

#[tokio::test]
async fn a_tenant_whose_cpu_is_used_up_waits_for_the_next_hour() {
    let rounds = Rounds::new(quotas(|it| it.cpu_seconds_per_hour_max = Some(1)));
    rounds.enqueue("a", 10).await;
    let run = rounds.start(1, 0).await.remove(0);
    rounds.end(&run, 1_500_000).await;
    assert_eq!(rounds.start(1, 0).await, []);
    assert_eq!(rounds.choose(ROOM, true).await, Choice::HeldBack);
    assert_eq!(rounds.tenants.held_back(), 2, "it is counted");
    rounds.clock.advance(Duration::from_secs(3_600));
    rounds.tenants.budgets.forget();
    assert_eq!(rounds.start(1, 0).await.len(), 1);
}
