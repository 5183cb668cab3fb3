//! Schedules of a host: what fires, what waits, what operators change.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Bench, PATIENCE, describe, endless, job, returning};
use zapjobs_model::{
    JobSchedule, JobType, Json, OverlapPolicy, Run, RunId, RunStatus, Schedule, ScheduleKey,
    ScheduleName, ScheduleOrigin, TenantId, Timestamp,
};
use zapjobs_runtime::{HostOptions, ScheduleError, declare_schedules};
use zapjobs_storage::{Clock, ManualClock};

/// An instant at which a minute begins.
const START: Timestamp = Timestamp::from_micros(1_790_000_040_000_000);
const MINUTE: Duration = Duration::from_secs(60);

fn bench() -> (Bench, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    (Bench::on_clock(clock.clone()), clock)
}

fn key(name: &str) -> ScheduleKey {
    ScheduleKey { tenant: TenantId::standard(), name: ScheduleName::new(name).expect("a name") }
}

/// Each minute.
fn a_schedule(name: &str, job: &str) -> JobSchedule {
    let rule = Schedule::every_ms(60_000).expect("a rule");
    JobSchedule::new(key(name), JobType::new(job).expect("a name"), rule, START)
}

impl Bench {
    /// Waits until there are so many runs.
    async fn fired(&self, count: usize) -> Vec<Run> {
        self.until(|| async {
            let runs = self.all_runs().await;
            assert!(runs.len() <= count, "no more than {count} fire");
            (runs.len() == count).then_some(runs)
        })
        .await
    }

    /// Waits until the schedule is as wanted.
    async fn becomes(&self, name: &str, wanted: impl Fn(&JobSchedule) -> bool) -> JobSchedule {
        self.schedule_becomes(&key(name), wanted).await
    }
}

