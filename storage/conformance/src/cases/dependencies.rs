//! Runs that wait for others.

use zapjobs_model::workflow::{Step, decide};
use zapjobs_model::{Blame, Condition, Dependency, Json, Outcome, Run, RunError, RunId, RunStatus};
use zapjobs_storage::AdvanceResult::{Changed, Done, Gone};
use zapjobs_storage::{
    Activity, AdvanceRequest, AdvanceResult, CancelResult, ENDS_MAX, EndedParent, EnqueueResult,
    ErrorKind, Notice, PruneRequest, ReleaseResult, Span, StatisticsRequest, WaitingChild,
};

use crate::Fixture;
use crate::actions::{a_failure, completed, failed, refused, told};
use crate::builders::{RunBuilder, a_run, json, queue, run_id, seconds};

const RELEASE: Step = Step::Release { input: None };

impl Fixture {
    async fn ends(&self) -> Vec<EndedParent> {
        let ends = self.storage.ended_parents(ENDS_MAX).await.expect("the ends are listed");
        ends.into_iter().filter(|end| !end.children.is_empty()).collect()
    }

    async fn advance(
        &self,
        parent: RunId,
        status: RunStatus,
        steps: Vec<(RunId, Step)>,
    ) -> Vec<AdvanceResult> {
        let request = AdvanceRequest { parent, status, steps };
        self.storage.advance(request).await.expect("the decisions are answered")
    }

    async fn waits_for(&self, run: RunId) -> Vec<Dependency> {
        self.storage.dependencies(run).await.expect("they are read")
    }

    async fn child(&self, parent: RunId) -> RunId {
        self.enqueue(a_run("next").after(parent, Condition::Success)).await
    }

    async fn completed(&self) -> RunId {
        self.settled(a_run("mail"), completed()).await.id
    }
}

fn skip(parent: RunId) -> Step {
    decide(parent, RunStatus::Failed, Condition::Success, 0)
}

fn waiting(run: RunId, on: Condition, others: u64) -> WaitingChild {
    WaitingChild { run, on, others }
}

pub(crate) async fn a_run_that_waits_for_others_is_held(f: &Fixture) {
    let parent = f.enqueue(a_run("mail")).await;
    let child = f.child(parent).await;
    assert_eq!(f.status(child).await, RunStatus::Held);
    assert_eq!(f.claim_one().await.id, parent);
    assert_eq!(f.claim(10).await, []);
}

pub(crate) async fn what_a_run_waits_for_is_answered(f: &Fixture) {
    let [a, b] = f.enqueue_all([a_run("mail"), a_run("mail")]).await;
    let run = a_run("next").after(b, Condition::Always).after(a, Condition::Failure);
    let child = f.enqueue(run).await;
    let expected = [
        Dependency { run: a, on: Condition::Failure },
        Dependency { run: b, on: Condition::Always },
    ];
    assert_eq!(f.waits_for(child).await, expected);
    assert_eq!(f.waits_for(a).await, []);
    assert_eq!(f.waits_for(run_id(1)).await, []);
}

pub(crate) async fn an_end_that_nobody_waits_for_is_not_noted(f: &Fixture) {
    f.completed().await;
    assert_eq!(f.storage.ended_parents(10).await.expect("listed"), []);
}

pub(crate) async fn an_end_is_noted_with_those_that_wait_for_it(f: &Fixture) {
    let other = f.enqueue(a_run("mail").queue("other")).await;
    let parent = f.enqueue(a_run("mail").priority(9)).await;
    let one = f.child(parent).await;
    let two = a_run("next").after(parent, Condition::Always).after(other, Condition::Success);
    let two = f.enqueue(two).await;
    assert_eq!(f.ends().await, []);
    let run = f.claim_one().await;
    f.settle(&run, completed()).await;
    let children = vec![waiting(one, Condition::Success, 0), waiting(two, Condition::Always, 1)];
    let end = EndedParent { run: parent, status: RunStatus::Completed, children };
    assert_eq!(f.ends().await, [end]);
}

