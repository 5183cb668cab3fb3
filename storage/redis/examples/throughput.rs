//! How fast the driver is, on the server that `ZAPJOBS_TEST_REDIS` names.
//!
//! `cargo run --release --example redis-throughput [runs] [depth]`: enqueues batches of 1,000,
//! then claims 100 and applies 100 with 1 and with 4 clients, then measures a claim at a depth
//! of 10,000 and of `depth` (1,000,000) pending runs.

#![allow(clippy::print_stdout, reason = "an example tells its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use zapjobs_model::{
    Due, JobType, Json, NewRun, Outcome, Priority, QueueName, RetryPolicy, RunId, TenantId,
    Transition, Trigger, Usage, WorkerId, settle,
};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_storage::{
    ApplyResult, ClaimRequest, ClaimedRun, PruneRequest, QueueSelection, RunStore, Storage,
};

const ENQUEUE_BATCH: usize = 1_000;
const CLAIM_BATCH: usize = 100;
const CLAIMS_MEASURED: usize = 50;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let runs = args.next().map_or(Ok(100_000), |text| text.parse())?;
    let depth = args.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let url = std::env::var("ZAPJOBS_TEST_REDIS").map_err(|_| "ZAPJOBS_TEST_REDIS is not set")?;
    let key_prefix = format!("bench-{}", Uuid::now_v7());
    let options = RedisOptions { key_prefix, ..RedisOptions::parse(&url)? };

    for clients in [1, 4] {
        let stores = connect(&options, clients).await?;
        let enqueued = measure(&stores, runs, enqueue).await?;
        println!("{clients} client(s): enqueue by {ENQUEUE_BATCH}: {enqueued:>8.0} runs/s");
        let drained = measure(&stores, runs, drain).await?;
        println!("{clients} client(s): claim + apply by {CLAIM_BATCH}: {drained:>8.0} runs/s");
    }
    let stores = connect(&options, 1).await?;
    let store = &stores[0];
    let pruning = Instant::now();
    let pruned = prune(store).await?;
    let per_second = pruned as f64 / pruning.elapsed().as_secs_f64();
    println!("prune: {per_second:>8.0} runs/s");

    enqueue(Arc::clone(store), 10_000).await?;
    let shallow = claim_cost(store).await?;
    println!("claim of {CLAIM_BATCH} at depth 10,000: {shallow:?}");
    enqueue(Arc::clone(store), depth).await?;
    settled(&url).await?;
    let deep = claim_cost(store).await?;
    println!("claim of {CLAIM_BATCH} at depth {depth}: {deep:?}");
    println!("ratio {:.2}", deep.as_secs_f64() / shallow.as_secs_f64());
    clear(&url, &options.key_prefix).await
}

async fn connect(options: &RedisOptions, clients: usize) -> Result<Vec<Arc<RedisStorage>>, Error> {
    let mut stores = Vec::with_capacity(clients);
    for _ in 0..clients {
        stores.push(Arc::new(RedisStorage::connect(options.clone()).await?));
    }
    Ok(stores)
}

/// Lets each client do its share at the same time; answers runs per second.
async fn measure<F>(
    stores: &[Arc<RedisStorage>],
    runs: usize,
    work: impl Fn(Arc<RedisStorage>, usize) -> F,
) -> Result<f64, Error>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let start = Instant::now();
    let share = runs / stores.len();
    let tasks: Vec<_> =
        stores.iter().map(|store| tokio::spawn(work(Arc::clone(store), share))).collect();
    for task in tasks {
        task.await??;
    }
    Ok((share * stores.len()) as f64 / start.elapsed().as_secs_f64())
}

async fn enqueue(store: Arc<RedisStorage>, count: usize) -> Result<(), Error> {
    for _ in 0..count.div_ceil(ENQUEUE_BATCH) {
        let batch: Vec<NewRun> =
            (0..ENQUEUE_BATCH).map(|_| a_run()).collect::<Result<_, Error>>()?;
        store.enqueue(&batch).await?;
    }
    Ok(())
}

async fn drain(store: Arc<RedisStorage>, count: usize) -> Result<(), Error> {
    let mut done = 0;
    while done < count {
        let claimed = claim(&store).await?;
        if claimed.is_empty() {
            break;
        }
        let now = store.now().await?;
        let ends: Vec<Transition> = claimed
            .iter()
            .map(|claimed| {
                let outcome = Outcome::Completed(Json::trusted("{\"ok\":true}"));
                let policy = RetryPolicy::default();
                settle(&claimed.run, outcome, Usage::default(), now, &policy, 0.5)
            })
            .collect();
        let results = store.apply(&ends).await?;
        if results.iter().any(|result| *result != ApplyResult::Applied) {
            return Err("a transition was not applied".into());
        }
        done += claimed.len();
    }
    Ok(())
}

async fn claim(store: &RedisStorage) -> Result<Vec<ClaimedRun>, Error> {
    let request = ClaimRequest {
        worker: WorkerId(Uuid::from_u128(1)),
        queues: QueueSelection::All,
        limit: CLAIM_BATCH,
        lease: Duration::from_secs(60),
    };
    Ok(store.claim(request).await?)
}

/// The median of some claims.
async fn claim_cost(store: &RedisStorage) -> Result<Duration, Error> {
    let mut costs = Vec::with_capacity(CLAIMS_MEASURED);
    for _ in 0..CLAIMS_MEASURED {
        let start = Instant::now();
        claim(store).await?;
        costs.push(start.elapsed());
    }
    costs.sort();
    Ok(costs[CLAIMS_MEASURED / 2])
}

async fn prune(store: &RedisStorage) -> Result<usize, Error> {
    let finished_before = store.now().await?.plus(Duration::from_secs(60));
    let (mut pruned, limit) = (0, 1_000);
    loop {
        let gone = store.prune(PruneRequest { finished_before, limit }).await?;
        pruned += gone;
        if gone < limit {
            return Ok(pruned);
        }
    }
}

/// Waits until the server no longer rewrites its append-only file: the copy of a million runs
/// on write would be measured instead of the claim.
async fn settled(url: &str) -> Result<(), Error> {
    let client = redis::Client::open(url)?;
    let mut conn = client.get_multiplexed_async_connection().await?;
    loop {
        let info: String = redis::cmd("INFO").arg("persistence").query_async(&mut conn).await?;
        if info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Deletes the keys of this measurement.
async fn clear(url: &str, prefix: &str) -> Result<(), Error> {
    let client = redis::Client::open(url)?;
    let mut conn = client.get_multiplexed_async_connection().await?;
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{{{prefix}}}:*")).arg("COUNT").arg(1_000);
        let (next, keys): (u64, Vec<String>) = scan.query_async(&mut conn).await?;
        if !keys.is_empty() {
            redis::cmd("UNLINK").arg(keys).exec_async(&mut conn).await?;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(());
        }
    }
}

fn a_run() -> Result<NewRun, Error> {
    Ok(NewRun {
        id: RunId(Uuid::now_v7()),
        tenant: TenantId::standard(),
        job_type: JobType::new("mail")?,
        queue: QueueName::standard(),
        priority: Priority::default(),
        trigger: Trigger::Api,
        input: Json::trusted("{\"to\":\"someone@example.org\",\"n\":1}"),
        due: Due::Now,
        deadline: None,
        max_attempts: 3,
        correlation_id: None,
        parent: None,
        tags: Vec::new(),
        metadata: Default::default(),
    })
}
