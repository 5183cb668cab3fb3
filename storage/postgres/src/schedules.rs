//! Schedules, and what fires when.

use std::collections::HashSet;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use zapjobs_model::{JobSchedule, NewRun, ScheduleKey, ScheduleName, TenantId, Timestamp};
use zapjobs_storage::{
    DuePage, DuePlace, FireRequest, FireResult, Result, SCHEDULES_MAX, SchedulePage,
    SchedulePageRequest, Schedules, WriteResult, check_batch, check_fire,
};

use crate::PostgresStorage;
use crate::error::{DbError, DbResult};
use crate::quarantine::is_of_record;
use crate::row::Columns;
use crate::runs::NewRuns;
use crate::session::{Bound, Session};

/// In the order of keys, so that equal batches do not deadlock.
const INSERT: &str =
    "INSERT INTO {schema}.{prefix}schedules (tenant, name, revision, due_at, record)
    SELECT tenant, name, revision + 1, due_at, record
    FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[], $5::text[])
        AS t (tenant, name, revision, due_at, record)
    ORDER BY tenant, name
    ON CONFLICT (tenant, name) DO NOTHING RETURNING tenant, name";
const UPDATE: &str = "WITH given AS MATERIALIZED (
        SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[], $5::text[])
            AS t (tenant, name, revision, due_at, record)),
    locked AS MATERIALIZED (
        SELECT s.tenant, s.name, g.due_at, g.record, s.revision
        FROM {schema}.{prefix}schedules s
        JOIN given g ON g.tenant = s.tenant AND g.name = s.name AND g.revision = s.revision
        ORDER BY s.tenant, s.name FOR UPDATE OF s)
    UPDATE {schema}.{prefix}schedules s
    SET revision = locked.revision + 1, due_at = locked.due_at, record = locked.record
    FROM locked WHERE s.tenant = locked.tenant AND s.name = locked.name
        AND s.revision = locked.revision
    RETURNING s.tenant, s.name";
const DELETE: &str = "DELETE FROM {schema}.{prefix}schedules
    WHERE tenant = $1 AND name = $2 AND revision = $3";
const ONE: &str = "SELECT tenant, name, record FROM {schema}.{prefix}schedules
    WHERE tenant = $1 AND name = $2";
/// No name is empty: this begins with the first.
const PAGE: &str = "SELECT tenant, name, record FROM {schema}.{prefix}schedules
    WHERE (tenant, name) > ($1, $2) ORDER BY tenant, name LIMIT $3";
const PAGE_OF: &str = "SELECT tenant, name, record FROM {schema}.{prefix}schedules
    WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3";
const DUE: &str = "SELECT due_at, tenant, name, record FROM {schema}.{prefix}schedules
    WHERE due_at IS NOT NULL AND due_at <= {now} AND (due_at, tenant, name) > ($2, $3, $4)
    ORDER BY due_at, tenant, name LIMIT $5";
const NEXT: &str = "SELECT due_at FROM {schema}.{prefix}schedules
    WHERE due_at IS NOT NULL AND due_at > $1 ORDER BY due_at LIMIT 1";

#[async_trait]
impl Schedules for PostgresStorage {
    async fn put_schedules(&self, schedules: &[JobSchedule]) -> Result<Vec<WriteResult>> {
        const OPERATION: &str = "store schedules";
        check_batch(OPERATION, schedules.len())?;
        let mut session = self.session(OPERATION).await?;
        session.begin().await?;
        let given: Vec<&JobSchedule> = schedules.iter().collect();
        let written = self.write_schedules(&mut session, &given).await?;
        session.commit().await?;
        self.events.changed();
        let answer = |is_written| match is_written {
            true => WriteResult::Written,
            false => WriteResult::Conflict,
        };
        Ok(written.into_iter().map(answer).collect())
    }