pub(crate) async fn every_kind_of_end_is_noted(f: &Fixture) {
    let outcomes: [(Outcome, RunStatus); 3] = [
        (completed(), RunStatus::Completed),
        (failed("broken"), RunStatus::Failed),
        (Outcome::Cancelled(a_failure("asked")), RunStatus::Cancelled),
    ];
    let mut expected = Vec::new();
    for (outcome, status) in outcomes {
        f.clock.advance(seconds(1));
        let parent = f.running(a_run("mail")).await;
        f.child(parent.id).await;
        f.settle(&parent, outcome).await;
        expected.push((parent.id, status));
    }
    f.clock.advance(seconds(1));
    let waiting = f.enqueue(a_run("mail")).await;
    f.child(waiting).await;
    assert_eq!(f.storage.request_cancel(waiting).await.expect("answered"), CancelResult::Cancelled);
    expected.push((waiting, RunStatus::Cancelled));
    let ends = f.ends().await;
    let ends: Vec<_> = ends.iter().map(|end| (end.run, end.status)).collect();
    assert_eq!(ends, expected, "by when they were noted");
}

pub(crate) async fn an_end_is_told(f: &Fixture) {
    let parent = f.running(a_run("mail")).await;
    f.child(parent.id).await;
    let mut notices = f.storage.subscribe();
    f.settle(&parent, completed()).await;
    told(&mut notices, Notice::Ended).await;
    let other = f.enqueue(a_run("mail")).await;
    f.child(other).await;
    let mut notices = f.storage.subscribe();
    f.storage.request_cancel(other).await.expect("cancelled");
    told(&mut notices, Notice::Ended).await;
}

pub(crate) async fn a_run_that_had_ended_before_is_noted_at_once(f: &Fixture) {
    let parent = f.completed().await;
    let mut notices = f.storage.subscribe();
    let child = f.child(parent).await;
    told(&mut notices, Notice::Ended).await;
    let children = vec![waiting(child, Condition::Success, 0)];
    let end = EndedParent { run: parent, status: RunStatus::Completed, children };
    assert_eq!(f.ends().await, [end]);
}

pub(crate) async fn a_parent_may_stand_anywhere_in_the_batch(f: &Fixture) {
    let parent = a_run("mail").build();
    let early = a_run("next").after(parent.id, Condition::Success).build();
    let late = a_run("next").after(early.id, Condition::Success).build();
    let (early_id, late_id) = (early.id, late.id);
    let batch = [late, early, parent];
    let answers = f.storage.enqueue(&batch).await.expect("stored");
    assert_eq!(answers, [EnqueueResult::Stored; 3]);
    let run = f.claim_one().await;
    f.settle(&run, completed()).await;
    let ends = f.ends().await;
    assert_eq!(ends[0].children, [waiting(early_id, Condition::Success, 0)]);
    f.advance(run.id, RunStatus::Completed, vec![(early_id, RELEASE)]).await;
    let run = f.claim_one().await;
    assert_eq!(run.id, early_id);
    f.settle(&run, completed()).await;
    assert_eq!(f.ends().await[0].children, [waiting(late_id, Condition::Success, 0)]);
}

pub(crate) async fn an_unknown_parent_refuses_the_whole_batch(f: &Fixture) {
    let good = a_run("mail").build();
    let orphan = a_run("next").after(run_id(1), Condition::Success).build();
    let batch = [good.clone(), orphan.clone()];
    let error = f.storage.enqueue(&batch).await.expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    for name in [orphan.id, run_id(1)] {
        assert!(error.to_string().contains(&name.to_string()), "{error}");
    }
    assert!(!f.holds(good.id).await && !f.holds(orphan.id).await);
    assert_eq!(f.waits_for(orphan.id).await, []);
}

pub(crate) async fn a_circle_refuses_the_whole_batch(f: &Fixture) {
    let (a, b) = (a_run("mail").build(), a_run("mail").build());
    let of = |run: RunId| vec![Dependency { run, on: Condition::Success }];
    let batch = [
        zapjobs_model::NewRun { after: of(b.id), ..a.clone() },
        zapjobs_model::NewRun { after: of(a.id), ..b.clone() },
    ];
    let error = f.storage.enqueue(&batch).await.expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(error.to_string().contains("circle"), "{error}");
    assert!(!f.holds(a.id).await && !f.holds(b.id).await);
}

