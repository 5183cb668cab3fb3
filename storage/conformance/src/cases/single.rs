//! One run at a time, with every reason why not told apart: what `SingleRunError` says on this
//! driver. A record that cannot be read is each driver's own to test.

use zapjobs_model::{Lease, Run, RunId, RunStatus, Transition};
use zapjobs_storage::{ErrorKind, SingleRunError as E};

use super::claim_run::wish;
use crate::Fixture;
use crate::actions::{completed, failed, retry_in};
use crate::builders::{a_run, run_id, seconds, worker};

impl Fixture {
    async fn update(&self, transition: &Transition) -> Result<(), E> {
        self.storage.update_run(transition).await
    }

    async fn end_singly(&self, run: &Run) -> Result<(), E> {
        self.update(&self.transition(run, completed())).await
    }

    async fn take(&self, run: RunId) -> Result<Run, E> {
        self.storage.take_run(wish(run)).await.map(|claimed| claimed.run)
    }
}

/// Expects a refusal, in this way.
macro_rules! refused_as {
    ($answer:expr, $pattern:pat $(if $guard:expr)?) => {
        match $answer {
            Err($pattern) $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}", stringify!($pattern $(if $guard)?)),
        }
    };
}

pub(crate) async fn one_run_goes_from_creation_to_its_end(f: &Fixture) {
    let new = a_run("mail").with_everything().build();
    let (id, expected) = (new.id, Run::from_new(new.clone(), f.now()));
    f.storage.create_run(new).await.expect("it is new");
    assert_eq!(f.storage.read_run(&id.to_string()).await.expect("it is there"), expected);
    let running = f.take(id).await.expect("it is pending");
    assert_eq!(f.stored(id).await, running);
    f.end_singly(&running).await.expect("it is running");
    assert_eq!(f.status(id).await, RunStatus::Completed);
}

pub(crate) async fn what_is_created_twice_exists_already(f: &Fixture) {
    let new = a_run("mail").build();
    f.storage.create_run(new.clone()).await.expect("it is new");
    let stored = f.stored(new.id).await;
    let other = zapjobs_model::NewRun { max_attempts: 99, ..new.clone() };
    refused_as!(f.storage.create_run(other).await, E::AlreadyExists(id) if id == new.id);
    assert_eq!(f.stored(new.id).await, stored, "it stays as it is");
}

pub(crate) async fn a_text_that_is_no_id_is_refused(f: &Fixture) {
    for text in ["", "mail", "1790000000-0000-7000-8000-000000000001", "'; --"] {
        refused_as!(f.storage.read_run(text).await, E::InvalidId(said) if said == text);
    }
    let long = "x".repeat(10_000);
    refused_as!(f.storage.read_run(&long).await, E::InvalidId(said) if said.len() < 200);
}

pub(crate) async fn an_unknown_run_is_neither_read_taken_nor_updated(f: &Fixture) {
    let id = run_id(1);
    let running = f.running(a_run("mail")).await;
    let unknown = Run { id, ..running };
    refused_as!(f.storage.read_run(&id.to_string()).await, E::NotFound(said) if said == id);
    refused_as!(f.take(id).await, E::NotFound(said) if said == id);
    refused_as!(f.end_singly(&unknown).await, E::NotFound(said) if said == id);
    assert!(!f.holds(id).await);
}

pub(crate) async fn a_run_of_another_worker_is_already_assigned(f: &Fixture) {
    let id = f.running(a_run("mail")).await.id;
    refused_as!(
        f.take(id).await,
        E::AlreadyAssigned { run, worker: owner } if run == id && owner == worker(1)
    );
}

pub(crate) async fn a_run_that_ended_has_the_wrong_status_to_be_taken(f: &Fixture) {
    let id = f.settled(a_run("mail"), failed("broken")).await.id;
    refused_as!(
        f.take(id).await,
        E::WrongStatus { run, status: RunStatus::Failed } if run == id
    );
}