    async fn schedule(&self, key: &ScheduleKey) -> Result<Option<JobSchedule>> {
        let [tenant, name] = stored_key(key);
        let mut session = self.session("read a schedule").await?;
        let row = session.row(self.query(ONE).bind(tenant).bind(name)).await?;
        let read = row.as_ref().map(|row| {
            let mut columns = Columns::new(row);
            let key = read_key(&mut columns)?;
            decoded(&key, &columns.text()?)
        });
        session.told(read.transpose())
    }

    async fn schedules(&self, request: &SchedulePageRequest) -> Result<SchedulePage> {
        let SchedulePageRequest { tenant, after, limit } = request;
        let limit = (*limit).min(SCHEDULES_MAX);
        let after = after.as_ref().map_or_else(Default::default, stored_key);
        // A place in another tenant is before all of this one, or behind it.
        let (sql, [from_tenant, from_name]) = match tenant {
            Some(tenant) if after[0].as_str() > tenant.as_str() => {
                return Ok(SchedulePage::default());
            }
            Some(tenant) if after[0].as_str() < tenant.as_str() => {
                (PAGE_OF, [tenant.as_str().to_owned(), String::new()])
            }
            Some(_) => (PAGE_OF, after),
            None => (PAGE, after),
        };
        let mut session = self.session("list schedules").await?;
        let query = self.query(sql).bind(from_tenant).bind(from_name).bind(limit as i64);
        let rows = session.rows(query).await?;
        session.told(read_page(&rows, limit))
    }

    async fn delete_schedule(&self, key: &ScheduleKey, revision: u64) -> Result<WriteResult> {
        let [tenant, name] = stored_key(key);
        let query = self.query(DELETE).bind(tenant).bind(name).bind(revision.cast_signed());
        let mut session = self.session("delete a schedule").await?;
        let is_gone = session.change(query).await? > 0;
        self.events.changed();
        Ok(if is_gone { WriteResult::Written } else { WriteResult::Conflict })
    }

    async fn due_schedules(&self, after: Option<&DuePlace>, limit: usize) -> Result<DuePage> {
        let limit = limit.min(SCHEDULES_MAX);
        let from = after.map_or(i64::MIN, |place| place.due_at.as_micros());
        let [tenant, name] = after.map_or_else(Default::default, |place| stored_key(&place.key));
        let mut session = self.session("list due schedules").await?;
        let query = self.query(DUE).bind(from).bind(tenant).bind(name).bind(limit as i64);
        let rows = session.rows(query).await?;
        session.told(read_due(&rows, limit))
    }

    async fn next_due_after(&self, instant: Timestamp) -> Result<Option<Timestamp>> {
        let mut session = self.session("read the next fire time").await?;
        let row = session.row(self.query(NEXT).bind(instant.as_micros())).await?;
        let next = row.as_ref().map(|row| Columns::new(row).time());
        session.told(next.transpose())
    }

    async fn fire(&self, requests: &[FireRequest]) -> Result<Vec<FireResult>> {
        const OPERATION: &str = "fire schedules";
        check_fire(OPERATION, requests)?;
        let mut session = self.session(OPERATION).await?;
        session.begin().await?;
        // One that was decided on no stored schedule would make one.
        let is_known = |request: &&FireRequest| request.schedule.revision > 0;
        let given: Vec<&JobSchedule> =
            requests.iter().filter(is_known).map(|request| &request.schedule).collect();
        let mut written = self.write_schedules(&mut session, &given).await?.into_iter();
        let fired: Vec<bool> = requests
            .iter()
            .map(|request| is_known(&request) && written.next().unwrap_or_default())
            .collect();
        let runs: Vec<NewRun> = requests
            .iter()
            .zip(&fired)
            .filter(|(_, fired)| **fired)
            .flat_map(|(request, _)| request.runs.iter().cloned())
            .collect();
        // A run of an id that is there already is its fire time's own.
        let stored = self.insert(&mut session, &NewRuns::of(&runs)).await?;
        session.commit().await?;
        self.tell_stored(&runs, &stored);
        let answer = |fired| if fired { FireResult::Fired } else { FireResult::Superseded };
        Ok(fired.into_iter().map(answer).collect())
    }
}

