//! A run to columns and back. The only place that knows the order of columns.
//!
//! **Invariant:** what is read is checked as if it came from outside. A record that cannot be
//! read is an error of that record, and never of those beside it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use uuid::Uuid;
use zapjobs_model::{
    BatchId, Blame, CorrelationId, Digest, InvalidName, ItemCounts, JobType, Json, Lease, LimitKey,
    Priority, Progress, QueueName, Run, RunError, RunId, RunStatus, Tag, TenantId, Timestamp,
    Trigger, UniqueHold, UniqueKey, Until, Usage, WorkerId,
};

use crate::error::{DbError, DbResult};
use crate::text::from_stored;

/// What [`read_run`] takes, from `runs r` joined with `inputs i` and `outcomes o`.
macro_rules! run_columns {
    () => {
        "r.id, r.tenant, i.job_type, r.queue, r.priority, r.trigger_code, r.status, \
         i.created_at, r.due_at, r.started_at, r.finished_at, r.lease_expires_at, r.attempt, \
         r.host_faults, r.lease, r.cancel_requested, r.worker, r.digest, \
         i.max_attempts, i.deadline, i.correlation_id, i.parent, i.tags, i.metadata, i.input, \
         r.limit_key, r.unique_key, r.unique_until, r.batch, \
         o.output, o.error_type, o.error_message, o.error_blame, o.error_details, \
         o.progress_done, o.progress_total, o.progress_message, \
         o.items_processed, o.items_succeeded, o.items_failed, \
         o.cpu_us, o.wall_us, o.memory_bytes_peak, o.log_bytes, o.log_lines, \
         o.log_lines_dropped, o.output_bytes, o.wait_us, o.http_requests, o.http_sent_bytes, \
         o.http_received_bytes"
    };
}

/// The same for a run that was just claimed: a new lease has no outcome yet.
macro_rules! claimed_columns {
    () => {
        "r.id, r.tenant, i.job_type, r.queue, r.priority, r.trigger_code, r.status, \
         i.created_at, r.due_at, r.started_at, r.finished_at, r.lease_expires_at, r.attempt, \
         r.host_faults, r.lease, r.cancel_requested, r.worker, r.digest, \
         i.max_attempts, i.deadline, i.correlation_id, i.parent, i.tags, i.metadata, i.input, \
         r.limit_key, r.unique_key, r.unique_until, r.batch"
    };
}

/// An outcome counts only under the run's latest lease.
macro_rules! run_joins {
    () => {
        " LEFT JOIN {schema}.{prefix}inputs i ON i.id = r.id \
          LEFT JOIN {schema}.{prefix}outcomes o ON o.id = r.id AND o.lease = r.lease "
    };
}

pub(crate) use {claimed_columns, run_columns, run_joins};

/// One run by its id.
pub(crate) const SELECT_RUN: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM {schema}.{prefix}runs r",
    run_joins!(),
    "WHERE r.id = $1"
);

/// The run in a row of [`run_columns`].
pub(crate) fn read_run(row: &PgRow) -> DbResult<Run> {
    let mut columns = Columns::new(row);
    let run = read_claimed(&mut columns)?;
    Ok(Run {
        // In the order of the columns: fields are evaluated as they stand here.
        output: columns.optional_json("output")?,
        error: columns.error()?,
        progress: columns.progress()?,
        counts: columns.item_counts()?,
        usage: columns.usage()?,
        ..run
    })
}

