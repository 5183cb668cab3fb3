//! Schedules, and what fires when.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;
use zapjobs_model::{JobSchedule, ScheduleKey, Timestamp};
use zapjobs_storage::{
    DuePage, DuePlace, FireRequest, FireResult, Result, SCHEDULES_MAX, SchedulePage,
    SchedulePageRequest, Schedules, WriteResult, check_batch, check_fire,
};

use crate::MemoryStorage;
use crate::storage::Work;

/// Schedules by key, and those that will fire by when they are due.
#[derive(Default)]
pub(crate) struct ScheduleTable {
    rows: BTreeMap<ScheduleKey, JobSchedule>,
    due: BTreeMap<Timestamp, BTreeSet<ScheduleKey>>,
}

impl ScheduleTable {
    /// The revision that is stored; 0 where there is none.
    fn revision(&self, key: &ScheduleKey) -> u64 {
        self.rows.get(key).map_or(0, |row| row.revision)
    }

    fn remove(&mut self, key: &ScheduleKey) {
        let due_at = self.rows.remove(key).and_then(|old| old.due_at());
        if let Some(due_at) = due_at
            && let Some(together) = self.due.get_mut(&due_at)
        {
            together.remove(key);
            if together.is_empty() {
                self.due.remove(&due_at);
            }
        }
    }

    /// Stores a schedule under the next revision.
    fn put(&mut self, schedule: &JobSchedule) {
        self.remove(&schedule.key);
        let row = JobSchedule { revision: schedule.revision + 1, ..schedule.clone() };
        if let Some(due_at) = row.due_at() {
            self.due.entry(due_at).or_default().insert(row.key.clone());
        }
        self.rows.insert(row.key.clone(), row);
    }

    fn page(&self, request: &SchedulePageRequest) -> SchedulePage {
        let limit = request.limit.min(SCHEDULES_MAX);
        let from = request.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.rows.range((from, Bound::Unbounded)).map(|(_, row)| row);
        let wanted = |row: &&JobSchedule| {
            request.tenant.as_ref().is_none_or(|tenant| row.key.tenant == *tenant)
        };
        let schedules: Vec<JobSchedule> = rows.filter(wanted).take(limit).cloned().collect();
        let is_full = limit > 0 && schedules.len() == limit;
        let next = schedules.last().filter(|_| is_full).map(|last| last.key.clone());
        SchedulePage { schedules, next }
    }

    fn due(&self, after: Option<&DuePlace>, now: Timestamp, limit: usize) -> DuePage {
        let limit = limit.min(SCHEDULES_MAX);
        let from = after.map_or(Bound::Unbounded, |place| Bound::Included(place.due_at));
        let is_behind = |due_at: Timestamp, key: &ScheduleKey| {
            after.is_none_or(|place| (due_at, key) > (place.due_at, &place.key))
        };
        let places: Vec<DuePlace> = self
            .due
            .range((from, Bound::Included(now)))
            .flat_map(|(due_at, keys)| keys.iter().map(move |key| (*due_at, key)))
            .filter(|(due_at, key)| is_behind(*due_at, key))
            .take(limit)
            .map(|(due_at, key)| DuePlace { due_at, key: key.clone() })
            .collect();
        let is_full = limit > 0 && places.len() == limit;
        let schedules = places.iter().filter_map(|place| self.rows.get(&place.key)).cloned();
        DuePage { schedules: schedules.collect(), next: places.last().filter(|_| is_full).cloned() }
    }
}

impl Work<'_> {
    /// How many runs these requests will store.
    fn new_runs(&self, requests: &[FireRequest]) -> usize {
        let stands = |request: &&FireRequest| {
            let schedule = &request.schedule;
            self.state.schedules.revision(&schedule.key) == schedule.revision
        };
        let runs = requests.iter().filter(stands).flat_map(|request| &request.runs);
        runs.filter(|run| self.state.runs.get(run.id).is_none()).count()
    }

    fn fire(&mut self, request: &FireRequest) -> FireResult {
        let FireRequest { runs, schedule } = request;
        if schedule.revision == 0
            || self.state.schedules.revision(&schedule.key) != schedule.revision
        {
            return FireResult::Superseded;
        }
        for run in runs {
            // A run with this id may be there already: it stands for this fire time then.
            if self.state.runs.get(run.id).is_none() {
                self.store(run.clone());
            }
        }
        self.state.schedules.put(schedule);
        FireResult::Fired
    }
}

#[async_trait]
impl Schedules for MemoryStorage {
    async fn put_schedules(&self, schedules: &[JobSchedule]) -> Result<Vec<WriteResult>> {
        const OPERATION: &str = "store schedules";
        check_batch(OPERATION, schedules.len())?;
        self.work(OPERATION, |work| {
            let table = &mut work.state.schedules;
            let write = |schedule: &JobSchedule| {
                if table.revision(&schedule.key) != schedule.revision {
                    return WriteResult::Conflict;
                }
                table.put(schedule);
                WriteResult::Written
            };
            Ok(schedules.iter().map(write).collect())
        })
    }

    async fn schedule(&self, key: &ScheduleKey) -> Result<Option<JobSchedule>> {
        self.work("read the schedule", |work| Ok(work.state.schedules.rows.get(key).cloned()))
    }

    async fn schedules(&self, request: &SchedulePageRequest) -> Result<SchedulePage> {
        self.work("list schedules", |work| Ok(work.state.schedules.page(request)))
    }

    async fn delete_schedule(&self, key: &ScheduleKey, revision: u64) -> Result<WriteResult> {
        self.work("delete the schedule", |work| {
            let table = &mut work.state.schedules;
            if !table.rows.contains_key(key) || table.revision(key) != revision {
                return Ok(WriteResult::Conflict);
            }
            table.remove(key);
            Ok(WriteResult::Written)
        })
    }

    async fn due_schedules(&self, after: Option<&DuePlace>, limit: usize) -> Result<DuePage> {
        self.work("list due schedules", |work| Ok(work.state.schedules.due(after, work.now, limit)))
    }

    async fn next_due_after(&self, instant: Timestamp) -> Result<Option<Timestamp>> {
        self.work("read the next fire time", |work| {
            let later = (Bound::Excluded(instant), Bound::Unbounded);
            Ok(work.state.schedules.due.range(later).next().map(|(due_at, _)| *due_at))
        })
    }

    async fn fire(&self, requests: &[FireRequest]) -> Result<Vec<FireResult>> {
        const OPERATION: &str = "fire schedules";
        check_fire(OPERATION, requests)?;
        self.work(OPERATION, |work| {
            let runs = work.new_runs(requests);
            work.make_room(OPERATION, runs)?;
            Ok(requests.iter().map(|request| work.fire(request)).collect())
        })
    }
}
