//! Batches: their members' counts, their decisions and their callbacks.

use zapjobs_model::workflow::{Condition, decide as decide_wait};
use zapjobs_model::{
    Batch, BatchCounts, BatchId, BatchName, NewRun, RunId, RunStatus, Settlement, batch,
};
use zapjobs_storage::{
    AdvanceRequest, Alteration, BatchPageRequest, CreateBatchResult, ENDS_MAX, EnqueueResult,
    ErrorKind, NewBatch, Notice, PruneRequest, RunFilter, SettleResult,
};

use crate::Fixture;
use crate::actions::{completed, failed, refused, retry_in, snoozed, told};
use crate::builders::{MICROSECOND, RunBuilder, a_run, batch_id, queue, seconds, tenant};

pub(super) fn a_batch(number: u64) -> NewBatch {
    NewBatch {
        id: batch_id(number),
        tenant: tenant("default"),
        name: None,
        parent: None,
        on_complete: None,
        on_success: None,
    }
}

/// A batch whose callbacks have these ids.
fn with_callbacks(number: u64) -> (NewBatch, RunId, RunId) {
    let [complete, success] = [a_run("after").held().build(), a_run("well").held().build()];
    let ids = (complete.id, success.id);
    let (on_complete, on_success) = (Some(complete), Some(success));
    (NewBatch { on_complete, on_success, ..a_batch(number) }, ids.0, ids.1)
}

const fn counts(unfinished: u64, completed: u64, failed: u64, cancelled: u64) -> BatchCounts {
    let total = unfinished + completed + failed + cancelled;
    BatchCounts { total, unfinished, completed, failed, cancelled }
}

impl Fixture {
    pub(super) async fn create(&self, batch: NewBatch) -> BatchId {
        let id = batch.id;
        let answer = self.storage.create_batch(batch).await.expect("the batch is created");
        assert_eq!(answer, CreateBatchResult::Created);
        id
    }

    async fn close(&self, id: BatchId) {
        assert!(self.storage.close_batch(id).await.expect("the batch is closed"));
    }

    pub(super) async fn batch(&self, id: BatchId) -> Batch {
        let batch = self.storage.batch(id).await.expect("the batch is read");
        batch.unwrap_or_else(|| panic!("batch {id} is not there"))
    }

    async fn counted(&self, id: BatchId) -> BatchCounts {
        self.batch(id).await.counts
    }

    /// The batches about which something is due, by id.
    async fn batches_due(&self) -> Vec<BatchId> {
        let due = self.storage.ended_batches(ENDS_MAX).await.expect("they are listed");
        let mut due: Vec<BatchId> = due.into_iter().map(|batch| batch.id).collect();
        due.sort_unstable();
        due
    }

    async fn decided(&self, id: BatchId, settlement: Settlement) -> SettleResult {
        self.storage.settle_batch(id, settlement).await.expect("the decision is answered")
    }

    /// Decides all that is due, as hosts do.
    async fn settle_all(&self) {
        while let [first, ..] = self.batches_due().await[..] {
            let settlement = batch::decide(&self.batch(first).await).expect("it is due");
            assert_eq!(self.decided(first, settlement).await, SettleResult::Settled);
        }
    }

    async fn statuses(&self, runs: [RunId; 2]) -> [RunStatus; 2] {
        [self.status(runs[0]).await, self.status(runs[1]).await]
    }

    async fn member(&self, id: BatchId) -> RunId {
        self.enqueue(a_run("mail").batch(id)).await
    }

    async fn alter_one(&self, run: RunId, alteration: Alteration) {
        self.storage.alter(&[run], &alteration).await.expect("the run is altered");
    }
}

pub(crate) async fn a_batch_is_created_open_and_without_members(f: &Fixture) {
    let name = BatchName::new("monthly report ü").ok();
    let (new, complete, success) = with_callbacks(1);
    let new = NewBatch { name: name.clone(), ..new };
    let id = f.create(new).await;
    let expected = Batch {
        id,
        tenant: tenant("default"),
        name,
        parent: None,
        created_at: f.now(),
        is_closed: false,
        counts: BatchCounts::default(),
        completed_at: None,
        succeeded_at: None,
        on_complete: Some(complete),
        on_success: Some(success),
    };
    assert_eq!(f.batch(id).await, expected);
    assert_eq!(f.statuses([complete, success]).await, [RunStatus::Held; 2]);
    assert_eq!(f.storage.batch(batch_id(2)).await.expect("answered"), None);
    assert_eq!(f.batches_due().await, []);
}