/// The run in a row of [`claimed_columns`], without an outcome.
pub(crate) fn read_claimed(columns: &mut Columns<'_>) -> DbResult<Run> {
    Ok(Run {
        // In the order of the columns: fields are evaluated as they stand here.
        id: RunId(columns.value()?),
        tenant: columns.name(TenantId::new)?,
        job_type: columns.name(JobType::new)?,
        queue: columns.name(QueueName::new)?,
        priority: columns.priority()?,
        trigger: columns.code("trigger", Trigger::from_code)?,
        status: columns.code("status", RunStatus::from_code)?,
        created_at: columns.time()?,
        due_at: columns.time()?,
        started_at: columns.optional_time()?,
        finished_at: columns.optional_time()?,
        lease_expires_at: columns.optional_time()?,
        attempt: columns.count()?,
        host_faults: columns.count()?,
        lease: Lease(columns.count()?),
        cancel_requested: columns.value()?,
        worker: columns.value::<Option<Uuid>>()?.map(WorkerId),
        digest: columns.digest()?,
        max_attempts: columns.count()?,
        deadline: columns.optional_time()?,
        correlation_id: columns.optional_name(CorrelationId::new)?,
        parent: columns.value::<Option<Uuid>>()?.map(RunId),
        tags: columns.decoded::<Vec<Tag>>("tags")?,
        metadata: columns.decoded::<BTreeMap<String, String>>("metadata")?,
        input: columns.json("input")?,
        limit_key: columns.optional_name(LimitKey::new)?,
        unique: columns.unique()?,
        batch: columns.value::<Option<Uuid>>()?.map(BatchId),
        output: None,
        error: None,
        progress: Progress::default(),
        counts: ItemCounts::default(),
        usage: Usage::default(),
    })
}

