//! Keys of unique runs and of requests that may be repeated.
//!
//! **Invariant:** a key's row is locked before the run that took it is looked at, and rows in the
//! order of keys, then runs in the order of ids. So of several that want one key each sees what
//! the one before it did, and none waits in a circle. Whoever has a key's lock and finds the run
//! waiting may still be overtaken by a claim: where the run is to change, it is locked too. A run
//! that has ended is never locked behind a key, for those who requeue or delete it lock it first.

use std::collections::{HashMap, HashSet};

use sqlx::postgres::PgRow;
use uuid::Uuid;
use zapjobs_model::unique::plan::{Change, Fate, Known, Plan, keys_of, plan};
use zapjobs_model::unique::{Fingerprint, KeyRecord, OnConflict, Standing, Term};
use zapjobs_model::{NewRun, RunId, RunStatus, Timestamp, UniqueKey, Until};
use zapjobs_storage::{EnqueueResult, Result, key_taken};

use super::enqueue::NewRuns;
use crate::PostgresStorage;
use crate::error::{DbError, DbResult};
use crate::row::{Columns, SELECT_RUN, read_run};
use crate::session::Session;
use crate::storage::row_limit;

/// Keys that end with their time and go in one statement at most.
const KEYS_PRUNED_MAX: usize = 1_000;
/// Such statements in one pruning at most.
const PRUNE_STATEMENTS_MAX: usize = 100;

/// Locks the rows of keys; one that is not there is made, and is over.
const LOCK: &str = "INSERT INTO {schema}.{prefix}keys AS k (key, run, expires_at)
    SELECT key, key, -9223372036854775808 FROM unnest($1::uuid[]) AS t (key) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET key = k.key";
const LOCK_HOLDERS: &str = "SELECT 1 FROM {schema}.{prefix}runs WHERE id IN (
        SELECT run FROM {schema}.{prefix}keys WHERE key = ANY ($1))
    AND status IN (0, 1, 6) ORDER BY id FOR UPDATE";
const KNOWN: &str = "SELECT k.key, k.run, k.until, k.expires_at, k.fingerprint, r.status,
        r.started_at IS NOT NULL
    FROM {schema}.{prefix}keys k LEFT JOIN {schema}.{prefix}runs r ON r.id = k.run
    WHERE k.key = ANY ($1)";
const STORED: &str = "SELECT id FROM {schema}.{prefix}runs WHERE id = ANY ($1)";
const TAKE: &str = "UPDATE {schema}.{prefix}keys k SET run = t.run, until = t.until,
        expires_at = t.expires_at, fingerprint = t.fingerprint
    FROM unnest($1::uuid[], $2::uuid[], $3::int2[], $4::int8[], $5::uuid[])
        AS t (key, run, until, expires_at, fingerprint)
    WHERE k.key = t.key";
const CHANGE: &str = "WITH changed AS (
        UPDATE {schema}.{prefix}runs SET priority = $2, due_at = $3, status = $4,
            input_bytes = octet_length($5)
        WHERE id = $1)
    UPDATE {schema}.{prefix}inputs SET input = $5, deadline = $6 WHERE id = $1";
const HOLD: &str = "SELECT unique_key, unique_until FROM {schema}.{prefix}runs WHERE id = $1";
const PRUNE: &str = "DELETE FROM {schema}.{prefix}keys WHERE key = ANY (ARRAY(
    SELECT key FROM {schema}.{prefix}keys WHERE expires_at IS NOT NULL AND expires_at <= {now}
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

impl PostgresStorage {
    /// Stores a batch in which runs have keys.
    pub(super) async fn enqueue_with_keys(
        &self,
        session: &mut Session<'_>,
        operation: &'static str,
        runs: &[NewRun],
    ) -> Result<Vec<EnqueueResult>> {
        session.begin().await?;
        let keys: Vec<Uuid> = keys_of(runs).into_iter().map(|key| key.0).collect();
        session.change(self.query(LOCK).bind(keys.clone())).await?;
        let replaces = |run: &NewRun| {
            run.unique.is_some_and(|unique| unique.on_conflict == OnConflict::Replace)
        };
        if runs.iter().any(replaces) {
            session.rows(self.query(LOCK_HOLDERS).bind(keys.clone())).await?;
        }
        let known = self.known(session, keys).await?;
        let there = self.stored_ids(session, runs).await?;
        let now = session.now().await?;
        let planned = plan(runs, now, |id| there.contains(&id), |key| known.get(&key).copied());
        let Plan { mut fates, stored, changes, records } = match planned {
            Ok(plan) => plan,
            Err(taken) => {
                session.roll_back().await?;
                return Err(key_taken(operation, taken));
            }
        };
        let inserted = self.insert(session, &NewRuns::of(&stored)).await?;
        let mut changed = Vec::new();
        for (id, change) in changes {
            changed.push(self.write_change(session, id, change, now).await?);
        }
        self.take(session, records.into_iter().collect()).await?;
        session.commit().await?;
        for (run, fate) in runs.iter().zip(&mut fates) {
            // Another stored a run of this id meanwhile.
            if *fate == Fate::Stored && !inserted.0.contains_key(&run.id.0) {
                *fate = Fate::Duplicate;
            }
        }
        self.tell_stored(&stored, &inserted);
        for (queue, status) in changed {
            match status {
                RunStatus::Pending => self.events.ready_named(&queue),
                _ => self.events.scheduled(),
            }
        }
        Ok(fates.into_iter().map(EnqueueResult::from).collect())
    }

