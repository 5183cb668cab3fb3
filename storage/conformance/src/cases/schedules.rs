//! Schedules that fire.

use zapjobs_model::{JobDefinition, Run, RunStatus, Timestamp};
use zapjobs_storage::{FireRequest, FireResult};

use crate::Fixture;
use crate::builders::{
    MICROSECOND, RunBuilder, a_definition, a_run, a_schedule, key, run_id, seconds,
};

impl Fixture {
    async fn due(&self, limit: usize) -> Vec<String> {
        let due = self.storage.due_definitions(limit).await.expect("the due are listed");
        due.into_iter().map(|definition| definition.key.to_string()).collect()
    }

    async fn next_fire_time(&self) -> Option<Timestamp> {
        self.storage.next_fire_time().await.expect("the next fire time is read")
    }

    /// Fires `acme/mail`.
    async fn fire(&self, due: Timestamp, next: Option<Timestamp>, run: RunBuilder) -> FireResult {
        let run = run.tenant("acme").build();
        let request = FireRequest { key: key("acme", "mail"), due, next, run };
        self.storage.fire(request).await.expect("the fire time is answered")
    }
}

pub(crate) async fn due_definitions_come_earliest_first_then_by_key(f: &Fixture) {
    let now = f.now();
    f.put(&[
        a_schedule("a", "late", now),
        a_schedule("b", "early", now.minus(seconds(9))),
        a_schedule("b", "middle", now.minus(seconds(5))),
        a_schedule("a", "middle", now.minus(seconds(5))),
    ])
    .await;
    assert_eq!(f.due(10).await, ["b/early", "a/middle", "b/middle", "a/late"]);
}

pub(crate) async fn a_definition_is_due_from_its_very_instant_on(f: &Fixture) {
    f.put(&[a_schedule("acme", "mail", f.now().plus(MICROSECOND))]).await;
    assert!(f.due(10).await.is_empty());
    f.clock.advance(MICROSECOND);
    assert_eq!(f.due(10).await, ["acme/mail"]);
}

pub(crate) async fn due_definitions_come_whole(f: &Fixture) {
    let definition = a_schedule("acme", "mail", f.now());
    f.put(std::slice::from_ref(&definition)).await;
    assert_eq!(f.storage.due_definitions(10).await.expect("listed"), [definition]);
}

pub(crate) async fn what_cannot_fire_is_never_due(f: &Fixture) {
    let past = f.now().minus(seconds(60));
    f.put(&[
        JobDefinition { enabled: false, ..a_schedule("acme", "disabled", past) },
        JobDefinition { digest: None, ..a_schedule("acme", "without-digest", past) },
        a_definition("acme", "without-time"),
    ])
    .await;
    assert!(f.due(10).await.is_empty());
    assert_eq!(f.next_fire_time().await, None);
}

pub(crate) async fn the_limit_on_due_definitions_is_kept(f: &Fixture) {
    let now = f.now();
    f.put(&[3, 1, 2].map(|age| a_schedule("a", &format!("age-{age}"), now.minus(seconds(age)))))
        .await;
    assert_eq!(f.due(2).await, ["a/age-3", "a/age-2"]);
}

pub(crate) async fn the_next_fire_time_is_the_earliest(f: &Fixture) {
    let now = f.now();
    f.put(&[
        a_schedule("a", "later", now.plus(seconds(60))),
        a_schedule("a", "sooner", now.plus(seconds(5))),
        JobDefinition { enabled: false, ..a_schedule("a", "disabled", now) },
        JobDefinition { digest: None, ..a_schedule("a", "without-digest", now) },
    ])
    .await;
    assert_eq!(f.next_fire_time().await, Some(now.plus(seconds(5))));
}

pub(crate) async fn a_fire_time_that_has_passed_is_still_the_next(f: &Fixture) {
    let past = f.now().minus(seconds(60));
    f.put(&[a_schedule("acme", "mail", past)]).await;
    assert_eq!(f.next_fire_time().await, Some(past));
}