#[tokio::test]
async fn several_schedules_of_a_job_fire_with_inputs_of_their_own() {
    let (bench, clock) = bench();
    bench.serve(describe("mail"), returning(Json::null())).await;
    for (name, input) in [("one", "1"), ("two", "2")] {
        let input = Some(Json::trusted(input));
        let schedule = JobSchedule { input, ..a_schedule(name, "mail") };
        bench.client.add_schedule(schedule).await.expect("added");
    }
    let host = bench.host(HostOptions::default()).await;
    clock.advance(MINUTE);
    let runs = bench.fired(2).await;
    let mut said: Vec<_> =
        runs.iter().map(|run| (run.metadata["schedule"].as_str(), run.input.as_str())).collect();
    said.sort_unstable();
    assert_eq!(said, [("one", "1"), ("two", "2")]);
    assert_eq!(runs[0].metadata["scheduled-for"], START.plus(MINUTE).to_text_short());
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn schedules_that_nothing_serves_do_not_hinder_others() {
    let (bench, clock) = bench();
    bench.declare(&describe("orphan")).await;
    bench.serve(describe("mail"), returning(Json::null())).await;
    let orphans: Vec<_> = (0..2_500).map(|at| a_schedule(&format!("a-{at}"), "orphan")).collect();
    bench.storage.put_schedules(&orphans).await.expect("stored");
    bench.client.add_schedule(a_schedule("z", "mail")).await.expect("added");
    let host = bench.host(HostOptions::default()).await;
    clock.advance(MINUTE);
    let runs = bench.fired(1).await;
    assert_eq!(runs[0].job_type.as_str(), "mail");
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_fire_time_waits_until_the_run_before_has_ended() {
    let (bench, clock) = bench();
    bench.serve(describe("long"), endless()).await;
    let schedule = JobSchedule { overlap: OverlapPolicy::QueueOne, ..a_schedule("it", "long") };
    bench.client.add_schedule(schedule).await.expect("added");
    let host = bench.host(HostOptions::default()).await;
    clock.advance(MINUTE);
    let first = bench.fired(1).await[0].id;
    bench.reaches(first, RunStatus::Running).await;
    clock.advance(MINUTE);
    let waiting = bench.becomes("it", |it| it.held.is_some()).await;
    assert_eq!(waiting.held, Some(START.plus(2 * MINUTE)));
    clock.advance(MINUTE);
    bench.becomes("it", |it| it.skipped == 1).await;
    assert_eq!(bench.all_runs().await.len(), 1);
    bench.client.cancel(first).await.expect("asked");
    bench.ended(first).await;
    clock.advance(Duration::from_secs(2));
    let runs = bench.fired(2).await;
    assert_eq!(runs[0].metadata["scheduled-for"], START.plus(2 * MINUTE).to_text_short());
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_running_run_makes_way_for_the_newest_fire_time() {
    let (bench, clock) = bench();
    bench.serve(describe("long"), endless()).await;
    let overlap = OverlapPolicy::CancelRunning;
    let schedule = JobSchedule { overlap, ..a_schedule("it", "long") };
    bench.client.add_schedule(schedule).await.expect("added");
    let host = bench.host(HostOptions::default()).await;
    clock.advance(MINUTE);
    let first = bench.fired(1).await[0].id;
    bench.reaches(first, RunStatus::Running).await;
    clock.advance(MINUTE);
    assert_eq!(bench.ended(first).await.status, RunStatus::Cancelled);
    clock.advance(Duration::from_secs(2));
    let runs = bench.fired(2).await;
    assert!(runs[0].id > first);
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn a_schedule_whose_run_cannot_be_made_moves_on_and_says_why() {
    let (bench, clock) = bench();
    bench.serve(describe("mail"), returning(Json::null())).await;
    let input = Some(Json::trusted(format!("\"{}\"", "x".repeat(64))));
    let schedule = JobSchedule { input, ..a_schedule("it", "mail") };
    bench.client.add_schedule(schedule).await.expect("added");
    let mut options = HostOptions::default();
    options.limits.input_bytes_max = 32;
    let host = bench.host(options).await;
    clock.advance(MINUTE);
    let refused = bench.becomes("it", |it| it.problem.is_some()).await;
    assert_eq!((refused.skipped, refused.last_run), (1, None));
    assert_eq!(refused.next_fire_at, Some(START.plus(2 * MINUTE)));
    assert!(refused.problem.is_some_and(|problem| problem.contains("32 are allowed")));
    assert!(bench.all_runs().await.is_empty());
    host.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn what_an_operator_changed_outlives_what_a_plugin_declares() {
    let (bench, clock) = bench();
    let declared = |ms| {
        let schedule = Schedule::every_ms(ms).expect("a rule");
        zapjobs_model::JobDescription { schedule, ..describe("mail") }
    };
    bench.declare(&declared(60_000)).await;
    let client = &bench.client;
    let it = key("mail");
    let five = Schedule::every_ms(5_000).expect("a rule");
    let rule = five.clone();
    let edited = client
        .change_schedule(&it, |schedule, now| Ok(schedule.with_rule(rule.clone(), now)))
        .await
        .expect("changed");
    assert!(edited.overridden);
    client.enable_schedule(&it, false).await.expect("disabled");
    bench.declare(&declared(120_000)).await;
    let kept = client.schedule(&it).await.expect("there");
    assert_eq!((kept.rule, kept.enabled), (five, false));
    assert!(matches!(client.remove_schedule(&it).await, Err(ScheduleError::Declared(_))));
    let reset = client.reset_schedule(&it).await.expect("reset");
    assert_eq!(reset.rule, Schedule::every_ms(120_000).expect("a rule"));
    assert!(reset.enabled && !reset.overridden && reset.origin == ScheduleOrigin::Plugin);
    assert!(reset.next_fire_at.is_some_and(|next| next > clock.now()));
    bench.declare(&describe("mail")).await;
    assert!(matches!(client.schedule(&it).await, Err(ScheduleError::NotFound(_))));
}

#[tokio::test]
async fn declaring_again_changes_nothing() {
    let (bench, _) = bench();
    let schedule = Schedule::every_ms(60_000).expect("a rule");
    bench.declare(&zapjobs_model::JobDescription { schedule, ..describe("mail") }).await;
    let before = bench.client.schedule(&key("mail")).await.expect("there");
    let definition = bench.storage.definition(&job("mail")).await.expect("read").expect("there");
    declare_schedules(&*bench.storage, &[definition]).await.expect("declared");
    assert_eq!(bench.client.schedule(&key("mail")).await.expect("there"), before);
}

#[tokio::test]
async fn a_triggered_schedule_runs_now_and_stays_as_it_is() {
    let (bench, _) = bench();
    bench.serve(describe("mail"), returning(Json::null())).await;
    let stored = bench.client.add_schedule(a_schedule("it", "mail")).await.expect("added");
    let id: RunId = bench.client.trigger_schedule(&key("it")).await.expect("triggered");
    assert_eq!(bench.run(id).await.trigger, zapjobs_model::Trigger::Manual);
    assert_eq!(bench.client.schedule(&key("it")).await.expect("there"), stored);
    let again = bench.client.add_schedule(a_schedule("it", "mail")).await;
    assert!(matches!(again, Err(ScheduleError::Exists(_))));
    let unknown = bench.client.add_schedule(a_schedule("other", "nothing")).await;
    assert!(matches!(unknown, Err(ScheduleError::Submit(_))));
}