    /// Within a transaction, takes a finished run's key again; answers who holds it, if another
    /// does.
    pub(super) async fn retake(
        &self,
        session: &mut Session<'_>,
        run: RunId,
    ) -> Result<Option<RunId>> {
        let row = session.row(self.query(HOLD).bind(run.0)).await?;
        let hold = row.as_ref().map(|row| Columns::new(row).unique()).transpose();
        let Some(hold) = session.told(hold)?.flatten() else { return Ok(None) };
        let keys = vec![hold.key.0];
        session.change(self.query(LOCK).bind(keys.clone())).await?;
        let known = self.known(session, keys).await?;
        let now = session.now().await?;
        if let Some((record, standing)) = known.get(&hold.key)
            && let Some(holder) = record.obstacle(run, *standing, now)
        {
            return Ok(Some(holder));
        }
        let record = KeyRecord { run, term: Term::Until(hold.until), fingerprint: None };
        self.take(session, vec![(hold.key, record)]).await?;
        Ok(None)
    }

    /// Forgets keys whose time is over, earliest first.
    pub(super) async fn prune_keys(&self, session: &mut Session<'_>) -> Result<()> {
        for _ in 0..PRUNE_STATEMENTS_MAX {
            let query = self.query(PRUNE).bind(row_limit(KEYS_PRUNED_MAX));
            if session.change(query).await? < KEYS_PRUNED_MAX as u64 {
                break;
            }
        }
        Ok(())
    }

    async fn known(
        &self,
        session: &mut Session<'_>,
        keys: Vec<Uuid>,
    ) -> Result<HashMap<UniqueKey, Known>> {
        let rows = session.rows(self.query(KNOWN).bind(keys)).await?;
        session.told(rows.iter().map(read_known).collect())
    }

    async fn stored_ids(
        &self,
        session: &mut Session<'_>,
        runs: &[NewRun],
    ) -> Result<HashSet<RunId>> {
        let ids: Vec<Uuid> = runs.iter().map(|run| run.id.0).collect();
        let rows = session.rows(self.query(STORED).bind(ids)).await?;
        let read = rows.iter().map(|row| Ok(RunId(Columns::new(row).value()?)));
        session.told(read.collect::<DbResult<_>>())
    }

    async fn take(
        &self,
        session: &mut Session<'_>,
        records: Vec<(UniqueKey, KeyRecord)>,
    ) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let keys: Vec<Uuid> = records.iter().map(|(key, _)| key.0).collect();
        let runs: Vec<Uuid> = records.iter().map(|(_, record)| record.run.0).collect();
        let (mut until, mut ends) = (Vec::new(), Vec::new());
        for (_, record) in &records {
            let (term, end) = match record.term {
                Term::Until(until) => (Some(i16::from(until.code())), None),
                Term::Before(end) => (None, Some(end.as_micros())),
            };
            until.push(term);
            ends.push(end);
        }
        let fingerprints: Vec<Option<Uuid>> =
            records.iter().map(|(_, record)| record.fingerprint.map(|it| it.0)).collect();
        let query = self.query(TAKE).bind(keys).bind(runs).bind(until).bind(ends);
        session.change(query.bind(fingerprints)).await.map(drop)
    }

    /// Changes a run that waits, was never started, and is locked. Answers where it waits.
    async fn write_change(
        &self,
        session: &mut Session<'_>,
        id: RunId,
        change: Change,
        now: Timestamp,
    ) -> Result<(String, RunStatus)> {
        let row = session.row(self.query(SELECT_RUN).bind(id.0)).await?;
        let row = row.ok_or_else(|| DbError::corrupt("a locked run is gone"));
        let mut run = session.told(row.and_then(|row| read_run(&row)))?;
        change.apply(&mut run, now);
        let query = self.query(CHANGE).bind(id.0).bind(run.priority.get());
        let query = query.bind(run.due_at.as_micros()).bind(i16::from(run.status.code()));
        let query = query.bind(run.input.as_str().to_owned());
        session.change(query.bind(run.deadline.map(|time| time.as_micros()))).await?;
        Ok((run.queue.as_str().to_owned(), run.status))
    }
}

fn read_known(row: &PgRow) -> DbResult<(UniqueKey, Known)> {
    let mut columns = Columns::new(row);
    let key = UniqueKey(columns.value()?);
    let run = RunId(columns.value()?);
    let until: Option<i16> = columns.value()?;
    let term = match (until, columns.optional_time()?) {
        (_, Some(end)) => Term::Before(end),
        (until, None) => Term::Until(
            until
                .and_then(|code| Until::from_code(code.into()))
                .ok_or_else(|| DbError::corrupt(format!("unknown term of a key {until:?}")))?,
        ),
    };
    let fingerprint = columns.value::<Option<Uuid>>()?.map(Fingerprint);
    // A run that was set aside has a status that is none: it holds nothing.
    let status: Option<i16> = columns.value()?;
    let status = status.and_then(|code| RunStatus::from_code(code.into()));
    let was_started = columns.value()?;
    let standing = status.map(|status| Standing { status, was_started });
    Ok((key, (KeyRecord { run, term, fingerprint }, standing)))
}
