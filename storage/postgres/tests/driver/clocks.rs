//! Time is the server's: no clock of a host's machine decides anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use zapjobs_model::{Outcome, RetryPolicy, Run, Timestamp, Usage, settle};
use zapjobs_postgres::PostgresStorage;
use zapjobs_storage::{
    ApplyResult, Coordinator, LeaseState, NamedLeaseRequest, RunQueries, RunStore, Span,
    Statistics, StatisticsRequest, Storage,
};

use crate::harness;
use crate::harness::runs::{a_claim, a_run, completion};

/// The only file that may look at the machine's clock: to tell how far it is off.
const MAY_LOOK: &str = "examine/server.rs";
const CLOCKS: [&str; 5] = ["SystemTime", "Utc::now", "Local::now", "SystemClock", "UNIX_EPOCH"];
const SKEW: Duration = Duration::from_secs(300);

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn the_driver_never_reads_the_machines_clock() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&folder);
    assert!(files.len() > 20, "the sources are elsewhere");
    let looks = |file: &&PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        CLOCKS.iter().any(|clock| text.contains(clock))
    };
    let looking: Vec<&PathBuf> = files.iter().filter(looks).collect();
    assert_eq!(looking, [&folder.join(MAY_LOOK)]);
}

/// Hours in which something happened.
async fn hours(storage: &PostgresStorage) -> Vec<Timestamp> {
    let request = StatisticsRequest { span: Span::Hour, latest: 400, tenant: None, queue: None };
    let hours = storage.statistics(request).await.unwrap();
    hours.into_iter().map(|hour| hour.from).collect()
}

/// What became of a run, without what differs between any two: its id and instants.
fn outline(run: &Run) -> String {
    let id = zapjobs_model::RunId(uuid::Uuid::nil());
    let zero = Timestamp::from_micros(0);
    let outline = Run { id, created_at: zero, due_at: zero, ..run.clone() };
    format!("{:?}", Run { started_at: None, finished_at: None, ..outline })
}

#[tokio::test]
async fn a_host_whose_clock_is_wrong_changes_nothing_but_its_own_finished_at() {
    let options = harness::options();
    let (right, wrong) = (harness::open(&options).await, harness::open(&options).await);
    let before = right.now().await.unwrap();
    right.enqueue(&[a_run("q"), a_run("q"), a_run("q"), a_run("q")]).await.unwrap();
    // Another host holds a run meanwhile, and a lock.
    let held = right.claim(a_claim(1)).await.unwrap().remove(0).run;
    let lock = NamedLeaseRequest {
        name: "leader".to_owned(),
        owner: a_claim(1).worker,
        ttl: Duration::from_secs(60),
    };
    right.acquire(lock.clone()).await.unwrap().unwrap();

    let mut outlines = Vec::new();
    let now = right.now().await.unwrap();
    for at in [now, now.plus(SKEW), now.minus(SKEW)] {
        let claimed = wrong.claim(a_claim(1)).await.unwrap().remove(0).run;
        let server = right.now().await.unwrap();
        let started = claimed.started_at.unwrap();
        assert!(before <= started && started <= server, "by the server's clock");
        let lease = claimed.lease_expires_at.unwrap().since(started);
        assert_eq!(lease, a_claim(1).lease);
        let end = completion(&claimed, at);
        assert_eq!(wrong.apply(&[end]).await.unwrap(), [ApplyResult::Applied]);
        let run = right.run(claimed.id).await.unwrap().unwrap();
        assert_eq!(run.finished_at, Some(at), "what the host said");
        outlines.push(outline(&run));
    }
    assert!(outlines.iter().all(|outline| *outline == outlines[0]), "{outlines:#?}");
    let hour = |time: Timestamp| Span::Hour.begin(time);
    let after = right.now().await.unwrap();
    assert!(hours(&right).await.into_iter().all(|at| at == hour(before) || at == hour(after)));
    assert_eq!(right.expired(10).await.unwrap(), []);
    let renewed = right.renew(&[held.lease_key()], Duration::from_secs(30)).await.unwrap();
    assert_eq!(renewed, [LeaseState::Held { cancel_requested: false }]);
    let other = NamedLeaseRequest { owner: zapjobs_model::WorkerId(uuid::Uuid::now_v7()), ..lock };
    assert_eq!(wrong.acquire(other).await.unwrap(), None, "the lock is still held");
}

#[tokio::test]
async fn a_retry_waits_until_the_server_says_that_it_is_due() {
    let options = harness::options();
    let (right, wrong) = (harness::open(&options).await, harness::open(&options).await);
    right.enqueue(&[a_run("q")]).await.unwrap();
    let run = wrong.claim(a_claim(1)).await.unwrap().remove(0).run;
    let error = zapjobs_model::RunError::new(zapjobs_model::Blame::Guest, "io", "try again");
    let policy = RetryPolicy { base_ms: 60_000, cap_ms: 60_000, ..RetryPolicy::default() };
    let now = wrong.now().await.unwrap();
    let outcome = Outcome::Retry { error, after_ms: None };
    let mut ended = settle(&run, outcome, Usage::default(), now, &policy, 0.5);
    // The machine's clock is ahead; the delay was reckoned from the store's answer.
    ended.at = now.plus(SKEW);
    wrong.apply(&[ended]).await.unwrap();
    assert_eq!(wrong.promote(10).await.unwrap().count, 0);
    assert_eq!(right.promote(10).await.unwrap().count, 0);
    let due = right.run(run.id).await.unwrap().unwrap().due_at;
    assert!(due > now && due < now.plus(Duration::from_secs(120)), "a minute, about");
}