pub(crate) async fn a_repeated_creation_leaves_the_batch_as_it_is(f: &Fixture) {
    let parent = f.create(a_batch(9)).await;
    let id = f.create(NewBatch { parent: Some(parent), ..a_batch(1) }).await;
    f.member(id).await;
    f.close(id).await;
    let before = f.batch(id).await;
    let (again, complete, _) = with_callbacks(1);
    let again = NewBatch { parent: Some(parent), ..again };
    let answer = f.storage.create_batch(again).await.expect("answered");
    assert_eq!(answer, CreateBatchResult::Duplicate);
    assert_eq!(f.batch(id).await, before);
    assert!(!f.holds(complete).await);
    assert_eq!(f.counted(parent).await, counts(1, 0, 0, 0));
}

pub(crate) async fn members_are_counted_as_they_stand(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    f.settled(a_run("mail").batch(id), completed()).await;
    f.settled(a_run("mail").batch(id), failed("broken")).await;
    let waiting = f.enqueue(a_run("mail").batch(id).due_in(seconds(60))).await;
    assert_eq!(f.counted(id).await, counts(1, 1, 1, 0));
    f.storage.request_cancel(waiting).await.expect("cancelled");
    assert_eq!(f.counted(id).await, counts(0, 1, 1, 1));
    let held = f.enqueue(a_run("mail").batch(id).held()).await;
    assert_eq!(f.counted(id).await, counts(1, 1, 1, 1));
    f.alter_one(held, Alteration::Cancel).await;
    assert_eq!(f.counted(id).await, counts(0, 1, 1, 2));
    f.settled(a_run("mail"), completed()).await;
    assert_eq!(f.counted(id).await, counts(0, 1, 1, 2), "others are not");
}

pub(crate) async fn a_member_that_waits_again_is_unfinished(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let run = f.running(a_run("mail").batch(id)).await;
    f.settle(&run, retry_in(seconds(5))).await;
    f.clock.advance(seconds(5));
    f.storage.promote(10).await.expect("promoted");
    f.settle(&f.claim_one().await, snoozed(seconds(5))).await;
    assert_eq!(f.counted(id).await, counts(1, 0, 0, 0));
    f.alter_one(run.id, Alteration::RunNow).await;
    let run = f.claim_one().await;
    assert_eq!(run.batch, Some(id));
    f.settle(&run, completed()).await;
    assert_eq!(f.counted(id).await, counts(0, 1, 0, 0));
}

pub(crate) async fn a_repeated_submission_is_counted_once(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let run = a_run("mail").batch(id).build();
    let twice = [run.clone(), run.clone()];
    let answers = f.storage.enqueue(&twice).await.expect("stored");
    assert_eq!(answers, [EnqueueResult::Stored, EnqueueResult::Duplicate]);
    f.storage.enqueue(&twice).await.expect("answered");
    assert_eq!(f.counted(id).await, counts(1, 0, 0, 0));
    f.close(id).await;
    let answers = f.storage.enqueue(&[run]).await.expect("of one that is stored nothing is asked");
    assert_eq!(answers, [EnqueueResult::Duplicate]);
}

pub(crate) async fn a_member_that_is_skipped_counts_as_cancelled(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let parent = f.running(a_run("mail").batch(id)).await;
    let child = f.enqueue(a_run("next").batch(id).after(parent.id, Condition::Success)).await;
    f.settle(&parent, failed("broken")).await;
    let step = decide_wait(parent.id, RunStatus::Failed, Condition::Success, 0);
    let steps = vec![(child, step)];
    let request = AdvanceRequest { parent: parent.id, status: RunStatus::Failed, steps };
    f.storage.advance(request).await.expect("advanced");
    assert_eq!(f.counted(id).await, counts(0, 0, 1, 1));
}