pub(crate) async fn a_parent_named_twice_is_refused(f: &Fixture) {
    let parent = f.enqueue(a_run("mail")).await;
    let twice =
        a_run("next").after(parent, Condition::Success).after(parent, Condition::Always).build();
    refused(f.storage.enqueue(&[twice]).await, ErrorKind::InvalidRequest);
}

pub(crate) async fn a_repeated_submission_waits_for_nothing_more(f: &Fixture) {
    let parent = f.running(a_run("mail")).await;
    let child = a_run("next").after(parent.id, Condition::Success).build();
    f.storage.enqueue(std::slice::from_ref(&child)).await.expect("stored");
    f.settle(&parent, completed()).await;
    f.advance(parent.id, RunStatus::Completed, vec![(child.id, RELEASE)]).await;
    let again = f.storage.enqueue(std::slice::from_ref(&child)).await.expect("answered");
    assert_eq!(again, [EnqueueResult::Duplicate]);
    assert_eq!(f.waits_for(child.id).await, []);
    assert_eq!(f.ends().await, []);
}

pub(crate) async fn a_run_is_released_once_it_waits_for_none(f: &Fixture) {
    let one = f.running(a_run("mail")).await;
    let two = f.running(a_run("mail")).await;
    let child = a_run("next")
        .queue("q")
        .after(one.id, Condition::Success)
        .after(two.id, Condition::Success);
    let child = f.enqueue(child).await;
    f.settle(&one, completed()).await;
    f.settle(&two, completed()).await;
    assert_eq!(f.advance(one.id, RunStatus::Completed, vec![(child, Step::Wait)]).await, [Done]);
    assert_eq!(f.status(child).await, RunStatus::Held);
    let mut notices = f.storage.subscribe();
    f.clock.advance(seconds(1));
    assert_eq!(f.advance(two.id, RunStatus::Completed, vec![(child, RELEASE)]).await, [Done]);
    told(&mut notices, Notice::Ready(queue("q"))).await;
    let stored = f.stored(child).await;
    assert_eq!((stored.status, stored.due_at), (RunStatus::Pending, f.now()));
    assert_eq!(f.ends().await, []);
    assert_eq!(f.claim_one().await.id, child);
}

pub(crate) async fn a_released_run_gets_its_new_input(f: &Fixture) {
    let parent = f.completed().await;
    let child = a_run("next").input("{\"a\":1}").after(parent, Condition::Success);
    let child = f.enqueue(child).await;
    let before = f.stored(child).await;
    let input = json("{\"a\":[\"\u{1F980}\",1.50]}");
    let step = Step::Release { input: Some(input.clone()) };
    assert_eq!(f.advance(parent, RunStatus::Completed, vec![(child, step)]).await, [Done]);
    let expected = Run { status: RunStatus::Pending, input, ..before };
    assert_eq!(f.stored(child).await, expected, "nothing else changes");
    assert_eq!(f.claim_one().await.input, expected.input);
}

pub(crate) async fn a_release_too_early_changes_nothing(f: &Fixture) {
    let parent = f.completed().await;
    let other = f.enqueue(a_run("mail")).await;
    let child = a_run("next").after(parent, Condition::Success).after(other, Condition::Success);
    let child = f.enqueue(child).await;
    let before = f.stored(child).await;
    assert_eq!(f.advance(parent, RunStatus::Completed, vec![(child, RELEASE)]).await, [Changed]);
    assert_eq!(f.stored(child).await, before);
    assert_eq!(f.waits_for(child).await.len(), 2);
    assert_eq!(f.ends().await.len(), 1);
}

pub(crate) async fn a_wait_for_nothing_changes_nothing(f: &Fixture) {
    let parent = f.completed().await;
    let child = f.child(parent).await;
    assert_eq!(f.advance(parent, RunStatus::Completed, vec![(child, Step::Wait)]).await, [Changed]);
    assert_eq!(f.waits_for(child).await.len(), 1);
}

