//! Runs that have been ready for long.

use zapjobs_model::{Priority, RunId, Timestamp};
use zapjobs_storage::{AGED_MAX, AgedRequest, Alteration, ErrorKind, QueueSelection};

use crate::Fixture;
use crate::actions::refused;
use crate::builders::{MICROSECOND, a_run, priority, queue, seconds, some_runs};

impl Fixture {
    /// Ids in their order.
    async fn aged(&self, queues: QueueSelection, before: Timestamp, limit: usize) -> Vec<RunId> {
        let below = Priority::MAX;
        let request = AgedRequest { queues, ready_before: before, below, limit };
        let mut ids = self.storage.aged(&request).await.expect("listed");
        ids.sort();
        ids
    }

    async fn aged_now(&self) -> Vec<RunId> {
        self.aged(QueueSelection::All, self.now(), AGED_MAX).await
    }
}

pub(crate) async fn a_run_is_old_once_it_was_ready_before_the_instant(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    assert!(f.aged_now().await.is_empty(), "it became ready at this very instant");
    f.clock.advance(MICROSECOND);
    assert_eq!(f.aged_now().await, [id]);
    let later = f.enqueue(a_run("mail")).await;
    assert_eq!(f.aged_now().await, [id]);
    f.clock.advance(seconds(60));
    let mut both = [id, later];
    both.sort();
    assert_eq!(f.aged_now().await, both);
    assert_eq!(f.aged(QueueSelection::All, f.now().minus(seconds(60)), 9).await, [id]);
}

pub(crate) async fn runs_of_any_priority_below_one_are_old(f: &Fixture) {
    let mut ids = Vec::new();
    for number in [-1_000, -7, -7, 0, 3, 999, 1_000] {
        for tenant in ["acme", "zeta"] {
            ids.push(f.enqueue(a_run("mail").tenant(tenant).priority(number)).await);
        }
    }
    f.clock.advance(seconds(1));
    // Young ones of the same priorities do not hide them.
    for number in [-7, 3] {
        f.enqueue(a_run("mail").tenant("acme").priority(number)).await;
    }
    let request = |below| AgedRequest {
        queues: QueueSelection::All,
        ready_before: f.now(),
        below: priority(below),
        limit: AGED_MAX,
    };
    for (below, expected) in [(1_000, 12), (999, 10), (0, 6), (-7, 2), (-1_000, 0)] {
        let mut found = f.storage.aged(&request(below)).await.expect("listed");
        found.sort();
        let mut expected = ids[..expected].to_vec();
        expected.sort();
        assert_eq!(found, expected, "below {below}");
    }
}

pub(crate) async fn only_the_pending_runs_of_the_selected_queues_are_old(f: &Fixture) {
    let a = f.enqueue(a_run("mail").queue("a")).await;
    let b = f.enqueue(a_run("mail").queue("b").tenant("zeta")).await;
    f.enqueue(a_run("mail").queue("B")).await;
    f.enqueue(a_run("mail").queue("a").due_in(seconds(60))).await;
    let running = f.running(a_run("mail").queue("a").priority(500)).await;
    f.clock.advance(seconds(1));
    let only = |names: &[&str]| QueueSelection::Only(names.iter().map(|it| queue(it)).collect());
    let old = async |names: &[&str]| f.aged(only(names), f.now(), 9).await;
    assert_eq!(old(&["a"]).await, [a], "and not {}, which is running", running.id);
    assert_eq!(old(&["b", "none", "b"]).await, [b]);
    assert!(old(&[]).await.is_empty());
    assert_eq!(f.aged_now().await.len(), 3);
}

pub(crate) async fn as_many_old_runs_are_answered_as_the_limit_allows(f: &Fixture) {
    f.storage.enqueue(&some_runs("mail", AGED_MAX + 1)).await.expect("enqueued");
    let id = f.enqueue(a_run("mail").queue("z").priority(-5)).await;
    f.clock.advance(seconds(1));
    let count = async |limit| f.aged(QueueSelection::All, f.now(), limit).await.len();
    assert_eq!((count(0).await, count(1).await, count(7).await), (0, 1, 7));
    assert_eq!(count(usize::MAX).await, AGED_MAX);
    let distinct: std::collections::HashSet<_> = f.aged_now().await.into_iter().collect();
    assert_eq!(distinct.len(), AGED_MAX);
    // Those that are raised make room for the others.
    let mut rounds = 0;
    loop {
        let ids = f.aged(QueueSelection::All, f.now(), 400).await;
        if ids.is_empty() {
            break;
        }
        f.storage.alter(&ids, &Alteration::Prioritise(Priority::MAX)).await.expect("altered");
        rounds += 1;
    }
    assert_eq!(rounds, 3);
    assert_eq!(f.stored(id).await.priority, Priority::MAX);
}

pub(crate) async fn an_old_run_that_is_raised_goes_before_newer_urgent_ones(f: &Fixture) {
    let old = f.enqueue(a_run("mail").priority(-1_000)).await;
    f.clock.advance(seconds(1));
    f.enqueue(a_run("mail").priority(1_000)).await;
    let ids = f.aged_now().await;
    assert_eq!(ids, [old]);
    f.storage.alter(&ids, &Alteration::Prioritise(Priority::MAX)).await.expect("altered");
    assert!(f.aged_now().await.is_empty(), "it is raised");
    assert_eq!(f.claim_one().await.id, old);
}

pub(crate) async fn after_closing_nothing_is_old(f: &Fixture) {
    let request = AgedRequest {
        queues: QueueSelection::All,
        ready_before: f.now(),
        below: Priority::MAX,
        limit: 1,
    };
    f.storage.close().await.expect("closed");
    refused(f.storage.aged(&request).await, ErrorKind::Closed);
}
