//! What becomes of fire times.

use std::time::Duration;

use super::*;
use crate::schedule::calendar::BusinessHours;
use crate::{Calendar, CalendarRules, Calendars, Digest, JobDescription, RetryPolicy, RunStatus};

fn at(text: &str) -> Timestamp {
    text.parse().expect("RFC 3339")
}

fn hour(hour: u32) -> Timestamp {
    at(&format!("2027-01-04T{hour:02}:00:00Z"))
}

fn hourly(missed: MissedPolicy, overlap: OverlapPolicy) -> JobSchedule {
    let key = ScheduleKey {
        tenant: TenantId::new("acme").expect("a name"),
        name: ScheduleName::new("report").expect("a name"),
    };
    let rule = Schedule::cron("0 * * * *", "UTC").expect("a rule");
    let job_type = JobType::new("mail").expect("a name");
    JobSchedule {
        missed,
        overlap,
        ..JobSchedule::new(key, job_type, rule, at("2027-01-03T23:30:00Z"))
    }
}

fn fired(schedule: &JobSchedule, active: Option<RunStatus>, now: Timestamp) -> FirePlan {
    plan(schedule, active, now)
}

#[test]
fn a_time_on_time_becomes_a_run() {
    let schedule = hourly(MissedPolicy::Skip, OverlapPolicy::Allow);
    let plan = fired(&schedule, None, hour(0).plus(Duration::from_secs(60)));
    assert_eq!(plan.times, [hour(0)]);
    assert_eq!(plan.after.next_fire_at, Some(hour(1)));
    assert_eq!(plan.after.last_run, Some(run_id_at(&schedule.key, hour(0))));
    assert_eq!((plan.after.last_fire_at, plan.after.skipped), (Some(hour(0)), 0));
    assert_eq!(fired(&schedule, None, at("2027-01-03T23:59:59Z")).times, []);
}

#[test]
fn missed_times_are_treated_as_the_policy_says() {
    let now = at("2027-01-04T05:30:00Z");
    let skip = fired(&hourly(MissedPolicy::Skip, OverlapPolicy::Allow), None, now);
    assert_eq!((skip.times.as_slice(), skip.after.skipped), ([].as_slice(), 6));
    assert_eq!(skip.after.next_fire_at, Some(hour(6)));
    let once = fired(&hourly(MissedPolicy::FireOnce, OverlapPolicy::Allow), None, now);
    assert_eq!((once.times.as_slice(), once.after.skipped), ([hour(0)].as_slice(), 5));
    let few = MissedPolicy::FireAll { max: 4 };
    let few = fired(&hourly(few, OverlapPolicy::Allow), None, now);
    assert_eq!(few.times, [0, 1, 2, 3].map(hour));
    assert_eq!((few.after.skipped, few.after.next_fire_at), (2, Some(hour(6))));
    let all = MissedPolicy::FireAll { max: 1_000 };
    let all = fired(&hourly(all, OverlapPolicy::Allow), None, now);
    assert_eq!((all.times.len(), all.after.skipped), (6, 0));
}

#[test]
fn a_time_on_time_stands_for_those_missed() {
    let now = hour(3).plus(Duration::from_secs(5));
    let once = fired(&hourly(MissedPolicy::FireOnce, OverlapPolicy::Allow), None, now);
    assert_eq!((once.times.as_slice(), once.after.skipped), ([hour(3)].as_slice(), 3));
}

#[test]
fn a_long_absence_is_counted_up_to_a_bound() {
    let mut schedule = hourly(MissedPolicy::Skip, OverlapPolicy::Allow);
    schedule.rule = Schedule::every_ms(1_000).expect("a rule");
    let plan = fired(&schedule, None, at("2028-01-01T00:00:00.5Z"));
    assert_eq!(plan.after.skipped, SKIPPED_COUNTED_MAX);
    assert_eq!(plan.times.len(), 60, "those within the tolerance");
    assert_eq!(plan.after.next_fire_at, Some(at("2028-01-01T00:00:01Z")));
}

#[test]
fn what_one_plan_cannot_hold_follows_in_the_next() {
    let mut schedule = hourly(MissedPolicy::Skip, OverlapPolicy::Allow);
    schedule.rule = Schedule::every_ms(1_000).expect("a rule");
    schedule.tolerance_ms = TOLERANCE_MS_MAX;
    let now = hour(1);
    let first = fired(&schedule, None, now);
    assert_eq!(first.times.len(), TIMES_PER_PLAN_MAX);
    let second = fired(&first.after, None, now);
    assert_eq!(second.times[0], first.times[999].plus(Duration::from_secs(1)));
}

