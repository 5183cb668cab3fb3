//! Changes of many runs at once.

use zapjobs_model::{Condition, Priority, Run, RunId, RunStatus, Trigger};
use zapjobs_storage::AlterResult::{Altered, NotFound, Requested, WrongStatus};
use zapjobs_storage::{AlterResult, Alteration, BATCH_MAX, Counts, ErrorKind, Notice, RunFilter};

use crate::Fixture;
use crate::actions::{completed, failed, refused, retry_in, told};
use crate::builders::{a_line, a_run, json, queue, run_id, seconds, tag, tenant};

impl Fixture {
    async fn alter(&self, runs: &[RunId], alteration: Alteration) -> Vec<AlterResult> {
        self.storage.alter(runs, &alteration).await.expect("the change is answered")
    }

    /// A run of each status, in the order of their numbers.
    async fn of_each_status(&self) -> Vec<Run> {
        let run = || a_run("mail").queue("q").tag("red");
        let done = self.settled(run(), completed()).await;
        let broken = self.settled(run(), failed("broken")).await;
        let cancelled = self.enqueue(run()).await;
        self.storage.request_cancel(cancelled).await.expect("cancelled");
        let retrying = self.settled(run(), retry_in(seconds(60))).await;
        let running = self.running(run()).await;
        let scheduled = self.enqueue(run().due_in(seconds(30))).await;
        let pending = self.enqueue(run()).await;
        let held = self.enqueue(run().held()).await;
        let mut runs = Vec::new();
        for id in [pending, scheduled, running.id, done.id, broken.id, cancelled, retrying.id, held]
        {
            runs.push(self.stored(id).await);
        }
        let statuses: Vec<RunStatus> = runs.iter().map(|run| run.status).collect();
        assert_eq!(statuses, RunStatus::ALL);
        runs
    }

    /// Makes a change to a run of each status, which must answer what the change says.
    async fn altered(&self, alteration: Alteration) -> Vec<(Run, Option<Run>)> {
        let runs = self.of_each_status().await;
        self.clock.advance(seconds(1));
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        let answers = self.alter(&ids, alteration.clone()).await;
        let mut altered = Vec::new();
        for (run, answer) in runs.into_iter().zip(answers) {
            let after = self.storage.run(run.id).await.expect("read");
            if alteration.takes(run.status) {
                let asked = run.status == RunStatus::Running;
                assert_eq!(answer, if asked { Requested } else { Altered }, "{}", run.status);
                altered.push((run, after));
            } else {
                assert_eq!(answer, WrongStatus(run.status));
                assert_eq!(after.as_ref(), Some(&run), "nothing changes");
            }
        }
        altered
    }
}

pub(crate) async fn runs_are_cancelled_together(f: &Fixture) {
    for (before, after) in f.altered(Alteration::Cancel).await {
        let after = after.expect("it stays");
        if before.status == RunStatus::Running {
            assert!(after.cancel_requested);
        } else {
            assert_eq!((after.status, after.finished_at), (RunStatus::Cancelled, Some(f.now())));
            assert_eq!(after.error.expect("it says why").error_type, "cancelled");
        }
    }
}

pub(crate) async fn runs_are_requeued_together(f: &Fixture) {
    for (before, after) in f.altered(Alteration::Requeue { input: None }).await {
        let after = after.expect("it stays");
        assert_eq!((after.status, after.due_at), (RunStatus::Pending, f.now()));
        assert_eq!((after.trigger, after.input), (Trigger::Retry, before.input));
        assert_eq!((after.error, after.finished_at, after.attempt), (None, None, 0));
    }
}

pub(crate) async fn runs_are_requeued_with_another_input(f: &Fixture) {
    let input = json("{\"mended\":1.50}");
    for (_, after) in f.altered(Alteration::Requeue { input: Some(input.clone()) }).await {
        assert_eq!(after.expect("it stays").input, input);
    }
    assert_eq!(f.claim(1).await.len(), 1);
}

pub(crate) async fn runs_that_ended_are_deleted_with_all_that_is_theirs(f: &Fixture) {
    let logged = f.settled(a_run("other").tag("blue"), completed()).await.id;
    f.storage.append_logs(&[a_line(logged, 1, 0)]).await.expect("noted");
    assert_eq!(f.alter(&[logged], Alteration::Delete).await, [Altered]);
    assert!(!f.holds(logged).await);
    assert_eq!(f.log(logged).await, [""; 0]);
    let blue = RunFilter { tag: Some(tag("blue")), ..RunFilter::default() };
    assert_eq!(f.list(blue).await, []);
    let gone = f.altered(Alteration::Delete).await;
    assert!(gone.iter().all(|(_, after)| after.is_none()) && gone.len() == 3);
    let counts = f.storage.counts(&RunFilter::default()).await.expect("counted");
    let expected = Counts {
        pending: 1,
        scheduled: 1,
        running: 1,
        awaiting_retry: 1,
        held: 1,
        ..Counts::default()
    };
    assert_eq!(counts, expected);
    assert_eq!(f.list(RunFilter::default()).await.len(), 5);
}