pub(crate) async fn disabling_a_schedule_stops_it(f: &Fixture) {
    f.put(&[a_schedule("acme", "mail", f.now())]).await;
    let next = Some(f.now());
    f.storage.set_enabled(&key("acme", "mail"), false, next).await.expect("disabled");
    assert!(f.due(10).await.is_empty());
    f.storage.set_enabled(&key("acme", "mail"), true, next).await.expect("enabled");
    assert_eq!(f.due(10).await, ["acme/mail"]);
}

pub(crate) async fn firing_stores_the_run_and_moves_the_schedule(f: &Fixture) {
    let due = f.now();
    let next = Some(due.plus(seconds(60)));
    let before = a_schedule("acme", "mail", due);
    f.put(std::slice::from_ref(&before)).await;
    f.clock.advance(seconds(1));
    let run = a_run("mail").with_everything().build();
    let request = FireRequest { key: key("acme", "mail"), due, next, run: run.clone() };
    assert_eq!(f.storage.fire(request).await.expect("answered"), FireResult::Fired);

    assert_eq!(f.stored(run.id).await, Run::from_new(run, f.now()));
    let expected = JobDefinition { last_run_at: Some(due), next_run_at: next, ..before };
    assert_eq!(f.definition("acme", "mail").await, Some(expected));
    assert!(f.due(10).await.is_empty());
}

pub(crate) async fn a_fired_run_can_be_claimed(f: &Fixture) {
    f.put(&[a_schedule("acme", "mail", f.now())]).await;
    f.fire(f.now(), None, a_run("mail").id(1)).await;
    assert_eq!(f.claim_one().await.id, run_id(1));
}

pub(crate) async fn a_time_fires_once(f: &Fixture) {
    let due = f.now();
    let next = Some(due.plus(seconds(60)));
    f.put(&[a_schedule("acme", "mail", due)]).await;
    assert_eq!(f.fire(due, next, a_run("mail").id(1)).await, FireResult::Fired);
    let before = f.definition("acme", "mail").await;
    assert_eq!(f.fire(due, next, a_run("mail").id(2)).await, FireResult::Superseded);
    assert!(!f.holds(run_id(2)).await, "nothing is written");
    assert_eq!(f.definition("acme", "mail").await, before);
}

pub(crate) async fn a_schedule_that_moved_meanwhile_does_not_fire(f: &Fixture) {
    let due = f.now();
    f.put(&[a_schedule("acme", "mail", due.plus(MICROSECOND))]).await;
    assert_eq!(f.fire(due, None, a_run("mail").id(1)).await, FireResult::Superseded);
    assert!(!f.holds(run_id(1)).await);
    assert_eq!(f.next_fire_time().await, Some(due.plus(MICROSECOND)));
}

pub(crate) async fn a_disabled_schedule_does_not_fire(f: &Fixture) {
    let due = f.now();
    f.put(&[JobDefinition { enabled: false, ..a_schedule("acme", "mail", due) }]).await;
    assert_eq!(f.fire(due, None, a_run("mail").id(1)).await, FireResult::Superseded);
    assert!(!f.holds(run_id(1)).await);
}

pub(crate) async fn an_unknown_definition_does_not_fire(f: &Fixture) {
    assert_eq!(f.fire(f.now(), None, a_run("mail").id(1)).await, FireResult::Superseded);
    assert!(!f.holds(run_id(1)).await);
}

pub(crate) async fn firing_for_the_last_time_ends_the_schedule(f: &Fixture) {
    let due = f.now();
    f.put(&[a_schedule("acme", "mail", due)]).await;
    assert_eq!(f.fire(due, None, a_run("mail").id(1)).await, FireResult::Fired);
    assert_eq!(f.next_fire_time().await, None);
    assert_eq!(f.status(run_id(1)).await, RunStatus::Pending);
}

pub(crate) async fn firing_leaves_other_schedules_alone(f: &Fixture) {
    let due = f.now();
    let others = [a_schedule("acme", "other", due), a_schedule("b", "mail", due)];
    f.put(&[a_schedule("acme", "mail", due)]).await;
    f.put(&others).await;
    f.fire(due, None, a_run("mail")).await;
    assert_eq!(f.storage.due_definitions(10).await.expect("listed"), others);
}
