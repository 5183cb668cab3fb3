//! Schedules, and what fires when.

use std::collections::HashSet;

use async_trait::async_trait;
use zapjobs_model::{JobSchedule, NewRun, ScheduleKey, ScheduleName, TenantId, Timestamp};
use zapjobs_storage::{
    DuePage, DuePlace, FireRequest, FireResult, Result, SCHEDULES_MAX, SchedulePage,
    SchedulePageRequest, Schedules, WriteResult, check_batch, check_fire,
};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, describe, unexpected};
use crate::record::encoded;
use crate::runs::{RUNS_PER_SCRIPT, put_new_runs};
use crate::script::{Call, SCRIPTS};

/// Schedules that one script writes or reads at most.
const SCRIPT_MAX: usize = 500;

#[async_trait]
impl Schedules for RedisStorage {
    async fn put_schedules(&self, schedules: &[JobSchedule]) -> Result<Vec<WriteResult>> {
        const OPERATION: &str = "store schedules";
        check_batch(OPERATION, schedules.len())?;
        self.check_open(OPERATION)?;
        let mut results = Vec::with_capacity(schedules.len());
        for schedules in schedules.chunks(SCRIPT_MAX) {
            let mut call = Call::new(&SCRIPTS.schedule_put, 2 + schedules.len());
            call.arg(self.keys.named("schedules")).arg(self.keys.named("schedules:due"));
            schedules.iter().for_each(|schedule| {
                call.arg(self.keys.schedule(&schedule.key));
            });
            schedules.iter().for_each(|schedule| put_schedule(&mut call, schedule));
            let answer = self.call(OPERATION, &call).await?;
            for answer in Answer::of(OPERATION, &answer).items()? {
                results.push(written(answer.number()? == 1));
            }
        }
        Ok(results)
    }

    async fn schedule(&self, key: &ScheduleKey) -> Result<Option<JobSchedule>> {
        const OPERATION: &str = "read the schedule";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("HGET");
        command.arg(self.keys.schedule(key)).arg("record");
        let answer = self.link.send(&command).await.map_err(|error| describe(OPERATION, &error))?;
        if answer == redis::Value::Nil {
            return Ok(None);
        }
        let record = Answer::of(OPERATION, &answer).text()?;
        let unreadable = || corrupt(OPERATION, format!("schedule {key} is unreadable"));
        serde_json::from_str(record).map(Some).map_err(|_| unreadable())
    }

    async fn schedules(&self, request: &SchedulePageRequest) -> Result<SchedulePage> {
        const OPERATION: &str = "list schedules";
        let limit = request.limit.min(SCHEDULES_MAX);
        // Names are `TENANT,NAME`; a hyphen comes right after the comma.
        let after = request.after.as_ref().map(|key| format!("({}", schedule_name(key)));
        let (from, to) = match (&request.tenant, after) {
            (None, after) => (after.unwrap_or_else(|| "-".to_owned()), "+".to_owned()),
            (Some(tenant), after) => {
                let begin = format!("({tenant},");
                let from = after.filter(|after| *after > begin).unwrap_or(begin);
                (from, format!("({tenant}-"))
            }
        };
        let mut call = Call::new(&SCRIPTS.schedule_page, 1);
        call.arg(self.keys.named("schedules")).arg(from).arg(to).arg(limit);
        call.arg(self.keys.named("schedule:"));
        let answer = self.call(OPERATION, &call).await?;
        let mut page = SchedulePage::default();
        for (at, item) in Answer::of(OPERATION, &answer).items()?.enumerate() {
            let name = item.at(0)?.text()?;
            page.schedules.extend(readable(name, item.at(1)?.text()?));
            let key = read_name(name).ok_or_else(|| unexpected(OPERATION))?;
            page.next = Some(key).filter(|_| at + 1 == limit);
        }
        Ok(page)
    }

    async fn delete_schedule(&self, key: &ScheduleKey, revision: u64) -> Result<WriteResult> {
        const OPERATION: &str = "delete the schedule";
        let mut call = Call::new(&SCRIPTS.schedule_delete, 3);
        call.arg(self.keys.named("schedules")).arg(self.keys.named("schedules:due"));
        call.arg(self.keys.schedule(key)).arg(schedule_name(key)).arg(revision);
        let answer = self.call(OPERATION, &call).await?;
        Ok(written(Answer::of(OPERATION, &answer).number()? == 1))
    }

    async fn due_schedules(&self, after: Option<&DuePlace>, limit: usize) -> Result<DuePage> {
        const OPERATION: &str = "list due schedules";
        let limit = limit.min(SCHEDULES_MAX);
        let mut call = Call::new(&SCRIPTS.schedule_due, 1);
        call.arg(self.keys.named("schedules:due")).arg(self.given_now()).arg(limit);
        match after {
            Some(place) => {
                call.arg(place.due_at.as_micros()).arg(schedule_name(&place.key));
            }
            None => {
                call.arg("").arg("");
            }
        }
        call.arg(self.keys.named("schedule:"));
        let answer = self.call(OPERATION, &call).await?;
        let mut page = DuePage::default();
        for (at, item) in Answer::of(OPERATION, &answer).items()?.enumerate() {
            let due_at = Timestamp::from_micros(item.at(0)?.number()?);
            let name = item.at(1)?.text()?;
            page.schedules.extend(readable(name, item.at(2)?.text()?));
            let key = read_name(name).ok_or_else(|| unexpected(OPERATION))?;
            page.next = Some(DuePlace { due_at, key }).filter(|_| at + 1 == limit);
        }
        Ok(page)
    }

