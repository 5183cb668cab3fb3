//! Schedules under calendars: what does not fire, what moves, what follows a change.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Bench, PATIENCE, describe, returning};
use zapjobs_model::schedule::calendar::Window;
use zapjobs_model::{
    Calendar, CalendarName, CalendarRules, DocumentKey, DocumentKind, DocumentName, JobSchedule,
    JobType, Json, OnExcluded, Run, Schedule, ScheduleKey, ScheduleName, TenantId, Timestamp,
};
use zapjobs_runtime::{CalendarError, HostOptions, ScheduleError};
use zapjobs_storage::{ManualClock, WriteResult};

/// 14:14 UTC on a Monday.
const START: Timestamp = Timestamp::from_micros(1_790_000_040_000_000);
const MINUTE: Duration = Duration::from_secs(60);

fn bench() -> (Bench, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    (Bench::on_clock(clock.clone()), clock)
}

fn name(name: &str) -> CalendarName {
    CalendarName::new(name).expect("a name")
}

fn key() -> ScheduleKey {
    ScheduleKey { tenant: TenantId::standard(), name: ScheduleName::new("it").expect("a name") }
}

/// Each minute, but for what the calendar `quiet` excludes.
fn a_schedule() -> JobSchedule {
    let rule = Schedule::every_ms(60_000).expect("a rule");
    let job = JobType::new("mail").expect("a name");
    JobSchedule { calendars: vec![name("quiet")], ..JobSchedule::new(key(), job, rule, START) }
}

/// Excludes two minutes from 14:15 on, each day.
fn quiet() -> Calendar {
    let window = Window { cron: "15 14 * * *".to_owned(), minutes: 2 };
    let rules = CalendarRules { windows: vec![window], ..CalendarRules::default() };
    Calendar::new(rules).expect("good rules")
}

fn open() -> Calendar {
    Calendar::new(CalendarRules::default()).expect("good rules")
}

impl Bench {
    async fn put_calendar(&self, calendar: Calendar) -> u64 {
        let put = self.client.put_calendar(&TenantId::standard(), &name("quiet"), calendar).await;
        put.expect("stored").schedules_moved
    }

    async fn schedule(&self) -> JobSchedule {
        self.client.schedule(&key()).await.expect("it is there")
    }

    async fn quiet_becomes(&self, wanted: impl Fn(&JobSchedule) -> bool) -> JobSchedule {
        self.schedule_becomes(&key(), wanted).await
    }
}

fn times(runs: &[Run]) -> Vec<&str> {
    let mut times: Vec<&str> =
        runs.iter().map(|run| run.metadata["scheduled-for"].as_str()).collect();
    times.sort_unstable();
    times
}

