//! Signals to runs, and waits of runs.
//!
//! **Invariant:** whatever looks at signals or waits to write by them has locked the run by a
//! statement before: of two that meet, the second sees all that the first wrote.

use async_trait::async_trait;
use zapjobs_model::signal::{SIGNALS_PENDING_MAX, received};
use zapjobs_model::step::has_room;
use zapjobs_model::wait::stands;
use zapjobs_model::{
    Json, Lease, LeaseKey, RunId, RunStatus, Signal, SignalName, StepName, Suspension, Timestamp,
    Wait,
};
use zapjobs_storage::{
    ApplyResult, Result, SendSignalResult, Signals, TakeSignalResult, check_signal,
    check_suspension,
};

use crate::PostgresStorage;
use crate::error::{DbError, DbResult};
use crate::row::Columns;
use crate::session::Session;

/// The run, locked like by all that changes it.
const LOCK: &str =
    "SELECT status, lease, queue FROM {schema}.{prefix}runs WHERE id = $1 FOR UPDATE";
/// Keeps a signal if there is room, and makes its run ready if that waits for it: the run is
/// locked and scheduled under the lease `$6`, or stands otherwise where that is none. Answers
/// whether it is kept, and whether the run was woken.
const SEND: &str = "WITH kept AS MATERIALIZED (
        SELECT count(*) AS signals, coalesce(max(place), -1) + 1 AS place
        FROM {schema}.{prefix}signals WHERE id = $2),
    added AS (
        INSERT INTO {schema}.{prefix}signals (id, place, name, at, payload)
        SELECT $2, place, $3, {now}, $4 FROM kept WHERE signals < $5 RETURNING id),
    awaited AS MATERIALIZED (
        SELECT id FROM {schema}.{prefix}waits WHERE id = $2 AND lease = $6 AND signal = $3),
    woken AS (
        UPDATE {schema}.{prefix}runs r SET status = 0, due_at = {now}
        FROM awaited WHERE r.id = awaited.id AND EXISTS (SELECT FROM added) RETURNING r.id)
    SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM woken)";
/// What is known of a step and of the signal that is to be its result.
const LOOK: &str = "SELECT
        (SELECT result FROM {schema}.{prefix}steps WHERE id = $1 AND name = $2),
        (SELECT count(*) FROM {schema}.{prefix}steps WHERE id = $1),
        (SELECT coalesce(sum(bytes), 0)::int8 FROM {schema}.{prefix}steps WHERE id = $1),
        first.place, first.payload
    FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
        SELECT place, payload FROM {schema}.{prefix}signals WHERE id = $1 AND name = $3
        ORDER BY place LIMIT 1) AS first ON true";
const TAKE: &str = "WITH added AS (
        INSERT INTO {schema}.{prefix}steps (id, name, place, at, bytes, result)
        VALUES ($2, $3, $4, {now}, $5, $6))
    DELETE FROM {schema}.{prefix}signals WHERE id = $2 AND place = $7";
const HAS: &str = "SELECT EXISTS (
        SELECT FROM {schema}.{prefix}signals WHERE id = $1 AND name = $2)";
const WAIT: &str = "INSERT INTO {schema}.{prefix}waits (id, lease, until, signal)
    VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE
    SET lease = excluded.lease, until = excluded.until, signal = excluded.signal";
const WAIT_OF: &str = "SELECT w.lease, r.status, r.lease, w.until, w.signal
    FROM {schema}.{prefix}waits w JOIN {schema}.{prefix}runs r ON r.id = w.id WHERE w.id = $1";
const ALL: &str = "SELECT name, payload, at FROM {schema}.{prefix}signals WHERE id = $1
    ORDER BY place";

/// How a run stands that is locked.
struct Locked {
    /// `None` where its record was set aside.
    status: Option<RunStatus>,
    lease: i64,
    queue: String,
}

#[async_trait]
impl Signals for PostgresStorage {
    async fn send_signal(
        &self,
        run: RunId,
        name: &SignalName,
        payload: &Json,
    ) -> Result<SendSignalResult> {
        const OPERATION: &str = "send the signal";
        check_signal(OPERATION, payload)?;
        let mut session = self.session(OPERATION).await?;
        session.begin().await?;
        let locked = self.lock_run(&mut session, run).await?;
        let Some((status, locked)) = locked.and_then(|it| Some((it.status?, it))) else {
            session.roll_back().await?;
            return Ok(SendSignalResult::NotFound);
        };
        if status.is_final() {
            session.roll_back().await?;
            return Ok(SendSignalResult::Ended(status));
        }
        let lease = (status == RunStatus::Scheduled).then_some(locked.lease);
        let query = self.query(SEND).bind(run.0).bind(name.as_str().to_owned());
        let query = query.bind(payload.as_str().to_owned()).bind(signed(SIGNALS_PENDING_MAX));
        let row = session.row(query.bind(lease)).await?;
        let read = row.as_ref().map(|row| {
            let mut columns = Columns::new(row);
            Ok((columns.bits()? > 0, columns.bits()? > 0))
        });
        let (is_kept, is_woken) = session.told(read.transpose())?.unwrap_or_default();
        session.commit().await?;
        if is_woken {
            self.events.ready_named(&locked.queue);
        }
        Ok(match (is_kept, is_woken) {
            (false, _) => SendSignalResult::Full,
            (true, false) => SendSignalResult::Kept,
            (true, true) => SendSignalResult::Woke,
        })
    }

    async fn take_signal(
        &self,
        key: LeaseKey,
        name: &SignalName,
        step: &StepName,
    ) -> Result<TakeSignalResult> {
        let mut session = self.session("take a signal").await?;
        session.begin().await?;
        let answer = self.take_for_step(&mut session, key, name, step).await?;
        session.commit().await?;
        Ok(answer)
    }