pub(crate) async fn a_run_that_waits_for_its_time_is_not_due(f: &Fixture) {
    let scheduled = f.enqueue(a_run("mail").due_in(seconds(9))).await;
    let retrying = f.settled(a_run("mail"), retry_in(seconds(5))).await.id;
    for (id, wait) in [(scheduled, seconds(9)), (retrying, seconds(5))] {
        let end = f.now().plus(wait);
        refused_as!(f.take(id).await, E::NotDue { run, due_at } if run == id && due_at == end);
    }
    f.clock.advance(seconds(9));
    for id in [scheduled, retrying] {
        f.take(id).await.expect("its time has come");
    }
}

pub(crate) async fn an_attempt_that_was_claimed_anew_is_stale(f: &Fixture) {
    let old = f.settled(a_run("mail"), zapjobs_model::Outcome::Lost).await;
    let new = f.take(old.id).await.expect("it is pending again");
    refused_as!(f.end_singly(&old).await, E::StaleLease(id) if id == old.id);
    assert_eq!(f.stored(old.id).await, new);
}

pub(crate) async fn a_stale_lease_is_found_before_a_wrong_status(f: &Fixture) {
    let ended = f.settled(a_run("mail"), completed()).await;
    let stale = Run { lease: Lease(9), ..ended.clone() };
    refused_as!(f.end_singly(&stale).await, E::StaleLease(id) if id == ended.id);
    refused_as!(f.end_singly(&ended).await, E::WrongStatus { status: RunStatus::Completed, .. });
}

pub(crate) async fn an_attempt_that_ended_or_was_put_back_has_the_wrong_status(f: &Fixture) {
    let never_claimed = f.enqueue(a_run("mail").due_in(seconds(9))).await;
    let never_claimed = f.stored(never_claimed).await;
    let ended = f.settled(a_run("mail"), failed("broken")).await;
    let retrying = f.settled(a_run("mail"), retry_in(seconds(5))).await;
    let put_back = f.settled(a_run("mail"), zapjobs_model::Outcome::Lost).await;
    for before in [never_claimed, ended, retrying, put_back] {
        refused_as!(
            f.end_singly(&before).await,
            E::WrongStatus { run, status } if run == before.id && status == before.status
        );
        assert_eq!(f.stored(before.id).await, before, "nothing changes");
    }
}

pub(crate) async fn a_wrong_status_is_found_before_a_wish_to_stop(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.storage.request_cancel(run.id).await.expect("requested");
    f.end_singly(&run).await.expect("an end is allowed");
    let late = f.transition(&run, retry_in(seconds(1)));
    refused_as!(f.update(&late).await, E::WrongStatus { status: RunStatus::Completed, .. });
}

pub(crate) async fn an_update_that_would_make_a_run_wait_yields_to_a_wish_to_stop(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.storage.request_cancel(run.id).await.expect("requested");
    let retry = f.transition(&run, retry_in(seconds(1)));
    refused_as!(f.update(&retry).await, E::CancelRequested(id) if id == run.id);
    assert_eq!(f.status(run.id).await, RunStatus::Running);
}

pub(crate) async fn an_update_that_leaves_a_run_running_is_invalid(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let unsettled = Transition { status: RunStatus::Running, ..f.transition(&run, completed()) };
    refused_as!(f.update(&unsettled).await, E::InvalidRun(_));
    assert_eq!(f.stored(run.id).await, run);
}

pub(crate) async fn a_failure_of_the_storage_is_told_as_such(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    f.storage.close().await.expect("closed");
    let answers = [
        f.storage.create_run(a_run("mail").build()).await,
        f.storage.read_run(&run.id.to_string()).await.map(drop),
        f.take(run.id).await.map(drop),
        f.end_singly(&run).await,
    ];
    for answer in answers {
        refused_as!(answer, E::Storage(error) if error.kind() == ErrorKind::Closed);
    }
}
