//! Fire times become runs, each once.

use zapjobs_model::job_schedule::run_id_at;
use zapjobs_model::{Due, JobSchedule, NewRun, Run, RunStatus};
use zapjobs_storage::FireResult::{Fired, Superseded};
use zapjobs_storage::{FireRequest, FireResult};

use crate::Fixture;
use crate::builders::{a_run, a_schedule, json, queue, run_id, seconds};

impl Fixture {
    async fn fire(&self, schedule: &JobSchedule, runs: Vec<NewRun>) -> FireResult {
        let request = FireRequest { runs, schedule: schedule.clone() };
        let fired = self.storage.fire(&[request]).await.expect("the fire time is answered");
        assert_eq!(fired.len(), 1);
        fired[0]
    }
}

fn a_fired(id: u64) -> NewRun {
    a_run("mail").id(id).tenant("acme").build()
}

pub(crate) async fn firing_stores_the_run_and_moves_the_schedule(f: &Fixture) {
    let due = f.now();
    let before = f.put_schedule(&a_schedule("acme", "mail", due)).await;
    f.clock.advance(seconds(1));
    let run = a_run("mail").with_everything().build();
    let after = JobSchedule {
        last_fire_at: Some(due),
        last_run: Some(run.id),
        next_fire_at: Some(due.plus(seconds(60))),
        ..before
    };
    assert_eq!(f.fire(&after, vec![run.clone()]).await, Fired);
    assert_eq!(f.stored(run.id).await, Run::from_new(run, f.now()));
    let expected = JobSchedule { revision: after.revision + 1, ..after };
    assert_eq!(f.schedule("acme", "mail").await, Some(expected));
    assert!(f.due(10).await.is_empty());
    assert_eq!(f.next_after(f.now()).await, Some(due.plus(seconds(60))));
}

pub(crate) async fn several_fire_times_become_runs_together(f: &Fixture) {
    let before = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let waiting = NewRun { due: Due::In(seconds(5)), queue: queue("other"), ..a_fired(3) };
    assert_eq!(f.fire(&before, vec![a_fired(1), a_fired(2), waiting]).await, Fired);
    assert_eq!(f.status(run_id(2)).await, RunStatus::Pending);
    assert_eq!(f.status(run_id(3)).await, RunStatus::Scheduled);
}

pub(crate) async fn a_schedule_moves_on_without_a_run(f: &Fixture) {
    let before = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let after = JobSchedule { skipped: 1, next_fire_at: None, ..before };
    assert_eq!(f.fire(&after, Vec::new()).await, Fired);
    assert_eq!(f.schedule("acme", "mail").await.map(|it| it.skipped), Some(1));
    assert!(f.due(10).await.is_empty());
}

pub(crate) async fn a_fired_run_can_be_claimed(f: &Fixture) {
    let schedule = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    f.fire(&schedule, vec![a_fired(1)]).await;
    assert_eq!(f.claim_one().await.id, run_id(1));
}

pub(crate) async fn a_time_fires_once(f: &Fixture) {
    let schedule = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    assert_eq!(f.fire(&schedule, vec![a_fired(1)]).await, Fired);
    let before = f.schedule("acme", "mail").await;
    assert_eq!(f.fire(&schedule, vec![a_fired(2)]).await, Superseded);
    assert!(!f.holds(run_id(2)).await, "nothing is written");
    assert_eq!(f.schedule("acme", "mail").await, before);
}

pub(crate) async fn a_run_that_is_there_already_stands_for_its_fire_time(f: &Fixture) {
    let schedule = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let id = run_id_at(&schedule.key, f.now());
    let run = NewRun { id, ..a_fired(1) };
    let first = NewRun { input: json("1"), ..run.clone() };
    f.storage.enqueue(std::slice::from_ref(&first)).await.expect("stored");
    assert_eq!(f.fire(&schedule, vec![run, a_fired(2)]).await, Fired);
    assert_eq!(f.stored(id).await.input, first.input, "it is left as it is");
    assert!(f.holds(run_id(2)).await);
    assert_eq!(f.schedule("acme", "mail").await.map(|it| it.revision), Some(2));
}

pub(crate) async fn a_schedule_that_changed_meanwhile_does_not_fire(f: &Fixture) {
    let read = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let off = f.put_schedule(&JobSchedule { enabled: false, ..read.clone() }).await;
    assert_eq!(f.fire(&read, vec![a_fired(1)]).await, Superseded);
    assert!(!f.holds(run_id(1)).await);
    assert_eq!(f.schedule("acme", "mail").await, Some(off));
}

pub(crate) async fn an_unknown_schedule_does_not_fire(f: &Fixture) {
    for revision in [0, 1] {
        let unknown = JobSchedule { revision, ..a_schedule("acme", "mail", f.now()) };
        assert_eq!(f.fire(&unknown, vec![a_fired(1)]).await, Superseded);
    }
    assert!(!f.holds(run_id(1)).await);
    assert_eq!(f.schedule("acme", "mail").await, None);
}

pub(crate) async fn each_schedule_of_a_batch_fires_by_itself(f: &Fixture) {
    let request = |schedule: &JobSchedule, id| FireRequest {
        runs: vec![a_fired(id)],
        schedule: JobSchedule { next_fire_at: None, ..schedule.clone() },
    };
    let one = f.put_schedule(&a_schedule("acme", "one", f.now())).await;
    let two = f.put_schedule(&a_schedule("acme", "two", f.now())).await;
    let never_put = a_schedule("acme", "three", f.now());
    let batch = [request(&never_put, 1), request(&two, 2), request(&one, 3), request(&two, 4)];
    let fired = f.storage.fire(&batch).await.expect("answered");
    assert_eq!(fired, [Superseded, Fired, Fired, Superseded]);
    let mut stored = Vec::new();
    for id in 1..5 {
        stored.push(f.holds(run_id(id)).await);
    }
    assert_eq!(stored, [false, true, true, false]);
    assert_eq!(f.storage.fire(&[]).await.expect("answered"), []);
    assert!(f.due(10).await.is_empty());
}
