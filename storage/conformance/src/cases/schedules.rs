//! Schedules: kept by revision, and found when due.

use zapjobs_model::{
    CalendarName, JobSchedule, MissedPolicy, OnExcluded, OverlapPolicy, Priority, Schedule,
    Timestamp,
};
use zapjobs_storage::{DuePlace, SCHEDULES_MAX, SchedulePageRequest, WriteResult};

use crate::Fixture;
use crate::builders::{
    MICROSECOND, a_schedule, json, queue, run_id, schedule_key, seconds, tag, tenant,
};

use WriteResult::{Conflict, Written};

impl Fixture {
    pub(super) async fn put_schedule(&self, schedule: &JobSchedule) -> JobSchedule {
        let put = self.storage.put_schedules(std::slice::from_ref(schedule)).await;
        assert_eq!(put.expect("the schedule is stored"), [Written]);
        JobSchedule { revision: schedule.revision + 1, ..schedule.clone() }
    }

    async fn put_all(&self, schedules: &[JobSchedule]) -> Vec<WriteResult> {
        self.storage.put_schedules(schedules).await.expect("the schedules are answered")
    }

    pub(super) async fn schedule(&self, tenant_name: &str, name: &str) -> Option<JobSchedule> {
        let key = schedule_key(tenant_name, name);
        self.storage.schedule(&key).await.expect("the schedule is read")
    }

    pub(super) async fn due(&self, limit: usize) -> Vec<String> {
        let due = self.storage.due_schedules(None, limit).await.expect("the due are listed");
        due.schedules.into_iter().map(|schedule| schedule.key.to_string()).collect()
    }

    pub(super) async fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        self.storage.next_due_after(instant).await.expect("the next fire time is read")
    }
}

pub(crate) async fn a_schedule_that_was_never_put_is_absent(f: &Fixture) {
    assert_eq!(f.schedule("acme", "mail").await, None);
    assert!(f.due(10).await.is_empty());
    assert_eq!(f.next_after(f.now()).await, None);
}

