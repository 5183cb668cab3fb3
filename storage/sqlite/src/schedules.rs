//! Schedules, and what fires when.

use async_trait::async_trait;
use rusqlite::{CachedStatement, OptionalExtension, params};
use zapjobs_model::{JobSchedule, NewRun, ScheduleKey, ScheduleName, TenantId, Timestamp};
use zapjobs_storage::{
    DuePage, DuePlace, FireRequest, FireResult, Result, SCHEDULES_MAX, SchedulePage,
    SchedulePageRequest, Schedules, WriteResult, check_batch, check_fire,
};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::quarantine::is_of_record;
use crate::row::Columns;
use crate::runs::{bytes_of, enqueue_runs};
use crate::writer::{Tx, WriteKind};

/// Bytes of a schedule, about.
const SCHEDULE_BYTES: usize = 1 << 10;

const INSERT: &str = "INSERT INTO {prefix}schedules (tenant, name, revision, due_at, record)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant, name) DO NOTHING";
const UPDATE: &str = "UPDATE {prefix}schedules SET revision = ?3, due_at = ?4, record = ?5
    WHERE tenant = ?1 AND name = ?2 AND revision = ?6";
const DELETE: &str =
    "DELETE FROM {prefix}schedules WHERE tenant = ?1 AND name = ?2 AND revision = ?3";
const ONE: &str = "SELECT record FROM {prefix}schedules WHERE tenant = ?1 AND name = ?2";
/// No name is empty: this begins with the first.
const PAGE: &str = "SELECT tenant, name, record FROM {prefix}schedules
    WHERE (tenant, name) > (?1, ?2) ORDER BY tenant, name LIMIT ?3";
const PAGE_OF: &str = "SELECT tenant, name, record FROM {prefix}schedules
    WHERE tenant = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
const DUE: &str = "SELECT due_at, tenant, name, record
    FROM {prefix}schedules INDEXED BY {prefix}schedules_due
    WHERE due_at IS NOT NULL AND due_at <= ?1 AND (due_at, tenant, name) > (?2, ?3, ?4)
    ORDER BY due_at, tenant, name LIMIT ?5";
const NEXT: &str = "SELECT min(due_at) FROM {prefix}schedules INDEXED BY {prefix}schedules_due
    WHERE due_at IS NOT NULL AND due_at > ?1";

#[async_trait]
impl Schedules for SqliteStorage {
    async fn put_schedules(&self, schedules: &[JobSchedule]) -> Result<Vec<WriteResult>> {
        const OPERATION: &str = "store schedules";
        check_batch(OPERATION, schedules.len())?;
        let kind = WriteKind::new(OPERATION, schedules.len() * SCHEDULE_BYTES);
        let schedules = schedules.to_vec();
        self.write(kind, move |tx| {
            let mut writer = ScheduleWriter::new(tx.db)?;
            schedules.iter().map(|one| writer.put(one)).collect()
        })
        .await
    }

    async fn schedule(&self, key: &ScheduleKey) -> Result<Option<JobSchedule>> {
        let key = key.clone();
        self.read("read a schedule", move |db| {
            let mut statement = db.prepare(ONE)?;
            let record = statement.query_row(stored_key(&key), |row| row.get::<_, String>(0));
            record.optional()?.map(|record| decoded(&key, &record)).transpose()
        })
        .await
    }

    async fn schedules(&self, request: &SchedulePageRequest) -> Result<SchedulePage> {
        let SchedulePageRequest { tenant, after, limit } = request.clone();
        let limit = limit.min(SCHEDULES_MAX);
        self.read("list schedules", move |db| {
            // A place in another tenant is before all of this one, or behind it.
            let after = after.as_ref().map_or(["", ""], stored_key);
            let (sql, from) = match &tenant {
                Some(tenant) if after[0] > tenant.as_str() => return Ok(SchedulePage::default()),
                Some(tenant) if after[0] < tenant.as_str() => (PAGE_OF, [tenant.as_str(), ""]),
                Some(_) => (PAGE_OF, after),
                None => (PAGE, after),
            };
            let mut statement = db.prepare(sql)?;
            let mut rows = statement.query(params![from[0], from[1], limit as i64])?;
            let (mut page, mut read) = (SchedulePage::default(), 0);
            while let Some(row) = rows.next()? {
                let mut columns = Columns::new(row);
                let key = read_key(&mut columns)?;
                page.schedules.extend(readable(&key, &columns.value::<String>()?)?);
                read += 1;
                page.next = Some(key).filter(|_| read == limit);
            }
            Ok(page)
        })
        .await
    }

    async fn delete_schedule(&self, key: &ScheduleKey, revision: u64) -> Result<WriteResult> {
        let key = key.clone();
        self.write(WriteKind::new("delete a schedule", 0), move |tx| {
            let [tenant, name] = stored_key(&key);
            let row = params![tenant, name, revision.cast_signed()];
            Ok(written(tx.db.prepare(DELETE)?.execute(row)?))
        })
        .await
    }