#[test]
fn a_skipped_overlap_is_counted() {
    let schedule = hourly(MissedPolicy::FireOnce, OverlapPolicy::Skip);
    let busy = fired(&schedule, Some(RunStatus::Running), hour(0));
    assert_eq!((busy.times.len(), busy.after.skipped), (0, 1));
    assert_eq!(busy.after.next_fire_at, Some(hour(1)));
    let free = fired(&schedule, Some(RunStatus::Failed), hour(0));
    assert_eq!(free.times, [hour(0)]);
}

#[test]
fn one_time_waits_until_the_run_before_has_ended() {
    let schedule = hourly(MissedPolicy::FireOnce, OverlapPolicy::QueueOne);
    let busy = fired(&schedule, Some(RunStatus::Pending), hour(0)).after;
    assert_eq!((busy.held, busy.look_at), (Some(hour(0)), Some(hour(0).plus(OVERLAP_LOOK))));
    assert_eq!(busy.due_at(), busy.look_at);
    let later = fired(&busy, Some(RunStatus::Running), hour(1)).after;
    assert_eq!((later.held, later.skipped), (Some(hour(0)), 1));
    let free = fired(&later, Some(RunStatus::Completed), hour(1).plus(OVERLAP_LOOK));
    assert_eq!(free.times, [hour(0)]);
    assert_eq!((free.after.held, free.after.look_at), (None, None));
    assert_eq!(free.after.due_at(), Some(hour(2)));
}

#[test]
fn a_time_that_comes_while_another_becomes_a_run_waits_in_its_place() {
    let schedule = JobSchedule {
        held: Some(hour(0)),
        next_fire_at: Some(hour(1)),
        ..hourly(MissedPolicy::FireOnce, OverlapPolicy::QueueOne)
    };
    let plan = fired(&schedule, None, hour(1));
    assert_eq!((plan.times.as_slice(), plan.after.held), ([hour(0)].as_slice(), Some(hour(1))));
    assert!(plan.after.look_at.is_some());
}

#[test]
fn a_running_run_is_asked_to_stop_for_the_newest_time() {
    let run = RunId(uuid::Uuid::from_u128(7));
    let schedule = JobSchedule {
        last_run: Some(run),
        ..hourly(MissedPolicy::FireOnce, OverlapPolicy::CancelRunning)
    };
    let busy = fired(&schedule, Some(RunStatus::Running), hour(0));
    assert_eq!((busy.times.len(), busy.cancel, busy.after.held), (0, Some(run), Some(hour(0))));
    let newer = fired(&busy.after, Some(RunStatus::Running), hour(1));
    assert_eq!((newer.after.held, newer.after.skipped), (Some(hour(1)), 1));
    let free = fired(&newer.after, Some(RunStatus::Cancelled), hour(1).plus(OVERLAP_LOOK));
    assert_eq!((free.times.as_slice(), free.cancel), ([hour(1)].as_slice(), None));
}

#[test]
fn ids_follow_from_schedule_and_fire_time() {
    let schedule = hourly(MissedPolicy::Skip, OverlapPolicy::Allow);
    let id = run_id_at(&schedule.key, hour(0));
    assert_eq!(id, run_id_at(&schedule.key, hour(0)));
    assert_ne!(id, run_id_at(&schedule.key, hour(1)));
    assert_eq!(id.0.get_version_num(), 7);
    let (seconds, _) = id.0.get_timestamp().expect("a time").to_unix();
    assert_eq!(seconds * 1_000_000, hour(0).as_micros() as u64);
    let other = ScheduleKey { tenant: TenantId::new("zeta").expect("a name"), ..schedule.key };
    assert_ne!(id, run_id_at(&other, hour(0)));
}

fn definition(rule: Schedule) -> JobDefinition {
    let job = JobDescription {
        job_type: JobType::new("mail").expect("a name"),
        display_name: String::new(),
        description: String::new(),
        queue: None,
        retry: RetryPolicy::default(),
        timeout_ms: None,
        schedule: rule,
        default_input: None,
        tags: Vec::new(),
        input_schema: None,
        output_schema: None,
    };
    JobDefinition::from_description(TenantId::new("acme").expect("a name"), &job, Digest::of(b""))
}