pub(crate) async fn a_skipped_run_ends_and_its_own_end_is_noted(f: &Fixture) {
    let parent = f.settled(a_run("mail"), failed("broken")).await.id;
    let other = f.enqueue(a_run("mail")).await;
    let child = a_run("next").after(parent, Condition::Success).after(other, Condition::Success);
    let child = f.enqueue(child).await;
    let grandchild = f.child(child).await;
    f.clock.advance(seconds(1));
    let before = f.stored(child).await;
    let Step::End { error, .. } = skip(parent) else { panic!("it is skipped") };
    assert_eq!(f.advance(parent, RunStatus::Failed, vec![(child, skip(parent))]).await, [Done]);
    let expected = Run {
        status: RunStatus::Cancelled,
        finished_at: Some(f.now()),
        error: Some(error),
        ..before
    };
    assert_eq!(f.stored(child).await, expected, "nothing else changes");
    assert_eq!(f.waits_for(child).await, []);
    let children = vec![waiting(grandchild, Condition::Success, 0)];
    let end = EndedParent { run: child, status: RunStatus::Cancelled, children };
    assert_eq!(f.ends().await, [end]);
}

pub(crate) async fn a_run_that_cannot_begin_fails(f: &Fixture) {
    let parent = f.completed().await;
    let child = f.child(parent).await;
    let details = Some(json("[1]"));
    let error = RunError { details, ..RunError::new(Blame::Guest, "input", "it does not fit") };
    let step = Step::End { status: RunStatus::Failed, error: error.clone() };
    assert_eq!(f.advance(parent, RunStatus::Completed, vec![(child, step)]).await, [Done]);
    let stored = f.stored(child).await;
    assert_eq!((stored.status, stored.error), (RunStatus::Failed, Some(error)));
    let request = StatisticsRequest { span: Span::Total, latest: 1, tenant: None, queue: None };
    let counted = f.storage.statistics(request).await.expect("counted")[0].activity;
    let expected = Activity { enqueued: 2, started: 1, completed: 1, failed: 1, ..counted };
    assert_eq!(counted, expected);
    assert_eq!(counted.cancelled, 0);
}

pub(crate) async fn a_decision_is_written_once(f: &Fixture) {
    let parent = f.completed().await;
    let [one, two] = [f.child(parent).await, f.child(parent).await];
    let stranger = f.enqueue(a_run("mail").due_in(seconds(60))).await;
    let steps = vec![(one, RELEASE), (one, RELEASE), (stranger, RELEASE), (run_id(1), RELEASE)];
    assert_eq!(f.advance(parent, RunStatus::Completed, steps).await, [Done, Gone, Gone, Gone]);
    assert_eq!(f.advance(parent, RunStatus::Completed, vec![(one, RELEASE)]).await, [Gone]);
    assert_eq!(f.claim(10).await.len(), 1);
    assert_eq!(f.ends().await[0].children, [waiting(two, Condition::Success, 0)]);
}

pub(crate) async fn a_decision_about_another_end_changes_nothing(f: &Fixture) {
    let parent = f.completed().await;
    let child = f.child(parent).await;
    assert_eq!(f.advance(parent, RunStatus::Failed, vec![(child, RELEASE)]).await, [Changed]);
    assert_eq!(f.advance(child, RunStatus::Completed, vec![(child, RELEASE)]).await, [Changed]);
    assert_eq!(f.status(child).await, RunStatus::Held);
}

pub(crate) async fn the_end_goes_once_nobody_waits(f: &Fixture) {
    let parent = f.completed().await;
    let child = f.child(parent).await;
    f.storage.request_cancel(child).await.expect("cancelled");
    assert_eq!(f.advance(parent, RunStatus::Completed, vec![]).await, []);
    assert_eq!(f.storage.ended_parents(10).await.expect("listed"), []);
    let again = f.child(parent).await;
    assert_eq!(f.ends().await[0].children, [waiting(again, Condition::Success, 0)]);
    f.advance(parent, RunStatus::Completed, vec![]).await;
    assert_eq!(f.ends().await.len(), 1, "somebody waits");
}

pub(crate) async fn a_run_that_waits_for_others_is_not_released_otherwise(f: &Fixture) {
    let parent = f.enqueue(a_run("mail")).await;
    let child = f.child(parent).await;
    let answers = f.storage.release_runs(&[child]).await.expect("answered");
    assert_eq!(answers, [ReleaseResult::WrongStatus(RunStatus::Held)]);
    assert_eq!(f.status(child).await, RunStatus::Held);
}