pub(crate) async fn every_field_of_a_schedule_survives(f: &Fixture) {
    let full = JobSchedule {
        rule: Schedule::cron("30 4 * * MON-FRI", "Europe/Lisbon").expect("a schedule"),
        input: Some(json(r#"{"n":1.50,"text":"\u0000 ü"}"#)),
        queue: Some(queue("mail.out")),
        priority: Priority::new(-7).expect("a priority"),
        tags: vec![tag("z"), tag("a b")],
        missed: MissedPolicy::FireAll { max: 7 },
        tolerance_ms: 1_234,
        overlap: OverlapPolicy::CancelRunning,
        declared: Some(Schedule::every_ms(1_500).expect("a schedule")),
        overridden: true,
        last_fire_at: Some(f.now().minus(seconds(1))),
        last_run: Some(run_id(3)),
        held: Some(f.now()),
        look_at: Some(f.now().plus(seconds(1))),
        skipped: u64::from(u32::MAX) + 1,
        calendars: vec![CalendarName::new("holidays").expect("a name")],
        on_excluded: OnExcluded::NextOpenTime,
        problem: Some("line one\nline \u{1} two; 'quoted'".to_owned()),
        ..a_schedule("acme", "mail", f.now().plus(seconds(9)))
    };
    let stored = f.put_schedule(&full).await;
    assert_eq!(stored.revision, 1);
    assert_eq!(f.schedule("acme", "mail").await, Some(stored));
    for rule in [
        Schedule::Once { at: f.now() },
        Schedule::Interval { every_ms: 5_000, start: Some(f.now().plus(MICROSECOND)) },
    ] {
        let plain = JobSchedule { rule, ..a_schedule("acme", "plain", f.now()) };
        let revision = f.schedule("acme", "plain").await.map_or(0, |stored| stored.revision);
        let stored = f.put_schedule(&JobSchedule { revision, ..plain }).await;
        assert_eq!(f.schedule("acme", "plain").await, Some(stored));
    }
}

pub(crate) async fn a_schedule_is_written_over_the_revision_it_carries(f: &Fixture) {
    let new = a_schedule("acme", "mail", f.now());
    let first = f.put_schedule(&new).await;
    assert_eq!(f.put_all(std::slice::from_ref(&new)).await, [Conflict], "it is there already");
    let changed = JobSchedule { enabled: false, ..first.clone() };
    let second = f.put_schedule(&changed).await;
    assert_eq!(second.revision, 2);
    assert_eq!(f.put_all(&[changed]).await, [Conflict], "it was written meanwhile");
    assert_eq!(f.schedule("acme", "mail").await, Some(second));
    let unknown = JobSchedule { revision: 4, ..a_schedule("acme", "other", f.now()) };
    assert_eq!(f.put_all(&[unknown]).await, [Conflict]);
    assert_eq!(f.schedule("acme", "other").await, None);
}

pub(crate) async fn each_schedule_of_a_batch_is_answered_by_itself(f: &Fixture) {
    let known = f.put_schedule(&a_schedule("b", "known", f.now())).await;
    let stale = JobSchedule { revision: 9, ..known.clone() };
    let one = a_schedule("b", "one", f.now());
    let batch = [stale, one.clone(), a_schedule("a", "two", f.now()), one, known];
    assert_eq!(f.put_all(&batch[..4]).await, [Conflict, Written, Written, Conflict]);
    assert_eq!(f.put_all(&batch[4..]).await, [Written]);
    assert_eq!(f.put_all(&[]).await, []);
    assert_eq!(f.due(10).await, ["a/two", "b/known", "b/one"]);
}

pub(crate) async fn a_schedule_of_another_revision_is_not_deleted(f: &Fixture) {
    let key = schedule_key("acme", "mail");
    let stored = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    f.put_schedule(&a_schedule("acme", "mail-2", f.now())).await;
    let delete =
        async |revision| f.storage.delete_schedule(&key, revision).await.expect("answered");
    assert_eq!(delete(0).await, Conflict);
    assert_eq!(delete(2).await, Conflict);
    assert_eq!(f.schedule("acme", "mail").await, Some(stored));
    assert_eq!(delete(1).await, Written);
    assert_eq!(delete(1).await, Conflict, "it is gone");
    assert_eq!(f.schedule("acme", "mail").await, None);
    assert_eq!(f.due(10).await, ["acme/mail-2"]);
}

pub(crate) async fn schedules_are_listed_page_by_page(f: &Fixture) {
    let names = [("b", "a"), ("a", "b"), ("a", "a"), ("a-", "c"), ("a", "B"), ("a.b", "x")];
    let new = names.map(|(tenant, name)| a_schedule(tenant, name, f.now()));
    f.put_all(&new).await;
    let list = async |tenant_name: Option<&str>, limit| {
        let tenant = tenant_name.map(tenant);
        let (mut listed, mut pages, mut after) = (Vec::new(), 0, None);
        loop {
            let request = SchedulePageRequest { tenant: tenant.clone(), after, limit };
            let page = f.storage.schedules(&request).await.expect("listed");
            assert!(page.schedules.len() <= limit);
            listed.extend(page.schedules.into_iter().map(|schedule| schedule.key.to_string()));
            pages += 1;
            after = page.next;
            if after.is_none() {
                return (listed, pages);
            }
        }
    };
    let all = ["a/B", "a/a", "a/b", "a-/c", "a.b/x", "b/a"];
    for limit in [1, 2, 3, 4, 7, SCHEDULES_MAX + 1] {
        assert_eq!(list(None, limit).await.0, all, "by {limit}");
        assert_eq!(list(Some("a"), limit).await.0, all[..3], "by {limit}");
        assert_eq!(list(Some("a-"), limit).await.0, all[3..4], "by {limit}");
    }
    assert_eq!(list(None, 4).await.1, 2);
    assert!(list(Some("c"), 4).await.0.is_empty());
    let elsewhere = |after| SchedulePageRequest {
        tenant: Some(tenant("a.b")),
        after: Some(schedule_key(after, "z")),
        limit: 9,
    };
    let behind = f.storage.schedules(&elsewhere("b")).await.expect("listed");
    assert_eq!(behind.schedules, []);
    let before = f.storage.schedules(&elsewhere("a")).await.expect("listed");
    assert_eq!(before.schedules.len(), 1);
}

pub(crate) async fn due_schedules_come_earliest_first_then_by_key(f: &Fixture) {
    let now = f.now();
    let earlier = now.minus(seconds(5));
    for (tenant, name, due) in
        [("b", "a", now), ("a", "z", now), ("a", "b", now), ("z", "late", earlier)]
    {
        f.put_schedule(&a_schedule(tenant, name, due)).await;
    }
    assert_eq!(f.due(10).await, ["z/late", "a/b", "a/z", "b/a"]);
    assert_eq!(f.due(2).await, ["z/late", "a/b"]);
    assert!(f.due(0).await.is_empty());
}

pub(crate) async fn due_schedules_are_listed_page_by_page(f: &Fixture) {
    let now = f.now();
    let names = ["a", "a-b", "a.b", "b", "c"];
    let due = names.map(|name| a_schedule("acme", name, now));
    f.put_all(&due).await;
    f.put_all(&["0", "x"].map(|name| a_schedule("acme", name, now.minus(MICROSECOND)))).await;
    f.put_schedule(&a_schedule("acme", "later", now.plus(MICROSECOND))).await;
    for limit in 1..8 {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = f.storage.due_schedules(after.as_ref(), limit).await.expect("listed");
            listed.extend(page.schedules.into_iter().map(|it| it.key.name.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, ["0", "x", "a", "a-b", "a.b", "b", "c"], "by {limit}");
    }
    // A place that nothing stands at any more, or never stood at.
    let place = DuePlace { due_at: now, key: schedule_key("acme", "a-") };
    let page = f.storage.due_schedules(Some(&place), 2).await.expect("listed");
    let names: Vec<_> = page.schedules.iter().map(|it| it.key.name.as_str()).collect();
    assert_eq!(names, ["a-b", "a.b"]);
    assert_eq!(f.due(9).await.len(), 7, "looking leaves no trace");
}

pub(crate) async fn a_schedule_is_due_from_its_very_instant_on(f: &Fixture) {
    f.put_schedule(&a_schedule("acme", "mail", f.now().plus(seconds(1)))).await;
    f.clock.advance(seconds(1) - MICROSECOND);
    assert!(f.due(10).await.is_empty());
    f.clock.advance(MICROSECOND);
    assert_eq!(f.due(10).await, ["acme/mail"]);
}

pub(crate) async fn due_schedules_come_whole(f: &Fixture) {
    let stored = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let page = f.storage.due_schedules(None, 10).await.expect("listed");
    assert_eq!((page.schedules, page.next), (vec![stored], None));
}

pub(crate) async fn what_will_not_fire_is_never_due(f: &Fixture) {
    let past = f.now().minus(seconds(1));
    f.put_all(&[
        JobSchedule { enabled: false, ..a_schedule("acme", "off", past) },
        JobSchedule { next_fire_at: None, ..a_schedule("acme", "over", past) },
    ])
    .await;
    assert!(f.due(10).await.is_empty());
    assert_eq!(f.next_after(past.minus(seconds(1))).await, None);
}

pub(crate) async fn a_schedule_that_waits_for_its_run_is_due_when_it_is_looked_at(f: &Fixture) {
    let looked = JobSchedule {
        held: Some(f.now()),
        look_at: Some(f.now().plus(seconds(1))),
        ..a_schedule("acme", "mail", f.now().plus(seconds(60)))
    };
    f.put_schedule(&looked).await;
    assert_eq!(f.next_after(f.now()).await, looked.look_at);
    f.clock.advance(seconds(1));
    assert_eq!(f.due(10).await, ["acme/mail"]);
}

pub(crate) async fn the_next_fire_time_is_the_earliest_after_an_instant(f: &Fixture) {
    let now = f.now();
    for (name, seconds_ahead) in [("b", 9), ("a", 5), ("c", 7)] {
        f.put_schedule(&a_schedule("acme", name, now.plus(seconds(seconds_ahead)))).await;
    }
    assert_eq!(f.next_after(now).await, Some(now.plus(seconds(5))));
    assert_eq!(f.next_after(now.plus(seconds(5))).await, Some(now.plus(seconds(7))));
    assert_eq!(f.next_after(now.plus(seconds(9))).await, None);
    assert_eq!(f.next_after(now.minus(seconds(99))).await, Some(now.plus(seconds(5))));
}

pub(crate) async fn turning_a_schedule_off_stops_it(f: &Fixture) {
    let on = f.put_schedule(&a_schedule("acme", "mail", f.now())).await;
    let off = f.put_schedule(&JobSchedule { enabled: false, ..on }).await;
    assert!(f.due(10).await.is_empty());
    f.put_schedule(&JobSchedule { enabled: true, ..off }).await;
    assert_eq!(f.due(10).await, ["acme/mail"]);
}