    async fn next_due_after(&self, instant: Timestamp) -> Result<Option<Timestamp>> {
        const OPERATION: &str = "read the next fire time";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command.arg(self.keys.named("schedules:due"));
        command.arg(format!("({}", instant.as_micros())).arg("+inf").arg("WITHSCORES");
        command.arg("LIMIT").arg(0).arg(1);
        let answer = self.link.send(&command).await.map_err(|error| describe(OPERATION, &error))?;
        let first = Answer::of(OPERATION, &answer);
        if first.list()?.is_empty() {
            return Ok(None);
        }
        first.at(1)?.number().map(Timestamp::from_micros).map(Some)
    }

    async fn fire(&self, requests: &[FireRequest]) -> Result<Vec<FireResult>> {
        const OPERATION: &str = "fire schedules";
        check_fire(OPERATION, requests)?;
        self.check_open(OPERATION)?;
        let mut results = Vec::with_capacity(requests.len());
        let mut rest = requests;
        while !rest.is_empty() {
            let (part, later) = rest.split_at(fired_together(rest));
            results.extend(self.fire_part(OPERATION, part).await?);
            rest = later;
        }
        Ok(results)
    }
}

/// How many of these, of which there is one, one script takes.
fn fired_together(requests: &[FireRequest]) -> usize {
    let mut runs = 0;
    let fits = |request: &&FireRequest| {
        runs += request.runs.len();
        runs <= RUNS_PER_SCRIPT
    };
    requests.iter().take(SCRIPT_MAX).take_while(fits).count().max(1)
}

impl RedisStorage {
    async fn fire_part(
        &self,
        operation: &'static str,
        requests: &[FireRequest],
    ) -> Result<Vec<FireResult>> {
        // Of several runs with one id the script takes the first.
        let distinct = requests.iter().map(|request| {
            let mut seen = HashSet::with_capacity(request.runs.len());
            request.runs.iter().filter(|run| seen.insert(run.id)).collect()
        });
        let runs: Vec<Vec<&NewRun>> = distinct.collect();
        let ids: Vec<_> = runs.iter().flatten().map(|run| run.id).collect();
        let schedules = requests.iter().map(|request| self.keys.schedule(&request.schedule.key));
        let due = std::iter::once(self.keys.named("schedules:due"));
        let more_keys: Vec<_> = schedules.chain(due).collect();
        let mut call = self.run_call(&SCRIPTS.fire, ids.into_iter(), &more_keys);
        call.arg(requests.len());
        for (request, runs) in requests.iter().zip(&runs) {
            put_schedule(&mut call, &request.schedule);
            call.arg(runs.len());
            for run in runs {
                put_new_runs(operation, &mut call, std::iter::once(*run))?;
            }
        }
        let answer = self.call(operation, &call).await?;
        let answer = Answer::of(operation, &answer);
        self.listeners.tell(answer.notices(1)?);
        let result = |fired: Answer<'_>| match fired.number()? {
            1 => Ok(FireResult::Fired),
            _ => Ok(FireResult::Superseded),
        };
        answer.at(0)?.items()?.map(result).collect()
    }
}

/// Puts a schedule's name, revision, due time and record behind a call's arguments.
fn put_schedule(call: &mut Call, schedule: &JobSchedule) {
    let stored = JobSchedule { revision: schedule.revision + 1, ..schedule.clone() };
    let due_at = stored.due_at().map(|time| time.as_micros().to_string());
    call.arg(schedule_name(&schedule.key)).arg(schedule.revision);
    call.arg(due_at.unwrap_or_default()).arg(encoded(&stored));
}

fn written(is_written: bool) -> WriteResult {
    if is_written { WriteResult::Written } else { WriteResult::Conflict }
}

/// A schedule's name in an index. The comma sorts before all that a name may hold, so that names
/// stand in the order of their keys.
pub(crate) fn schedule_name(key: &ScheduleKey) -> String {
    format!("{},{}", key.tenant, key.name)
}

fn read_name(text: &str) -> Option<ScheduleKey> {
    let (tenant, name) = text.split_once(',')?;
    Some(ScheduleKey { tenant: TenantId::new(tenant).ok()?, name: ScheduleName::new(name).ok()? })
}

/// The schedule of a record; one that cannot be read is told and passed over.
fn readable(name: &str, record: &str) -> Option<JobSchedule> {
    let told = |error: &serde_json::Error| {
        tracing::error!(%error, schedule = name, "passed over an unreadable schedule");
    };
    serde_json::from_str(record).inspect_err(told).ok()
}