pub(crate) async fn a_cancelled_run_waits_for_nothing_more(f: &Fixture) {
    let parent = f.running(a_run("mail")).await;
    let child = f.child(parent.id).await;
    f.storage.request_cancel(child).await.expect("cancelled");
    assert_eq!(f.waits_for(child).await, []);
    f.storage.requeue(child).await.expect("requeued");
    f.settle(&parent, failed("broken")).await;
    assert_eq!(f.ends().await, []);
    assert_eq!(
        f.advance(parent.id, RunStatus::Failed, vec![(child, skip(parent.id))]).await.len(),
        1
    );
    assert_eq!(f.claim_one().await.id, child, "who asks for it again gets it at once");
}

pub(crate) async fn a_retried_parent_takes_its_end_back(f: &Fixture) {
    let parent = f.settled(a_run("mail"), failed("broken")).await.id;
    let child = f.child(parent).await;
    assert_eq!(f.ends().await.len(), 1);
    f.storage.requeue(parent).await.expect("requeued");
    assert_eq!(f.ends().await, []);
    assert_eq!(f.advance(parent, RunStatus::Failed, vec![(child, skip(parent))]).await, [Changed]);
    f.settle(&f.claim_one().await, completed()).await;
    let children = vec![waiting(child, Condition::Success, 0)];
    let end = EndedParent { run: parent, status: RunStatus::Completed, children };
    assert_eq!(f.ends().await, [end]);
}

pub(crate) async fn a_child_released_before_its_time_is_scheduled(f: &Fixture) {
    let parent = f.completed().await;
    let child = a_run("next").due_in(seconds(30)).after(parent, Condition::Success);
    let child = f.enqueue(child).await;
    let due_at = f.now().plus(seconds(30));
    assert_eq!(f.status(child).await, RunStatus::Held);
    f.advance(parent, RunStatus::Completed, vec![(child, RELEASE)]).await;
    let stored = f.stored(child).await;
    assert_eq!((stored.status, stored.due_at), (RunStatus::Scheduled, due_at));
}

pub(crate) async fn a_thousand_children_come_in_parts(f: &Fixture) {
    let parent = f.completed().await;
    let children: Vec<RunBuilder> =
        (0..1_200).map(|_| a_run("next").after(parent, Condition::Success)).collect();
    let children: Vec<_> = children.into_iter().map(RunBuilder::build).collect();
    f.storage.enqueue(&children).await.expect("stored");
    let mut released = 0;
    while let Some(end) = f.ends().await.into_iter().next() {
        assert!(end.children.len() <= ENDS_MAX);
        let steps: Vec<_> = end.children.iter().map(|child| (child.run, RELEASE)).collect();
        let answers = f.advance(parent, end.status, steps).await;
        assert!(answers.iter().all(|answer| *answer == Done));
        released += answers.len();
    }
    assert_eq!(released, 1_200);
    assert_eq!(f.claim(2_000).await.len(), 1_200);
}

pub(crate) async fn a_run_that_waits_outlives_its_parents_record(f: &Fixture) {
    let parent = f.completed().await;
    let child = f.child(parent).await;
    f.clock.advance(seconds(60));
    let request = PruneRequest { finished_before: f.now(), limit: 10 };
    assert_eq!(f.storage.prune(request).await.expect("pruned"), 1);
    assert!(!f.holds(parent).await);
    assert_eq!(f.ends().await.len(), 1);
    assert_eq!(f.advance(parent, RunStatus::Completed, vec![(child, RELEASE)]).await, [Done]);
    assert_eq!(f.claim_one().await.id, child);
    let late = a_run("next").after(parent, Condition::Success).build();
    refused(f.storage.enqueue(&[late]).await, ErrorKind::InvalidRequest);
}

pub(crate) async fn advancing_takes_no_other_end_than_failed_or_cancelled(f: &Fixture) {
    let parent = f.completed().await;
    let child = f.child(parent).await;
    let error = RunError::new(Blame::Host, "odd", "odd");
    for status in [RunStatus::Completed, RunStatus::Pending, RunStatus::Held] {
        let steps = vec![(child, Step::End { status, error: error.clone() })];
        let request = AdvanceRequest { parent, status: RunStatus::Completed, steps };
        refused(f.storage.advance(request).await, ErrorKind::InvalidRequest);
    }
    assert_eq!(f.stored(child).await.input, Json::null());
}