/// Takes a row's columns one after the other.
pub(crate) struct Columns<'a> {
    row: &'a PgRow,
    at: usize,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(row: &'a PgRow) -> Self {
        Self::from(row, 0)
    }

    /// The same from a later column on.
    pub(crate) fn from(row: &'a PgRow, at: usize) -> Self {
        Self { row, at }
    }

    pub(crate) fn value<T>(&mut self) -> DbResult<T>
    where
        T: Decode<'a, Postgres> + Type<Postgres>,
    {
        self.at += 1;
        Ok(self.row.try_get(self.at - 1)?)
    }

    fn raw(&mut self) -> DbResult<Option<&'a str>> {
        self.value()
    }

    /// Free text.
    pub(crate) fn text(&mut self) -> DbResult<String> {
        Ok(from_stored(self.value()?))
    }

    pub(crate) fn time(&mut self) -> DbResult<Timestamp> {
        Ok(Timestamp::from_micros(self.value()?))
    }

    pub(crate) fn optional_time(&mut self) -> DbResult<Option<Timestamp>> {
        Ok(self.value::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    /// A count of 32 bits, kept in 64 for the server has no unsigned numbers.
    pub(crate) fn count(&mut self) -> DbResult<u32> {
        let value: i64 = self.value()?;
        let count = u32::try_from(value);
        count.map_err(|_| DbError::corrupt(format!("the number {value} is out of bounds")))
    }

    /// A count that may use all 64 bits: the server's integers are signed, so the bits are kept.
    pub(crate) fn bits(&mut self) -> DbResult<u64> {
        Ok(self.optional_bits()?.unwrap_or(0))
    }

    pub(crate) fn optional_bits(&mut self) -> DbResult<Option<u64>> {
        Ok(self.value::<Option<i64>>()?.map(i64::cast_unsigned))
    }

    pub(crate) fn digest(&mut self) -> DbResult<Option<Digest>> {
        let Some(bytes) = self.value::<Option<&[u8]>>()? else { return Ok(None) };
        let bytes = <[u8; 32]>::try_from(bytes);
        let bytes = bytes.map_err(|_| DbError::corrupt("a digest is not 32 bytes long"))?;
        Ok(Some(Digest::from_bytes(bytes)))
    }

    pub(crate) fn name<T>(
        &mut self,
        check: impl Fn(&'a str) -> Result<T, InvalidName>,
    ) -> DbResult<T> {
        let name = self.optional_name(check)?;
        name.ok_or_else(|| DbError::corrupt("a name is missing"))
    }

    pub(crate) fn optional_name<T>(
        &mut self,
        check: impl Fn(&'a str) -> Result<T, InvalidName>,
    ) -> DbResult<Option<T>> {
        let checked = self.raw()?.map(check).transpose();
        checked.map_err(|error| DbError::corrupt(error.to_string()))
    }

    pub(crate) fn code<T>(
        &mut self,
        what: &str,
        from_code: impl Fn(i64) -> Option<T>,
    ) -> DbResult<T> {
        let code: i16 = self.value()?;
        from_code(code.into()).ok_or_else(|| DbError::corrupt(format!("unknown {what} {code}")))
    }

    pub(crate) fn optional_code<T>(
        &mut self,
        what: &str,
        from_code: impl Fn(i64) -> Option<T>,
    ) -> DbResult<Option<T>> {
        let Some(code) = self.value::<Option<i16>>()? else { return Ok(None) };
        let read = from_code(code.into());
        read.map(Some).ok_or_else(|| DbError::corrupt(format!("unknown {what} {code}")))
    }

    fn priority(&mut self) -> DbResult<Priority> {
        Priority::new(self.value()?).map_err(|error| DbError::corrupt(error.to_string()))
    }

    /// A value kept as JSON; its default where there is none.
    pub(crate) fn decoded<T: DeserializeOwned + Default>(&mut self, what: &str) -> DbResult<T> {
        let decoded = self.raw()?.map(serde_json::from_str).transpose();
        let value = decoded.map_err(|error| DbError::corrupt(format!("{what}: {error}")))?;
        Ok(value.unwrap_or_default())
    }

    pub(crate) fn json(&mut self, what: &str) -> DbResult<Json> {
        let json = self.optional_json(what)?;
        json.ok_or_else(|| DbError::corrupt(format!("the {what} is missing")))
    }

    pub(crate) fn optional_json(&mut self, what: &str) -> DbResult<Option<Json>> {
        let parsed = self.raw()?.map(Json::parse).transpose();
        parsed.map_err(|error| DbError::corrupt(format!("{what}: {error}")))
    }

    fn error(&mut self) -> DbResult<Option<RunError>> {
        let error_type = self.raw()?.map(from_stored);
        let message = self.raw()?.map(from_stored);
        let blame = self.optional_code("blame", blame_from_code)?;
        let details = self.optional_json("error details")?;
        let Some(error_type) = error_type else { return Ok(None) };
        let blame = blame.ok_or_else(|| DbError::corrupt("an error's blame is missing"))?;
        Ok(Some(RunError { error_type, message: message.unwrap_or_default(), details, blame }))
    }

    fn progress(&mut self) -> DbResult<Progress> {
        Ok(Progress {
            done: self.bits()?,
            total: self.optional_bits()?,
            message: self.raw()?.map(from_stored).unwrap_or_default(),
        })
    }

    fn item_counts(&mut self) -> DbResult<ItemCounts> {
        Ok(ItemCounts { processed: self.bits()?, succeeded: self.bits()?, failed: self.bits()? })
    }

    fn usage(&mut self) -> DbResult<Usage> {
        Ok(Usage {
            cpu_us: self.bits()?,
            wall_us: self.bits()?,
            memory_bytes_peak: self.bits()?,
            log_bytes: self.bits()?,
            log_lines: self.bits()?,
            log_lines_dropped: self.bits()?,
            output_bytes: self.bits()?,
            wait_us: self.bits()?,
            http_requests: self.bits()?,
            http_sent_bytes: self.bits()?,
            http_received_bytes: self.bits()?,
        })
    }
}

impl Columns<'_> {
    pub(crate) fn unique(&mut self) -> DbResult<Option<UniqueHold>> {
        let key = self.value::<Option<Uuid>>()?.map(UniqueKey);
        let until = self.value::<Option<i16>>()?;
        let (Some(key), Some(until)) = (key, until) else { return Ok(None) };
        let until = Until::from_code(until.into())
            .ok_or_else(|| DbError::corrupt(format!("unknown term of a key {until}")))?;
        Ok(Some(UniqueHold { key, until }))
    }
}

/// The stored number of a blame; it never changes meaning.
pub(crate) const fn blame_code(blame: Blame) -> i16 {
    match blame {
        Blame::Guest => 0,
        Blame::Host => 1,
        Blame::Operator => 2,
    }
}

fn blame_from_code(code: i64) -> Option<Blame> {
    match code {
        0 => Some(Blame::Guest),
        1 => Some(Blame::Host),
        2 => Some(Blame::Operator),
        _ => None,
    }
}

/// What is kept as JSON, unless it is empty.
pub(crate) fn encoded<T: serde::Serialize>(value: &T, is_empty: bool) -> Option<String> {
    let text = || serde_json::to_string(value).expect("names and texts always serialise");
    (!is_empty).then(text)
}
