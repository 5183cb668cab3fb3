//! What many schedules cost the host that fires them: while nothing is due, and while all of
//! them fire once a minute.

#![allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use zapjobs_model::job_schedule::{plan, run_id_at};
use zapjobs_model::submit::{INPUT_BYTES_MAX, submit};
use zapjobs_model::{
    Digest, JobDefinition, JobDescription, JobSchedule, JobType, RetryPolicy, Schedule,
    ScheduleKey, ScheduleName, TenantId, Timestamp,
};
use zapjobs_storage::{FireRequest, FireResult, SCHEDULES_MAX, Storage, WriteResult};

use crate::floor::cpu_time;
use crate::place::Place;

/// How often each schedule fires.
const EVERY: Duration = Duration::from_secs(60);
/// Looks at a storage in which nothing is due.
const IDLE_LOOKS: u32 = 1_000;
/// Schedules that fire in one call, as hosts do it.
const FIRED_TOGETHER: usize = 500;
/// The rests of a host between two looks.
const REST_MIN: Duration = Duration::from_millis(20);
const REST_PER_FIRED: Duration = Duration::from_millis(2);
const REST_BUSY: Duration = Duration::from_millis(100);
const REST_MAX: Duration = Duration::from_secs(1);

/// What to measure.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScheduleSettings {
    /// Where schedules are kept; repeatable.
    #[arg(long, default_values_t = ["memory:".to_owned(), "sqlite:".to_owned()])]
    storage: Vec<String>,
    /// Schedules.
    #[arg(long, default_value_t = 100_000)]
    schedules: usize,
    /// How durable SQLite's commits are.
    #[arg(long, default_value = "normal", value_parser = ["normal", "full"])]
    synchronous: String,
}

pub(crate) async fn measure(settings: &ScheduleSettings) -> Result<()> {
    let count = settings.schedules;
    println!("{count} schedules, each once a minute");
    for url in &settings.storage {
        // Kept as long as the storage: its server stops with it.
        let place = Place::find(url, &settings.synchronous)?;
        let opened = place.open().await?;
        let storage = &*opened.storage;
        put(storage, count).await?;
        let look = idle(storage).await?;
        let cpu = cpu_time();
        fire_all(storage, count).await?;
        let cpu = cpu_time() - cpu;
        let per_run = cpu.as_secs_f64() * 1e6 / count as f64;
        // A host looks once a second where it does not fire.
        let share = cpu.as_secs_f64() / EVERY.as_secs_f64() + look.as_secs_f64();
        println!(
            "{url:<16} nothing due: {:>6.1} us CPU a look; firing, runs stored: {per_run:>5.1} us \
             CPU each; together {:.2} % of a core",
            look.as_secs_f64() * 1e6,
            share * 100.0,
        );
        opened.close().await?;
    }
    Ok(())
}

/// Schedules whose fire times are spread evenly over the next minute.
async fn put(storage: &dyn Storage, count: usize) -> Result<()> {
    let now = storage.now().await?.plus(EVERY);
    let every_ms = u64::try_from(EVERY.as_millis())?;
    let schedules = (0..count).map(|at| -> Result<JobSchedule> {
        let offset = EVERY.mul_f64(at as f64 / count as f64);
        let rule = Schedule::Interval { every_ms, start: Some(now.plus(offset)) }.checked()?;
        let name = ScheduleName::new(format!("schedule-{at}"))?;
        let key = ScheduleKey { tenant: TenantId::standard(), name };
        Ok(JobSchedule::new(key, JobType::new("noop")?, rule, now))
    });
    let schedules: Vec<JobSchedule> = schedules.collect::<Result<_>>()?;
    for batch in schedules.chunks(FIRED_TOGETHER) {
        let written = storage.put_schedules(batch).await?;
        ensure!(written.iter().all(|it| *it == WriteResult::Written), "a schedule was there");
    }
    Ok(())
}

/// What one look costs in CPU while nothing is due.
async fn idle(storage: &dyn Storage) -> Result<Duration> {
    let cpu = cpu_time();
    for _ in 0..IDLE_LOOKS {
        let now = storage.now().await?;
        let due = storage.due_schedules(None, SCHEDULES_MAX).await?;
        ensure!(due.schedules.is_empty(), "schedules were due too early: the machine is too slow");
        storage.next_due_after(now).await?.context("a schedule is to come")?;
    }
    Ok((cpu_time() - cpu) / IDLE_LOOKS)
}

/// Lets a minute's fire times come, and fires them as they do.
async fn fire_all(storage: &dyn Storage, count: usize) -> Result<()> {
    let definition = definition()?;
    let mut fired = 0;
    while fired < count {
        let now = storage.now().await?;
        let due = storage.due_schedules(None, FIRED_TOGETHER).await?.schedules;
        let requests: Vec<FireRequest> = due
            .iter()
            .map(|schedule| request(schedule, &definition, now))
            .collect::<Result<_>>()?;
        let results = storage.fire(&requests).await?;
        fired += results.iter().filter(|it| **it == FireResult::Fired).count();
        if due.len() < FIRED_TOGETHER && fired < count {
            let next = storage.next_due_after(now).await?.context("a schedule is to come")?;
            let least = (REST_PER_FIRED * u32::try_from(due.len())?).clamp(REST_MIN, REST_BUSY);
            tokio::time::sleep(next.since(now).clamp(least, REST_MAX)).await;
        }
    }
    Ok(())
}

fn request(
    schedule: &JobSchedule,
    definition: &JobDefinition,
    now: Timestamp,
) -> Result<FireRequest> {
    let plan = plan(schedule, None, now);
    let run = |time: &Timestamp| {
        let request = schedule.request(definition, Some(*time));
        submit(request, definition, run_id_at(&schedule.key, *time), now, INPUT_BYTES_MAX)
    };
    let runs = plan.times.iter().map(run).collect::<Result<_, _>>()?;
    Ok(FireRequest { runs, schedule: plan.after })
}

fn definition() -> Result<JobDefinition> {
    let job = JobDescription {
        job_type: JobType::new("noop")?,
        display_name: String::new(),
        description: String::new(),
        queue: None,
        retry: RetryPolicy::default(),
        timeout_ms: None,
        schedule: Schedule::Manual,
        default_input: None,
        tags: Vec::new(),
        input_schema: None,
        output_schema: None,
    };
    Ok(JobDefinition::from_description(TenantId::standard(), &job, Digest::of(b"noop")))
}