pub(crate) async fn waiting_runs_get_into_another_queue(f: &Fixture) {
    let moved = f.altered(Alteration::Move(queue("other"))).await;
    assert_eq!(moved.len(), 4);
    for (before, after) in moved {
        assert_eq!(after, Some(Run { queue: queue("other"), ..before }), "nothing else changes");
    }
    assert_eq!(f.claim_from(&["q"], 10).await, []);
    assert_eq!(f.claim_from(&["other"], 10).await.len(), 1);
    f.clock.advance(seconds(90));
    f.storage.promote(10).await.expect("promoted");
    assert_eq!(f.claim_from(&["other"], 10).await.len(), 2);
    assert_eq!(f.storage.waiting(&tenant("default"), 10).await.expect("counted"), 1);
}

pub(crate) async fn a_moved_run_is_told_in_its_new_queue(f: &Fixture) {
    let id = f.enqueue(a_run("mail").queue("q")).await;
    let mut notices = f.storage.subscribe();
    f.alter(&[id], Alteration::Move(queue("other"))).await;
    told(&mut notices, Notice::Ready(queue("other"))).await;
}

pub(crate) async fn waiting_runs_get_another_priority(f: &Fixture) {
    let priority = Priority::new(-7).expect("a good priority");
    let changed = f.altered(Alteration::Prioritise(priority)).await;
    assert_eq!(changed.len(), 4);
    for (before, after) in changed {
        assert_eq!(after, Some(Run { priority, ..before }), "nothing else changes");
    }
    let urgent = f.enqueue(a_run("mail")).await;
    assert_eq!(f.claim_one().await.id, urgent, "it stands before those that wait longer");
    let late = f.enqueue(a_run("mail").priority(-1_000)).await;
    f.alter(&[late], Alteration::Prioritise(Priority::MAX)).await;
    assert_eq!(f.claim_one().await.id, late);
}

pub(crate) async fn runs_that_wait_for_their_time_run_now(f: &Fixture) {
    let hurried = f.altered(Alteration::RunNow).await;
    assert_eq!(hurried.len(), 2);
    for (before, after) in hurried {
        let expected = Run { status: RunStatus::Pending, due_at: f.now(), ..before };
        assert_eq!(after, Some(expected), "nothing else changes");
    }
    assert_eq!(f.claim(10).await.len(), 3);
}

pub(crate) async fn a_cancelled_batch_notes_its_ends(f: &Fixture) {
    let parent = f.enqueue(a_run("mail")).await;
    let child = f.enqueue(a_run("next").after(parent, Condition::Always)).await;
    f.alter(&[parent], Alteration::Cancel).await;
    let ends = f.storage.ended_parents(10).await.expect("listed");
    assert_eq!((ends[0].run, ends[0].children[0].run), (parent, child));
    f.alter(&[parent], Alteration::Requeue { input: None }).await;
    assert_eq!(f.storage.ended_parents(10).await.expect("listed"), []);
}

pub(crate) async fn unknown_runs_are_answered_in_their_places(f: &Fixture) {
    let id = f.enqueue(a_run("mail")).await;
    let answers = f.alter(&[run_id(1), id, run_id(2)], Alteration::Cancel).await;
    assert_eq!(answers, [NotFound, Altered, NotFound]);
    assert_eq!(f.alter(&[], Alteration::Delete).await, []);
}

pub(crate) async fn two_thousand_runs_are_altered_in_one_call(f: &Fixture) {
    let runs: Vec<_> = (0..2_000).map(|_| a_run("mail").build()).collect();
    f.storage.enqueue(&runs).await.expect("stored");
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    assert!(f.alter(&ids, Alteration::Cancel).await.iter().all(|answer| *answer == Altered));
    assert!(f.alter(&ids, Alteration::Delete).await.iter().all(|answer| *answer == Altered));
    assert_eq!(f.list(RunFilter::default()).await, []);
}

pub(crate) async fn a_change_takes_no_more_than_a_batch_and_each_run_once(f: &Fixture) {
    let ids: Vec<RunId> = (0..=BATCH_MAX as u64).map(run_id).collect();
    refused(f.storage.alter(&ids, &Alteration::Cancel).await, ErrorKind::InvalidRequest);
    let twice = [run_id(1), run_id(1)];
    refused(f.storage.alter(&twice, &Alteration::Cancel).await, ErrorKind::InvalidRequest);
}
