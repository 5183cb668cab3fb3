//! Runs in the order in which they ended.

use zapjobs_model::{Condition, RunId, RunStatus, Timestamp};
use zapjobs_storage::{
    ENDINGS_MAX, Ending, EndingPlace, EndingsRequest, ErrorKind, PruneRequest, RequeueResult,
};

use crate::Fixture;
use crate::actions::{completed, failed, refused, retry_in};
use crate::builders::{MICROSECOND, a_run, seconds, some_runs};

impl Fixture {
    async fn endings(&self, after: Option<EndingPlace>, limit: usize) -> Vec<Ending> {
        let request = EndingsRequest { after, before: None, limit };
        self.storage.endings(&request).await.expect("listed")
    }

    async fn all_endings(&self) -> Vec<Ending> {
        self.endings(None, ENDINGS_MAX).await
    }
}

fn runs(endings: &[Ending]) -> Vec<RunId> {
    endings.iter().map(|ending| ending.run).collect()
}

pub(crate) async fn endings_stand_in_the_order_of_time_and_then_of_ids(f: &Fixture) {
    let [first, second, third, fourth] = f
        .enqueue_all([
            a_run("mail").id(4),
            a_run("mail").id(3),
            a_run("mail").id(2),
            a_run("mail").id(1),
        ])
        .await;
    let claimed = f.claim(4).await;
    let run = |id| claimed.iter().map(|it| &it.run).find(|run| run.id == id).expect("claimed");
    f.settle(run(third), completed()).await;
    f.clock.advance(seconds(1));
    f.settle(run(second), failed("broken")).await;
    f.settle(run(first), completed()).await;
    assert_eq!(runs(&f.all_endings().await), [third, second, first], "{fourth} still runs");
}

pub(crate) async fn every_way_to_end_is_an_ending(f: &Fixture) {
    let parent = f.enqueue(a_run("mail").tenant("acme").queue("fast").id(1)).await;
    let skipped = f.enqueue(a_run("mail").after(parent, Condition::Success).id(2)).await;
    let running = f.claim_one().await;
    f.clock.advance(seconds(1));
    f.settle(&running, failed("broken")).await;
    let expected = Ending {
        run: parent,
        lease: running.lease,
        tenant: running.tenant.clone(),
        job_type: running.job_type.clone(),
        queue: running.queue.clone(),
        status: RunStatus::Failed,
        ended_at: f.now(),
    };
    assert_eq!(f.all_endings().await, [expected]);
    f.clock.advance(seconds(1));
    f.storage.request_cancel(skipped).await.expect("cancelled");
    f.clock.advance(seconds(1));
    let done = f.settled(a_run("mail").id(3), completed()).await;
    let waits = f.settled(a_run("mail").id(4), retry_in(seconds(60))).await;
    assert_eq!(f.status(waits.id).await, RunStatus::AwaitingRetry);
    let endings = f.all_endings().await;
    assert_eq!(runs(&endings), [parent, skipped, done.id]);
    let statuses: Vec<RunStatus> = endings.iter().map(|ending| ending.status).collect();
    assert_eq!(statuses, [RunStatus::Failed, RunStatus::Cancelled, RunStatus::Completed]);
    for ending in endings {
        assert_eq!(Ending::of(&f.stored(ending.run).await), Some(ending));
    }
}

pub(crate) async fn a_look_goes_on_behind_the_last_ending_even_among_many_of_one_instant(
    f: &Fixture,
) {
    let new = some_runs("mail", ENDINGS_MAX + 50);
    f.storage.enqueue(&new).await.expect("enqueued");
    let claimed = f.claim(ENDINGS_MAX + 50).await;
    let ends: Vec<_> = claimed
        .iter()
        .enumerate()
        .map(|(at, it)| {
            let outcome = if at % 3 == 0 { failed("broken") } else { completed() };
            f.transition(&it.run, outcome)
        })
        .collect();
    f.storage.apply(&ends).await.expect("applied");
    let mut expected: Vec<RunId> = new.iter().map(|run| run.id).collect();
    expected.sort();
    assert_eq!(f.endings(None, usize::MAX).await.len(), ENDINGS_MAX, "a greater limit is that");
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = f.endings(after, 400).await;
        assert!(page.len() <= 400);
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        found.extend(runs(&page));
    }
    assert_eq!(found, expected);
    assert!(f.endings(None, 0).await.is_empty());
}

pub(crate) async fn only_endings_before_an_instant_are_answered(f: &Fixture) {
    let early = f.settled(a_run("mail"), completed()).await;
    let at = f.now();
    f.clock.advance(MICROSECOND);
    let late = f.settled(a_run("mail"), completed()).await;
    let before = async |instant: Timestamp| {
        let request = EndingsRequest { after: None, before: Some(instant), limit: 9 };
        runs(&f.storage.endings(&request).await.expect("listed"))
    };
    assert!(before(at).await.is_empty());
    assert_eq!(before(at.plus(MICROSECOND)).await, [early.id]);
    assert_eq!(before(at.plus(seconds(1))).await, [early.id, late.id]);
}

pub(crate) async fn a_run_that_is_asked_to_run_again_has_not_ended(f: &Fixture) {
    let run = f.settled(a_run("mail"), failed("broken")).await;
    let first = f.all_endings().await;
    assert_eq!(f.storage.requeue(run.id).await.expect("requeued"), RequeueResult::Requeued);
    assert!(f.all_endings().await.is_empty());
    f.clock.advance(seconds(1));
    let again = f.claim_one().await;
    f.settle(&again, completed()).await;
    let second = f.all_endings().await;
    assert_eq!(runs(&second), [run.id]);
    assert!(second[0].lease > first[0].lease, "it is told apart from the first");
    assert_eq!(f.endings(Some(first[0].place()), 9).await, second);
}

pub(crate) async fn a_place_holds_though_its_run_is_deleted(f: &Fixture) {
    f.settled(a_run("mail").id(1), completed()).await;
    let place = f.all_endings().await[0].place();
    f.clock.advance(seconds(1));
    let request = PruneRequest { finished_before: f.now(), limit: 9 };
    assert_eq!(f.storage.prune(request).await.expect("pruned"), 1);
    assert!(f.endings(Some(place), 9).await.is_empty());
    let next = f.settled(a_run("mail").id(2), completed()).await;
    assert_eq!(runs(&f.endings(Some(place), 9).await), [next.id]);
}

pub(crate) async fn after_closing_there_are_no_endings(f: &Fixture) {
    f.storage.close().await.expect("closed");
    let request = EndingsRequest { after: None, before: None, limit: 1 };
    refused(f.storage.endings(&request).await, ErrorKind::Closed);
}