impl PostgresStorage {
    /// Writes schedules over the revisions that they carry, as if one after the other, and
    /// answers which were written.
    async fn write_schedules(
        &self,
        session: &mut Session<'_>,
        schedules: &[&JobSchedule],
    ) -> Result<Vec<bool>> {
        let (mut written, mut rest) = (Vec::with_capacity(schedules.len()), schedules);
        while !rest.is_empty() {
            // Up to the second of two with one key: a statement writes a row once.
            let mut seen = HashSet::with_capacity(rest.len());
            let repeated = rest.iter().position(|schedule| !seen.insert(&schedule.key));
            let (distinct, later) = rest.split_at(repeated.unwrap_or(rest.len()));
            written.extend(self.write_distinct(session, distinct).await?);
            rest = later;
        }
        Ok(written)
    }

    async fn write_distinct(
        &self,
        session: &mut Session<'_>,
        schedules: &[&JobSchedule],
    ) -> Result<Vec<bool>> {
        let (new, known): (Vec<_>, Vec<_>) =
            schedules.iter().copied().partition(|schedule| schedule.revision == 0);
        let mut written = HashSet::new();
        for (sql, rows) in [(INSERT, new), (UPDATE, known)] {
            if !rows.is_empty() {
                let rows = session.rows(self.given(sql, &rows)).await?;
                let keys = rows.iter().map(|row| read_key(&mut Columns::new(row)));
                written.extend(session.told(keys.collect::<DbResult<Vec<_>>>())?);
            }
        }
        Ok(schedules.iter().map(|schedule| written.contains(&schedule.key)).collect())
    }

    fn given(&self, sql: &'static str, schedules: &[&JobSchedule]) -> Bound {
        let (mut tenants, mut names, mut revisions) = (Vec::new(), Vec::new(), Vec::new());
        let (mut due_at, mut records) = (Vec::new(), Vec::new());
        for schedule in schedules {
            let [tenant, name] = stored_key(&schedule.key);
            tenants.push(tenant);
            names.push(name);
            revisions.push(schedule.revision.cast_signed());
            due_at.push(schedule.due_at().map(Timestamp::as_micros));
            let revision = schedule.revision + 1;
            let stored = JobSchedule { revision, ..JobSchedule::clone(schedule) };
            records.push(serde_json::to_string(&stored).expect("schedules serialise"));
        }
        self.query(sql).bind(tenants).bind(names).bind(revisions).bind(due_at).bind(records)
    }
}

fn stored_key(key: &ScheduleKey) -> [String; 2] {
    [key.tenant.as_str().to_owned(), key.name.as_str().to_owned()]
}

fn read_key(columns: &mut Columns<'_>) -> DbResult<ScheduleKey> {
    Ok(ScheduleKey { tenant: columns.name(TenantId::new)?, name: columns.name(ScheduleName::new)? })
}

fn read_page(rows: &[PgRow], limit: usize) -> DbResult<SchedulePage> {
    let mut page = SchedulePage::default();
    for (at, row) in rows.iter().enumerate() {
        let mut columns = Columns::new(row);
        let key = read_key(&mut columns)?;
        page.schedules.extend(readable(&key, &columns.text()?)?);
        page.next = Some(key).filter(|_| at + 1 == limit);
    }
    Ok(page)
}

fn read_due(rows: &[PgRow], limit: usize) -> DbResult<DuePage> {
    let mut page = DuePage::default();
    for (at, row) in rows.iter().enumerate() {
        let mut columns = Columns::new(row);
        let place = DuePlace { due_at: columns.time()?, key: read_key(&mut columns)? };
        page.schedules.extend(readable(&place.key, &columns.text()?)?);
        page.next = Some(place).filter(|_| at + 1 == limit);
    }
    Ok(page)
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