pub(crate) async fn a_batch_that_takes_no_members_refuses_the_whole_call(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let foreign = f.create(NewBatch { tenant: tenant("acme"), ..a_batch(2) }).await;
    f.member(id).await;
    f.close(id).await;
    for wrong in [id, foreign, batch_id(3)] {
        let [good, bad] = [a_run("mail").build(), a_run("mail").batch(wrong).build()];
        refused(f.storage.enqueue(&[good.clone(), bad]).await, ErrorKind::InvalidRequest);
        assert!(!f.holds(good.id).await);
        let linked = a_run("next").batch(wrong).after(good.id, Condition::Success).build();
        let answer = f.storage.enqueue(&[good.clone(), linked]).await;
        refused(answer, ErrorKind::InvalidRequest);
        assert!(!f.holds(good.id).await);
        let nested = NewBatch { parent: Some(wrong), ..a_batch(4) };
        refused(f.storage.create_batch(nested).await, ErrorKind::InvalidRequest);
        assert_eq!(f.storage.batch(batch_id(4)).await.expect("read"), None);
    }
    assert_eq!(f.counted(id).await, counts(1, 0, 0, 0));
}

pub(crate) async fn a_batch_and_a_key_do_not_go_together(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let [key, member] = [a_run("mail").idempotency("once").build(), a_run("mail").build()];
    let both = NewRun { batch: Some(id), ..key.clone() };
    refused(f.storage.enqueue(&[both]).await, ErrorKind::InvalidRequest);
    let member = NewRun { batch: Some(id), ..member };
    refused(f.storage.enqueue(&[key, member]).await, ErrorKind::InvalidRequest);
    assert_eq!(f.counted(id).await, BatchCounts::default());
}

pub(crate) async fn a_batch_is_due_once_it_is_closed_and_all_have_ended(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let run = f.running(a_run("mail").batch(id)).await;
    f.close(id).await;
    f.close(id).await;
    assert!(f.batch(id).await.is_closed);
    assert_eq!(f.batches_due().await, []);
    f.settle(&run, completed()).await;
    assert_eq!(f.batches_due().await, [id]);
    assert!(!f.storage.close_batch(batch_id(2)).await.expect("answered"));
    let ended_first = f.create(a_batch(3)).await;
    f.settled(a_run("mail").batch(ended_first), completed()).await;
    assert_eq!(f.batches_due().await, [id]);
    f.close(ended_first).await;
    assert_eq!(f.batches_due().await, [id, ended_first]);
}

pub(crate) async fn a_batch_without_members_is_due_once_it_is_closed(f: &Fixture) {
    let (new, complete, success) = with_callbacks(1);
    let id = f.create(new).await;
    f.close(id).await;
    assert_eq!(f.batches_due().await, [id]);
    f.settle_all().await;
    assert_eq!(f.statuses([complete, success]).await, [RunStatus::Pending; 2]);
}

pub(crate) async fn success_lets_both_callbacks_go(f: &Fixture) {
    let (new, complete, success) = with_callbacks(1);
    let id = f.create(new).await;
    let run = f.running(a_run("mail").batch(id)).await;
    f.close(id).await;
    f.settle(&run, completed()).await;
    f.clock.advance(seconds(1));
    let mut notices = f.storage.subscribe();
    let settled = f.decided(id, Settlement::CompleteWithSuccess).await;
    assert_eq!(settled, SettleResult::Settled);
    told(&mut notices, Notice::Ready(queue("default"))).await;
    assert_eq!(f.statuses([complete, success]).await, [RunStatus::Pending; 2]);
    assert_eq!(f.stored(complete).await.due_at, f.now());
    let batch = f.batch(id).await;
    assert_eq!((batch.completed_at, batch.succeeded_at), (Some(f.now()), Some(f.now())));
    assert_eq!(f.batches_due().await, []);
}

pub(crate) async fn a_member_that_did_not_complete_keeps_success_away(f: &Fixture) {
    let (new, complete, success) = with_callbacks(1);
    let id = f.create(new).await;
    let run = f.member(id).await;
    f.close(id).await;
    f.storage.request_cancel(run).await.expect("cancelled");
    assert_eq!(f.decided(id, Settlement::Complete).await, SettleResult::Settled);
    let expected = [RunStatus::Pending, RunStatus::Held];
    assert_eq!(f.statuses([complete, success]).await, expected);
    let batch = f.batch(id).await;
    assert_eq!((batch.completed_at, batch.succeeded_at), (Some(f.now()), None));
    assert_eq!(f.batches_due().await, []);
}