#[tokio::test]
async fn a_time_that_a_calendar_excludes_becomes_no_run() {
    let (bench, clock) = bench();
    bench.serve(describe("mail"), returning(Json::null())).await;
    bench.put_calendar(quiet()).await;
    let added = bench.client.add_schedule(a_schedule()).await.expect("added");
    assert_eq!(added.next_fire_at, Some(START.plus(3 * MINUTE)));
    let host = bench.host(HostOptions::default()).await;
    clock.advance(3 * MINUTE);
    let fired = bench.quiet_becomes(|it| it.last_run.is_some()).await;
    assert_eq!((fired.skipped, fired.next_fire_at), (0, Some(START.plus(4 * MINUTE))));
    assert_eq!(times(&bench.all_runs().await), ["2026-09-21T14:17:00Z"]);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_calendar_that_came_later_decides_when_the_time_has_come() {
    let (bench, clock) = bench();
    bench.serve(describe("mail"), returning(Json::null())).await;
    bench.put_calendar(quiet()).await;
    let added = bench.client.add_schedule(a_schedule()).await.expect("added");
    // As it was before the calendar excluded anything.
    let next_fire_at = Some(START.plus(MINUTE));
    let planned = JobSchedule { next_fire_at, ..added };
    bench.storage.put_schedules(&[planned]).await.expect("stored");
    let host = bench.host(HostOptions::default()).await;
    clock.advance(MINUTE);
    let moved = bench.quiet_becomes(|it| it.next_fire_at != next_fire_at).await;
    assert_eq!((moved.last_run, moved.next_fire_at), (None, Some(START.plus(3 * MINUTE))));
    assert!(bench.all_runs().await.is_empty());
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn several_times_that_move_to_one_instant_fire_once() {
    let (bench, clock) = bench();
    bench.serve(describe("mail"), returning(Json::null())).await;
    bench.put_calendar(quiet()).await;
    let schedule = JobSchedule { on_excluded: OnExcluded::NextOpenTime, ..a_schedule() };
    bench.client.add_schedule(schedule).await.expect("added");
    let host = bench.host(HostOptions::default()).await;
    clock.advance(3 * MINUTE + MINUTE / 2);
    let fired = bench.quiet_becomes(|it| it.last_run.is_some()).await;
    assert_eq!(fired.next_fire_at, Some(START.plus(4 * MINUTE)));
    assert_eq!(times(&bench.all_runs().await), ["2026-09-21T14:17:00Z"]);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn next_fire_times_follow_a_changed_calendar() {
    let (bench, _) = bench();
    bench.serve(describe("mail"), returning(Json::null())).await;
    bench.put_calendar(open()).await;
    bench.client.add_schedule(a_schedule()).await.expect("added");
    assert_eq!(bench.schedule().await.next_fire_at, Some(START.plus(MINUTE)));
    assert_eq!(bench.put_calendar(quiet()).await, 1);
    assert_eq!(bench.schedule().await.next_fire_at, Some(START.plus(3 * MINUTE)));
    assert_eq!(bench.put_calendar(quiet()).await, 0, "nothing else follows");
    assert_eq!(bench.put_calendar(open()).await, 1);
    assert_eq!(bench.schedule().await.next_fire_at, Some(START.plus(MINUTE)));
    let without = bench
        .client
        .change_schedule(&key(), |it, _| Ok(JobSchedule { calendars: Vec::new(), ..it }))
        .await
        .expect("changed");
    assert!(without.calendars.is_empty());
    assert_eq!(bench.put_calendar(quiet()).await, 0, "nobody names it");
}

#[tokio::test]
async fn unknown_calendars_and_those_that_leave_nothing_are_refused() {
    let (bench, _) = bench();
    bench.serve(describe("mail"), returning(Json::null())).await;
    let unknown = bench.client.add_schedule(a_schedule()).await;
    assert!(matches!(unknown, Err(ScheduleError::Calendar(CalendarError::NotFound(_)))));
    let never = CalendarRules { weekdays: vec!["MON-SUN".to_owned()], ..CalendarRules::default() };
    let never = Calendar::new(never).expect("good rules");
    let put = bench.client.put_calendar(&TenantId::standard(), &name("quiet"), never).await;
    assert!(matches!(put, Err(CalendarError::Invalid(_))), "{put:?}");
    bench.put_calendar(quiet()).await;
    let once = Schedule::Once { at: START.plus(MINUTE) };
    let late = JobSchedule { rule: once, ..a_schedule() };
    let error = bench.client.add_schedule(late).await.expect_err("it would never fire");
    assert!(error.to_string().contains("leave none of its times"), "{error}");
}

#[tokio::test]
async fn a_calendar_in_use_is_not_deleted_and_a_missing_one_is_told() {
    let (bench, clock) = bench();
    let tenant = TenantId::standard();
    bench.serve(describe("mail"), returning(Json::null())).await;
    bench.put_calendar(open()).await;
    bench.client.add_schedule(a_schedule()).await.expect("added");
    let refused = bench.client.remove_calendar(&tenant, &name("quiet")).await;
    let told = refused.expect_err("it is in use").to_string();
    assert!(told.contains("is used by it"), "{told}");
    // As if somebody else had deleted it at the moment at which the schedule was made.
    let document = DocumentKey {
        kind: DocumentKind::new("calendar").expect("a kind"),
        tenant: Some(tenant.clone()),
        name: DocumentName::new("quiet").expect("a name"),
    };
    let deleted = bench.storage.delete_document(&document, 1).await.expect("answered");
    assert_eq!(deleted, WriteResult::Written);
    let host = bench.host(HostOptions::default()).await;
    clock.advance(MINUTE);
    let told = bench.quiet_becomes(|it| it.problem.is_some()).await;
    assert_eq!((told.skipped, told.next_fire_at), (1, Some(START.plus(2 * MINUTE))));
    assert!(told.problem.is_some_and(|problem| problem.contains("quiet is missing")));
    assert!(bench.all_runs().await.is_empty());
    // It may be turned off, and rid of its calendar, all the same.
    bench.client.enable_schedule(&key(), false).await.expect("disabled");
    host.shutdown(PATIENCE).await;
    let rid = |it, _| Ok(JobSchedule { calendars: Vec::new(), ..it });
    bench.client.change_schedule(&key(), rid).await.expect("changed");
    let gone = bench.client.remove_calendar(&tenant, &name("quiet")).await;
    assert!(matches!(gone, Err(CalendarError::NotFound(_))));
}