fn put(redeclared: Redeclared) -> JobSchedule {
    match redeclared {
        Redeclared::Put(schedule) => *schedule,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_declaration_is_a_default_that_operators_override() {
    let rule = |ms: u64| Schedule::every_ms(ms).expect("a rule");
    let declare = |stored: Option<&JobSchedule>, rule| {
        JobSchedule::redeclared(stored, &definition(rule), hour(0))
    };
    let first = put(declare(None, rule(60_000)));
    assert_eq!((first.origin, first.key.name.as_str()), (ScheduleOrigin::Plugin, "mail"));
    assert_eq!(declare(Some(&first), rule(60_000)), Redeclared::Same);
    let off = first.clone().with_enabled(false, hour(0));
    let followed = put(declare(Some(&off), rule(120_000)));
    assert_eq!((followed.rule, followed.enabled), (rule(120_000), false));
    assert_eq!(declare(Some(&first), Schedule::Manual), Redeclared::Delete(0));

    let changed = JobSchedule { overridden: true, ..first.clone().with_rule(rule(5_000), hour(0)) };
    let kept = put(declare(Some(&changed), rule(120_000)));
    assert_eq!((&kept.rule, &kept.declared), (&rule(5_000), &Some(rule(120_000))));
    let alone = put(declare(Some(&kept), Schedule::Manual));
    assert_eq!((&alone.rule, &alone.declared), (&rule(5_000), &None));
    assert_eq!(alone.reset(hour(0)), None);
    let reset = kept.reset(hour(0)).expect("it is declared");
    assert_eq!((reset.rule, reset.overridden, reset.enabled), (rule(120_000), false, true));

    let own = JobSchedule { origin: ScheduleOrigin::Operator, ..first };
    assert_eq!(declare(Some(&own), rule(120_000)), Redeclared::Same);
}

#[test]
fn a_schedule_turned_on_again_looks_ahead_only() {
    let schedule = hourly(MissedPolicy::FireAll { max: 9 }, OverlapPolicy::Allow);
    let off = schedule.with_enabled(false, hour(0));
    assert_eq!(off.due_at(), None);
    let on = off.with_enabled(true, hour(5));
    assert_eq!(on.due_at(), Some(hour(6)));
}

#[test]
fn schedules_out_of_bounds_are_refused() {
    let good = || hourly(MissedPolicy::Skip, OverlapPolicy::Allow);
    assert!(good().checked().is_ok());
    let missed = MissedPolicy::FireAll { max: 0 };
    assert!(JobSchedule { missed, ..good() }.checked().is_err());
    assert!(JobSchedule { tolerance_ms: TOLERANCE_MS_MAX + 1, ..good() }.checked().is_err());
    assert!(JobSchedule { rule: Schedule::Manual, ..good() }.checked().is_err());
}

fn closed_on(rules: CalendarRules) -> Calendars {
    Calendars::new(vec![Calendar::new(rules).expect("good rules")])
}

/// Open from 06:00 to 08:00.
fn mornings() -> Calendars {
    let hours = BusinessHours {
        days: vec!["MON-SUN".to_owned()],
        from: "06:00".to_owned(),
        to: "08:00".to_owned(),
    };
    closed_on(CalendarRules { business_hours: vec![hours], ..CalendarRules::default() })
}

#[test]
fn excluded_times_are_no_fire_times() {
    let schedule = hourly(MissedPolicy::FireAll { max: 1_000 }, OverlapPolicy::Allow);
    assert_eq!(schedule.next_after(hour(0), &mornings()), Some(hour(6)));
    // Planned before the calendar was there.
    let plan = plan_with(&schedule, &mornings(), None, hour(10));
    assert_eq!(plan.times, [hour(6), hour(7)]);
    assert_eq!(
        (plan.after.skipped, plan.after.next_fire_at),
        (0, Some(at("2027-01-05T06:00:00Z")))
    );
    let early = plan_with(&schedule, &mornings(), None, hour(1));
    assert_eq!((early.times.len(), early.after.next_fire_at), (0, Some(hour(6))));
}

#[test]
fn excluded_times_are_moved_to_one_open_instant() {
    let mut schedule = hourly(MissedPolicy::FireAll { max: 1_000 }, OverlapPolicy::Allow);
    schedule.on_excluded = OnExcluded::NextOpenTime;
    let half_past = Schedule::cron("30 * * * *", "UTC").expect("a rule");
    schedule.rule = half_past.clone();
    schedule.next_fire_at = half_past.next_after(hour(0));
    let plan = plan_with(&schedule, &mornings(), None, hour(7));
    let half = |of: u32| hour(of).plus(Duration::from_secs(1_800));
    assert_eq!(plan.times, [hour(6), half(6)], "six times are one at 06:00");
    assert_eq!(plan.after.next_fire_at, Some(half(7)));
    let last = plan_with(&plan.after, &mornings(), None, half(7));
    assert_eq!(last.after.next_fire_at, Some(at("2027-01-05T06:00:00Z")));
}

#[test]
fn a_time_that_was_moved_is_not_lost_over_an_absence() {
    // Daily at 03:00, closed on Saturday and Sunday: both days' times are one on Monday at 00:00.
    let rules = CalendarRules { weekdays: vec!["SAT-SUN".to_owned()], ..CalendarRules::default() };
    let weekdays = closed_on(rules);
    let schedule = JobSchedule {
        rule: Schedule::cron("0 3 * * *", "UTC").expect("a rule"),
        next_fire_at: Some(at("2027-01-08T03:00:00Z")),
        on_excluded: OnExcluded::NextOpenTime,
        ..hourly(MissedPolicy::Skip, OverlapPolicy::Allow)
    };
    let plan = plan_with(&schedule, &weekdays, None, at("2027-01-10T12:00:00Z"));
    assert_eq!((plan.times.len(), plan.after.skipped), (0, 1));
    assert_eq!(plan.after.next_fire_at, Some(at("2027-01-11T00:00:00Z")));
}

#[test]
fn the_next_time_follows_a_changed_calendar() {
    let schedule = hourly(MissedPolicy::Skip, OverlapPolicy::Allow);
    let now = at("2027-01-03T23:40:00Z");
    let closed = schedule.clone().with_calendars_changed(&mornings(), now);
    assert_eq!(closed.next_fire_at, Some(hour(6)));
    let open = closed.with_calendars_changed(&Calendars::none(), now);
    assert_eq!(open.next_fire_at, Some(hour(0)));
    let moved = JobSchedule { on_excluded: OnExcluded::NextOpenTime, ..schedule };
    let moved = moved.with_calendars_changed(&mornings(), now);
    assert_eq!(moved.next_fire_at, Some(hour(6)));
    let same = moved.clone().with_calendars_changed(&mornings(), hour(3));
    assert_eq!(same.next_fire_at, Some(hour(6)), "the moved time stays");
    let never = CalendarRules { weekdays: vec!["MON-SUN".to_owned()], ..CalendarRules::default() };
    assert_eq!(moved.with_calendars_changed(&closed_on(never), hour(3)).next_fire_at, None);
}

#[test]
fn a_search_for_a_time_that_never_comes_ends() {
    let schedule = hourly(MissedPolicy::Skip, OverlapPolicy::Allow);
    let rules = CalendarRules { weekdays: vec!["MON-SUN".to_owned()], ..CalendarRules::default() };
    let plan = plan_with(&schedule, &closed_on(rules), None, hour(5));
    assert_eq!((plan.times.len(), plan.after.next_fire_at), (0, None));
}

#[test]
fn calendars_are_few_and_named_once() {
    let name = |name: &str| CalendarName::new(name).expect("a name");
    let with =
        |calendars| JobSchedule { calendars, ..hourly(MissedPolicy::Skip, OverlapPolicy::Allow) };
    assert!(with(vec![name("a"), name("b")]).checked().is_ok());
    assert!(with(vec![name("a"), name("a")]).checked().is_err());
    let many = (0..=CALENDARS_MAX).map(|number| name(&format!("c{number}"))).collect();
    assert!(with(many).checked().is_err());
}

#[test]
fn a_schedule_without_its_calendar_moves_on_and_says_so() {
    let name = CalendarName::new("holidays").expect("a name");
    let mut schedule = hourly(MissedPolicy::FireOnce, OverlapPolicy::QueueOne);
    schedule.held = Some(at("2027-01-03T23:00:00Z"));
    let plan = plan_without_calendar(&schedule, &name, hour(0));
    assert_eq!((plan.times.len(), plan.cancel), (0, None));
    assert_eq!((plan.after.skipped, plan.after.next_fire_at), (1, Some(hour(1))));
    assert_eq!(plan.after.held, schedule.held);
    assert!(plan.after.problem.is_some_and(|problem| problem.contains("holidays")));
}