pub(crate) async fn a_decision_is_written_once_and_only_where_it_is_called_for(f: &Fixture) {
    use Settlement::{Complete, CompleteWithSuccess, LateSuccess};
    let id = f.create(a_batch(1)).await;
    for settlement in [Complete, CompleteWithSuccess, LateSuccess] {
        assert_eq!(f.decided(id, settlement).await, SettleResult::Changed, "it is open");
        assert_eq!(f.decided(batch_id(7), settlement).await, SettleResult::NotFound);
    }
    let run = f.running(a_run("mail").batch(id)).await;
    f.close(id).await;
    assert_eq!(f.decided(id, Complete).await, SettleResult::Changed, "one is unfinished");
    f.settle(&run, failed("broken")).await;
    assert_eq!(f.decided(id, CompleteWithSuccess).await, SettleResult::Changed);
    assert_eq!(f.decided(id, LateSuccess).await, SettleResult::Changed);
    assert_eq!(f.batch(id).await.completed_at, None);
    assert_eq!(f.decided(id, Complete).await, SettleResult::Settled);
    assert_eq!(f.decided(id, Complete).await, SettleResult::Changed, "it was written before");
}

pub(crate) async fn a_failed_member_that_runs_again_can_make_a_success_of_it(f: &Fixture) {
    let (new, complete, success) = with_callbacks(1);
    let id = f.create(new).await;
    let run = f.running(a_run("mail").batch(id)).await;
    f.close(id).await;
    f.settle(&run, failed("broken")).await;
    f.settle_all().await;
    let completed_at = f.batch(id).await.completed_at;
    f.storage.request_cancel(complete).await.expect("out of the way");
    f.clock.advance(seconds(5));
    f.storage.requeue(run.id).await.expect("requeued");
    assert_eq!(f.counted(id).await, counts(1, 0, 0, 0));
    assert_eq!(f.batches_due().await, []);
    f.settle(&f.claim_one().await, completed()).await;
    assert_eq!(f.batches_due().await, [id]);
    assert_eq!(f.decided(id, Settlement::LateSuccess).await, SettleResult::Settled);
    let expected = [RunStatus::Cancelled, RunStatus::Pending];
    assert_eq!(f.statuses([complete, success]).await, expected, "complete is not let go again");
    let batch = f.batch(id).await;
    assert_eq!((batch.completed_at, batch.succeeded_at), (completed_at, Some(f.now())));
    assert_eq!(batch.counts, counts(0, 1, 0, 0));
}

pub(crate) async fn a_member_that_runs_again_in_time_puts_the_decision_off(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let run = f.member(id).await;
    f.close(id).await;
    f.storage.request_cancel(run).await.expect("cancelled");
    assert_eq!(f.batches_due().await, [id]);
    f.alter_one(run, Alteration::Requeue { input: None }).await;
    assert_eq!(f.batches_due().await, []);
    assert_eq!(f.decided(id, Settlement::Complete).await, SettleResult::Changed);
    assert_eq!(f.counted(id).await, counts(1, 0, 0, 0));
}

pub(crate) async fn a_callback_that_is_held_no_more_stays_as_it_is(f: &Fixture) {
    let (new, complete, success) = with_callbacks(1);
    let id = f.create(new).await;
    f.storage.request_cancel(complete).await.expect("cancelled");
    f.alter_one(complete, Alteration::Delete).await;
    f.storage.request_cancel(success).await.expect("cancelled");
    f.close(id).await;
    f.settle_all().await;
    assert!(f.batch(id).await.succeeded_at.is_some());
    assert_eq!(f.status(success).await, RunStatus::Cancelled);
}