    async fn suspend(&self, suspension: &Suspension) -> Result<ApplyResult> {
        const OPERATION: &str = "suspend the run";
        check_suspension(OPERATION, suspension)?;
        let key = suspension.transition.key;
        let mut session = self.session(OPERATION).await?;
        session.begin().await?;
        let Some(locked) = self.lock_run(&mut session, key.run).await? else {
            session.roll_back().await?;
            return Ok(ApplyResult::NotFound);
        };
        let has_signal = match &suspension.wait.signal {
            Some(name) => self.has_signal(&mut session, key.run, name).await?,
            None => false,
        };
        let transition = suspension.decide(has_signal);
        let answers =
            self.apply_transitions(&mut session, std::slice::from_ref(&transition)).await?;
        let answer = answers.first().copied().unwrap_or(ApplyResult::NotFound);
        if answer == ApplyResult::Applied {
            let Wait { signal, until } = &suspension.wait;
            let query = self.query(WAIT).bind(key.run.0).bind(i64::from(key.lease.0));
            let signal = signal.as_ref().map(|name| name.as_str().to_owned());
            session.change(query.bind(until.as_micros()).bind(signal)).await?;
        }
        session.commit().await?;
        // What was told before the commit may have been looked for too early.
        match transition.status {
            _ if answer != ApplyResult::Applied => {}
            RunStatus::Pending => self.events.ready_named(&locked.queue),
            _ => self.events.scheduled(),
        }
        Ok(answer)
    }

    async fn wait_of(&self, run: RunId) -> Result<Option<Wait>> {
        let mut session = self.session("read what the run waits for").await?;
        let row = session.row(self.query(WAIT_OF).bind(run.0)).await?;
        let wait = row.as_ref().map(|row| read_wait(&mut Columns::new(row)));
        Ok(session.told(wait.transpose())?.flatten())
    }

    async fn signals(&self, run: RunId) -> Result<Vec<Signal>> {
        let mut session = self.session("read the signals").await?;
        let rows = session.rows(self.query(ALL).bind(run.0)).await?;
        let read = rows.iter().map(|row| {
            let mut columns = Columns::new(row);
            Ok(Signal {
                name: columns.name(SignalName::new)?,
                payload: columns.json("payload")?,
                at: columns.time()?,
            })
        });
        session.told(read.collect::<DbResult<_>>())
    }
}

impl PostgresStorage {
    async fn lock_run(&self, session: &mut Session<'_>, run: RunId) -> Result<Option<Locked>> {
        let row = session.row(self.query(LOCK).bind(run.0)).await?;
        let locked = row.as_ref().map(|row| {
            let mut columns = Columns::new(row);
            let status = RunStatus::from_code(columns.value::<i16>()?.into());
            Ok(Locked { status, lease: columns.value()?, queue: columns.value()? })
        });
        session.told(locked.transpose())
    }

    async fn has_signal(
        &self,
        session: &mut Session<'_>,
        run: RunId,
        name: &SignalName,
    ) -> Result<bool> {
        let query = self.query(HAS).bind(run.0).bind(name.as_str().to_owned());
        let row = session.row(query).await?;
        let has = row.as_ref().map(|row| Columns::new(row).value());
        Ok(session.told(has.transpose())?.unwrap_or_default())
    }

    async fn take_for_step(
        &self,
        session: &mut Session<'_>,
        key: LeaseKey,
        name: &SignalName,
        step: &StepName,
    ) -> Result<TakeSignalResult> {
        let is_held = self.lock_run(session, key.run).await?.is_some_and(|run| {
            run.status == Some(RunStatus::Running) && run.lease == i64::from(key.lease.0)
        });
        if !is_held {
            return Ok(TakeSignalResult::Stale);
        }
        let query = self.query(LOOK).bind(key.run.0).bind(step.as_str().to_owned());
        let row = session.row(query.bind(name.as_str().to_owned())).await?;
        let Some(row) = row else { return Ok(TakeSignalResult::Nothing) };
        let mut columns = Columns::new(&row);
        if let Some(earlier) = session.told(columns.optional_json("result"))? {
            return Ok(TakeSignalResult::Recorded(earlier));
        }
        let (steps, bytes) = (session.told(columns.bits())?, session.told(columns.bits())?);
        let place: Option<i64> = session.told(columns.value())?;
        let payload = session.told(columns.optional_json("payload"))?;
        let (Some(place), Some(payload)) = (place, payload) else {
            return Ok(TakeSignalResult::Nothing);
        };
        let result = received(&payload);
        let more = result.as_str().len() as u64;
        if !has_room(steps, bytes, more) {
            return Ok(TakeSignalResult::Full);
        }
        let query = self.query(TAKE).bind(key.run.0).bind(step.as_str().to_owned());
        let query = query.bind(signed(steps)).bind(signed(more));
        session.change(query.bind(result.as_str().to_owned()).bind(place)).await?;
        Ok(TakeSignalResult::Recorded(result))
    }
}

fn read_wait(columns: &mut Columns<'_>) -> DbResult<Option<Wait>> {
    let wait_lease = Lease(columns.count()?);
    let status = RunStatus::from_code(columns.value::<i16>()?.into());
    let lease = Lease(columns.count()?);
    let until: Timestamp = columns.time()?;
    let signal: Option<String> = columns.value()?;
    let signal = signal.map(|name| SignalName::new(&name)).transpose();
    let signal = signal.map_err(|error| DbError::corrupt(error.to_string()))?;
    let is_there = status.is_some_and(|status| stands(wait_lease, status, lease));
    Ok(is_there.then_some(Wait { signal, until }))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