    async fn due_schedules(&self, after: Option<&DuePlace>, limit: usize) -> Result<DuePage> {
        let now = self.clock().now().as_micros();
        let limit = limit.min(SCHEDULES_MAX);
        let after = after.cloned();
        self.read("list due schedules", move |db| {
            let from = after.as_ref().map_or(i64::MIN, |place| place.due_at.as_micros());
            let [tenant, name] = after.as_ref().map_or(["", ""], |place| stored_key(&place.key));
            let mut statement = db.prepare(DUE)?;
            let mut rows = statement.query(params![now, from, tenant, name, limit as i64])?;
            let (mut page, mut read) = (DuePage::default(), 0);
            while let Some(row) = rows.next()? {
                let mut columns = Columns::new(row);
                let place = DuePlace { due_at: columns.time()?, key: read_key(&mut columns)? };
                page.schedules.extend(readable(&place.key, &columns.value::<String>()?)?);
                read += 1;
                page.next = Some(place).filter(|_| read == limit);
            }
            Ok(page)
        })
        .await
    }

    async fn next_due_after(&self, instant: Timestamp) -> Result<Option<Timestamp>> {
        self.read("read the next fire time", move |db| {
            let next: Option<i64> =
                db.prepare(NEXT)?.query_row([instant.as_micros()], |row| row.get(0))?;
            Ok(next.map(Timestamp::from_micros))
        })
        .await
    }

    async fn fire(&self, requests: &[FireRequest]) -> Result<Vec<FireResult>> {
        const OPERATION: &str = "fire schedules";
        check_fire(OPERATION, requests)?;
        let runs: usize = requests.iter().map(|request| bytes_of(&request.runs)).sum();
        let kind = WriteKind::new(OPERATION, runs + requests.len() * SCHEDULE_BYTES);
        let schedules: Vec<JobSchedule> =
            requests.iter().map(|request| request.schedule.clone()).collect();
        let ends: Vec<usize> = requests
            .iter()
            .scan(0, |end, request| {
                *end += request.runs.len();
                Some(*end)
            })
            .collect();
        let runs: Vec<NewRun> =
            requests.iter().flat_map(|request| &request.runs).cloned().collect();
        self.write(kind, move |tx| fire(tx, &schedules, &runs, &ends)).await
    }
}

/// `ends` are the places in `runs` where those of each schedule end.
fn fire(
    tx: &mut Tx<'_>,
    schedules: &[JobSchedule],
    runs: &[NewRun],
    ends: &[usize],
) -> DbResult<Vec<FireResult>> {
    let mut writer = ScheduleWriter::new(tx.db)?;
    let mut results = Vec::with_capacity(schedules.len());
    let (mut begin, mut from) = (0, 0);
    for (schedule, end) in schedules.iter().zip(ends) {
        if schedule.revision == 0 || writer.put(schedule)? == WriteResult::Conflict {
            // Its runs alone are left out.
            enqueue_fired(tx, &runs[from..begin])?;
            from = *end;
            results.push(FireResult::Superseded);
        } else {
            results.push(FireResult::Fired);
        }
        begin = *end;
    }
    enqueue_fired(tx, &runs[from..])?;
    Ok(results)
}

/// A run of an id that is there already is its fire time's own.
fn enqueue_fired(tx: &mut Tx<'_>, runs: &[NewRun]) -> DbResult<()> {
    if !runs.is_empty() {
        enqueue_runs(tx, runs)?;
    }
    Ok(())
}

/// Writes schedules one by one, with statements that are looked up once.
struct ScheduleWriter<'a> {
    insert: CachedStatement<'a>,
    update: CachedStatement<'a>,
}

impl<'a> ScheduleWriter<'a> {
    fn new(db: &'a Db) -> DbResult<Self> {
        Ok(Self { insert: db.prepare(INSERT)?, update: db.prepare(UPDATE)? })
    }

    fn put(&mut self, schedule: &JobSchedule) -> DbResult<WriteResult> {
        let [tenant, name] = stored_key(&schedule.key);
        let stored = JobSchedule { revision: schedule.revision + 1, ..schedule.clone() };
        let record = serde_json::to_string(&stored).expect("schedules serialise");
        let due_at = stored.due_at().map(Timestamp::as_micros);
        let (before, after) = (schedule.revision.cast_signed(), stored.revision.cast_signed());
        let rows = if before == 0 {
            self.insert.execute(params![tenant, name, after, due_at, record])?
        } else {
            self.update.execute(params![tenant, name, after, due_at, record, before])?
        };
        Ok(written(rows))
    }
}

fn written(rows: usize) -> WriteResult {
    if rows == 0 { WriteResult::Conflict } else { WriteResult::Written }
}

fn stored_key(key: &ScheduleKey) -> [&str; 2] {
    [key.tenant.as_str(), key.name.as_str()]
}

fn read_key(columns: &mut Columns<'_>) -> DbResult<ScheduleKey> {
    Ok(ScheduleKey { tenant: columns.name(TenantId::new)?, name: columns.name(ScheduleName::new)? })
}

fn decoded(key: &ScheduleKey, record: &str) -> DbResult<JobSchedule> {
    serde_json::from_str(record)
        .map_err(|error| DbError::corrupt(format!("schedule {key} is unreadable: {error}")))
}

/// The schedule of a record; one that cannot be read is told and passed over.
fn readable(key: &ScheduleKey, record: &str) -> DbResult<Option<JobSchedule>> {
    match decoded(key, record) {
        Ok(schedule) => Ok(Some(schedule)),
        Err(error) if is_of_record(&error) => {
            tracing::error!(?error, schedule = %key, "passed over an unreadable schedule");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