pub(crate) async fn a_callback_is_a_held_run_of_its_own(f: &Fixture) {
    let held = || a_run("after").held();
    let other = f.create(a_batch(9)).await;
    let first = f.enqueue(a_run("mail")).await;
    let wrong = [
        a_run("after"),
        held().tenant("acme"),
        held().batch(other),
        held().after(first, Condition::Success),
        held().idempotency("once"),
    ];
    for callback in wrong.map(RunBuilder::build) {
        let new = NewBatch { on_success: Some(callback.clone()), ..a_batch(1) };
        refused(f.storage.create_batch(new).await, ErrorKind::InvalidRequest);
        assert!(!f.holds(callback.id).await);
    }
    let one = held().build();
    let new = NewBatch { on_success: Some(one.clone()), on_complete: Some(one), ..a_batch(1) };
    refused(f.storage.create_batch(new).await, ErrorKind::InvalidRequest);
    let own_parent = NewBatch { parent: Some(batch_id(1)), ..a_batch(1) };
    refused(f.storage.create_batch(own_parent).await, ErrorKind::InvalidRequest);
}

pub(crate) async fn a_nested_batch_is_one_member_of_its_parent(f: &Fixture) {
    let outer = f.create(a_batch(1)).await;
    let inner = f.create(NewBatch { parent: Some(outer), ..a_batch(2) }).await;
    let failing = f.create(NewBatch { parent: Some(outer), ..a_batch(3) }).await;
    f.close(outer).await;
    f.settled(a_run("mail").batch(inner), completed()).await;
    let run = f.settled(a_run("mail").batch(failing), failed("broken")).await;
    f.close(inner).await;
    f.close(failing).await;
    assert_eq!(f.counted(outer).await, counts(2, 0, 0, 0), "nothing is decided yet");
    assert_eq!(f.batches_due().await, [inner, failing]);
    f.decided(inner, Settlement::CompleteWithSuccess).await;
    f.decided(failing, Settlement::Complete).await;
    assert_eq!(f.counted(outer).await, counts(0, 1, 1, 0));
    assert_eq!(f.batches_due().await, [outer]);
    assert_eq!(f.decided(outer, Settlement::Complete).await, SettleResult::Settled);
    f.storage.requeue(run.id).await.expect("requeued");
    f.settle(&f.claim_one().await, completed()).await;
    assert_eq!(f.batches_due().await, [failing]);
    f.decided(failing, Settlement::LateSuccess).await;
    assert_eq!(f.counted(outer).await, counts(0, 2, 0, 0));
    assert_eq!(f.decided(outer, Settlement::LateSuccess).await, SettleResult::Settled);
}

pub(crate) async fn a_member_that_is_deleted_stays_counted(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let pruned = f.settled(a_run("mail").batch(id), completed()).await;
    f.clock.advance(seconds(5));
    let request = PruneRequest { finished_before: f.now(), limit: 10 };
    f.storage.prune(request).await.expect("pruned");
    let deleted = f.settled(a_run("mail").batch(id), failed("broken")).await;
    f.alter_one(deleted.id, Alteration::Delete).await;
    assert!(!f.holds(pruned.id).await && !f.holds(deleted.id).await);
    assert_eq!(f.counted(id).await, counts(0, 1, 1, 0));
    let filter = RunFilter { batch: Some(id), ..RunFilter::default() };
    assert_eq!(f.list(filter).await, []);
}

pub(crate) async fn members_are_found_by_their_batch(f: &Fixture) {
    let [one, other] = [f.create(a_batch(1)).await, f.create(a_batch(2)).await];
    let first = f.member(one).await;
    f.enqueue(a_run("mail")).await;
    f.member(other).await;
    let second = f.enqueue(a_run("next").batch(one).due_in(seconds(9))).await;
    let third = f.member(one).await;
    let filter = RunFilter { batch: Some(one), ..RunFilter::default() };
    assert_eq!(f.list(filter.clone()).await, [third, second, first]);
    let page = f.page(filter.clone(), Some(third), 1).await;
    assert_eq!(page.runs[0].id, second);
    let stored = f.storage.counts(&filter).await.expect("counted");
    assert_eq!((stored.pending, stored.scheduled), (2, 1));
    let scheduled = RunFilter { statuses: vec![RunStatus::Scheduled], ..filter.clone() };
    assert_eq!(f.list(scheduled).await, [second]);
    let both = RunFilter { tenant: Some(tenant("acme")), ..filter };
    assert_eq!(f.list(both).await, []);
}

pub(crate) async fn batches_are_listed_newest_first(f: &Fixture) {
    let outer = f.create(a_batch(1)).await;
    let acme = f.create(NewBatch { tenant: tenant("acme"), ..a_batch(2) }).await;
    let inner = f.create(NewBatch { parent: Some(outer), ..a_batch(3) }).await;
    let last = f.create(a_batch(4)).await;
    let listed = async |request: BatchPageRequest| {
        let page = f.storage.batches(request).await.expect("they are listed");
        (page.batches.iter().map(|batch| batch.id).collect::<Vec<_>>(), page.next)
    };
    let all = BatchPageRequest { limit: 10, ..BatchPageRequest::default() };
    assert_eq!(listed(all.clone()).await, (vec![last, inner, acme, outer], None));
    let two = BatchPageRequest { limit: 2, ..all.clone() };
    assert_eq!(listed(two.clone()).await, (vec![last, inner], Some(inner)));
    let rest = BatchPageRequest { after: Some(inner), ..two };
    assert_eq!(listed(rest).await, (vec![acme, outer], None));
    let standard = BatchPageRequest { tenant: Some(tenant("default")), ..all.clone() };
    assert_eq!(listed(standard).await, (vec![last, inner, outer], None));
    let nested = BatchPageRequest { parent: Some(outer), ..all.clone() };
    assert_eq!(listed(nested.clone()).await, (vec![inner], None));
    let foreign = BatchPageRequest { tenant: Some(tenant("acme")), ..nested };
    assert_eq!(listed(foreign).await, (vec![], None));
    let none = BatchPageRequest { limit: 0, ..all };
    refused(f.storage.batches(none).await, ErrorKind::InvalidRequest);
}

pub(crate) async fn only_batches_that_are_over_are_deleted(f: &Fixture) {
    let [over, later, open] =
        [f.create(a_batch(1)).await, f.create(a_batch(2)).await, f.create(a_batch(3)).await];
    let run = f.settled(a_run("mail").batch(over), failed("broken")).await;
    f.close(over).await;
    f.settle_all().await;
    f.clock.advance(seconds(1));
    f.close(later).await;
    f.settle_all().await;
    let finished = async |before| {
        let request = PruneRequest { finished_before: before, limit: 10 };
        let batches = f.storage.finished_batches(request).await.expect("they are listed");
        batches.into_iter().map(|batch| batch.id).collect::<Vec<_>>()
    };
    assert_eq!(finished(f.now()).await, [over], "before, not at");
    assert_eq!(finished(f.now().plus(MICROSECOND)).await, [over, later]);
    f.storage.requeue(run.id).await.expect("requeued");
    assert_eq!(finished(f.now()).await, [], "it runs again");
    let all = [over, later, open, batch_id(8)];
    assert_eq!(f.storage.delete_batches(&all).await.expect("deleted"), 1);
    assert_eq!(f.storage.batch(later).await.expect("read"), None);
    f.settle(&f.claim_one().await, completed()).await;
    f.settle_all().await;
    assert_eq!(f.storage.delete_batches(&all).await.expect("deleted"), 1);
    assert!(f.holds(run.id).await);
    let listed = BatchPageRequest { limit: 10, ..BatchPageRequest::default() };
    let page = f.storage.batches(listed).await.expect("they are listed");
    assert_eq!(page.batches.iter().map(|batch| batch.id).collect::<Vec<_>>(), [open]);
}

pub(crate) async fn members_of_a_batch_that_is_gone_end_like_others(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let run = f.settled(a_run("mail").batch(id), failed("broken")).await;
    f.close(id).await;
    f.settle_all().await;
    assert_eq!(f.storage.delete_batches(&[id]).await.expect("deleted"), 1);
    f.storage.requeue(run.id).await.expect("requeued");
    f.settle(&f.claim_one().await, completed()).await;
    assert_eq!(f.status(run.id).await, RunStatus::Completed);
    assert_eq!(f.storage.batch(id).await.expect("read"), None);
    assert_eq!(f.batches_due().await, []);
}
