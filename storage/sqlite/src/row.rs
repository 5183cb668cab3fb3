//! A run to columns and back. The only place that knows the order of columns.
//!
//! **Invariant:** what is read is checked as if it came from outside. A record that cannot be
//! read is an error of that record, and never of those beside it.

use std::collections::BTreeMap;

use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use zapjobs_model::{
    BatchId, Blame, CorrelationId, Digest, InvalidName, ItemCounts, JobType, Json, Lease, LimitKey,
    Priority, Progress, QueueName, Run, RunError, RunId, RunStatus, Tag, TenantId, Timestamp,
    Trigger, UniqueHold, UniqueKey, Until, Usage, WorkerId,
};

use crate::error::{DbError, DbResult};

/// What [`read_run`] takes, from `{prefix}runs r` joined by [`RUN_JOINS`].
macro_rules! run_columns {
    () => {
        "r.id, r.tenant, r.job_type, r.queue, r.priority, r.trigger_code, r.status, \
         r.created_at, r.due_at, r.started_at, r.finished_at, r.lease_expires_at, r.attempt, \
         r.host_faults, r.lease, r.cancel_requested, r.worker, r.digest, \
         i.max_attempts, i.deadline, i.correlation_id, i.parent, i.tags, i.metadata, i.input, \
         o.output, o.error_type, o.error_message, o.error_blame, o.error_details, \
         o.progress_done, o.progress_total, o.progress_message, \
         o.items_processed, o.items_succeeded, o.items_failed, \
         o.cpu_us, o.wall_us, o.memory_bytes_peak, o.log_bytes, o.log_lines, \
         o.log_lines_dropped, o.output_bytes, \
         o.wait_us, o.http_requests, o.http_sent_bytes, o.http_received_bytes, \
         r.limit_key, r.unique_key, r.unique_until, r.batch"
    };
}

/// An outcome counts only under the run's latest lease.
macro_rules! run_joins {
    () => {
        " LEFT JOIN {prefix}inputs i ON i.seq = r.seq \
          LEFT JOIN {prefix}outcomes o ON o.seq = r.seq AND o.lease = r.lease "
    };
}

pub(crate) const RUN_COLUMNS: &str = run_columns!();
pub(crate) const RUN_JOINS: &str = run_joins!();
/// One run by its id.
pub(crate) const SELECT_RUN: &str =
    concat!("SELECT ", run_columns!(), " FROM {prefix}runs r", run_joins!(), "WHERE r.id = ?1");

/// The run in a row of [`RUN_COLUMNS`].
pub(crate) fn read_run(row: &Row<'_>) -> DbResult<Run> {
    let mut columns = Columns::new(row);
    let run = Run {
        // In the order of the columns: fields are evaluated as they stand here.
        id: RunId(columns.uuid()?),
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
        attempt: columns.value()?,
        host_faults: columns.value()?,
        lease: Lease(columns.value()?),
        cancel_requested: columns.value()?,
        worker: columns.optional_uuid()?.map(WorkerId),
        digest: columns.digest()?,
        max_attempts: columns.value()?,
        deadline: columns.optional_time()?,
        correlation_id: columns.optional_name(CorrelationId::new)?,
        parent: columns.optional_uuid()?.map(RunId),
        tags: columns.decoded::<Vec<Tag>>("tags")?,
        metadata: columns.decoded::<BTreeMap<String, String>>("metadata")?,
        input: columns.json("input")?,
        output: columns.optional_json("output")?,
        error: columns.error()?,
        progress: columns.progress()?,
        counts: columns.item_counts()?,
        usage: columns.usage()?,
        limit_key: columns.optional_name(LimitKey::new)?,
        unique: columns.unique()?,
        batch: columns.optional_uuid()?.map(BatchId),
    };
    Ok(run)
}

/// Takes a row's columns one after the other.
pub(crate) struct Columns<'a> {
    row: &'a Row<'a>,
    at: usize,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(row: &'a Row<'a>) -> Self {
        Self { row, at: 0 }
    }

    pub(crate) fn value<T: FromSql>(&mut self) -> DbResult<T> {
        self.at += 1;
        Ok(self.row.get(self.at - 1)?)
    }

    fn text(&mut self) -> DbResult<Option<&'a str>> {
        self.at += 1;
        let column = self.row.get_ref(self.at - 1)?;
        column.as_str_or_null().map_err(|error| DbError::corrupt(error.to_string()))
    }

    pub(crate) fn uuid(&mut self) -> DbResult<Uuid> {
        Ok(Uuid::from_bytes(self.value()?))
    }

    pub(crate) fn optional_uuid(&mut self) -> DbResult<Option<Uuid>> {
        Ok(self.value::<Option<[u8; 16]>>()?.map(Uuid::from_bytes))
    }

    pub(crate) fn time(&mut self) -> DbResult<Timestamp> {
        Ok(Timestamp::from_micros(self.value()?))
    }

    pub(crate) fn optional_time(&mut self) -> DbResult<Option<Timestamp>> {
        Ok(self.value::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    /// A count that may use all 64 bits: SQLite's integers are signed, so the bits are kept.
    pub(crate) fn bits(&mut self) -> DbResult<u64> {
        Ok(self.value::<Option<i64>>()?.unwrap_or(0).cast_unsigned())
    }

    pub(crate) fn optional_bits(&mut self) -> DbResult<Option<u64>> {
        Ok(self.value::<Option<i64>>()?.map(i64::cast_unsigned))
    }

    pub(crate) fn digest(&mut self) -> DbResult<Option<Digest>> {
        Ok(self.value::<Option<[u8; 32]>>()?.map(Digest::from_bytes))
    }

    pub(crate) fn name<T>(
        &mut self,
        check: impl Fn(&'a str) -> Result<T, InvalidName>,
    ) -> DbResult<T> {
        self.optional_name(check)?.ok_or_else(|| DbError::corrupt("a name is missing"))
    }

    pub(crate) fn optional_name<T>(
        &mut self,
        check: impl Fn(&'a str) -> Result<T, InvalidName>,
    ) -> DbResult<Option<T>> {
        let checked = self.text()?.map(check).transpose();
        checked.map_err(|error| DbError::corrupt(error.to_string()))
    }

    pub(crate) fn code<T>(
        &mut self,
        what: &str,
        from_code: impl Fn(i64) -> Option<T>,
    ) -> DbResult<T> {
        let code = self.value()?;
        from_code(code).ok_or_else(|| DbError::corrupt(format!("unknown {what} {code}")))
    }

    fn priority(&mut self) -> DbResult<Priority> {
        Priority::new(self.value()?).map_err(|error| DbError::corrupt(error.to_string()))
    }

    /// A value kept as JSON; its default where there is none.
    pub(crate) fn decoded<T: DeserializeOwned + Default>(&mut self, what: &str) -> DbResult<T> {
        let text = self.text()?;
        let decoded = text.map(serde_json::from_str).transpose();
        let value = decoded.map_err(|error| DbError::corrupt(format!("{what}: {error}")))?;
        Ok(value.unwrap_or_default())
    }

    pub(crate) fn json(&mut self, what: &str) -> DbResult<Json> {
        let json = self.optional_json(what)?;
        json.ok_or_else(|| DbError::corrupt(format!("the {what} is missing")))
    }

    pub(crate) fn optional_json(&mut self, what: &str) -> DbResult<Option<Json>> {
        let parsed = self.text()?.map(Json::parse).transpose();
        parsed.map_err(|error| DbError::corrupt(format!("{what}: {error}")))
    }

    fn error(&mut self) -> DbResult<Option<RunError>> {
        let error_type = self.value::<Option<String>>()?;
        let message = self.value::<Option<String>>()?;
        let blame = self.value::<Option<i64>>()?;
        let details = self.optional_json("error details")?;
        let Some(error_type) = error_type else { return Ok(None) };
        let blame = blame_from_code(blame.unwrap_or(-1))?;
        Ok(Some(RunError { error_type, message: message.unwrap_or_default(), details, blame }))
    }

    fn progress(&mut self) -> DbResult<Progress> {
        Ok(Progress {
            done: self.bits()?,
            total: self.optional_bits()?,
            message: self.value::<Option<String>>()?.unwrap_or_default(),
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
    fn unique(&mut self) -> DbResult<Option<UniqueHold>> {
        let key = self.optional_uuid()?.map(UniqueKey);
        let until = self.value::<Option<i64>>()?;
        let (Some(key), Some(until)) = (key, until) else { return Ok(None) };
        let until = Until::from_code(until)
            .ok_or_else(|| DbError::corrupt(format!("unknown term of a key {until}")))?;
        Ok(Some(UniqueHold { key, until }))
    }
}

/// The stored number of a blame; it never changes meaning.
pub(crate) const fn blame_code(blame: Blame) -> i64 {
    match blame {
        Blame::Guest => 0,
        Blame::Host => 1,
        Blame::Operator => 2,
    }
}

fn blame_from_code(code: i64) -> DbResult<Blame> {
    match code {
        0 => Ok(Blame::Guest),
        1 => Ok(Blame::Host),
        2 => Ok(Blame::Operator),
        _ => Err(DbError::corrupt(format!("unknown blame {code}"))),
    }
}

/// What is kept as JSON, unless it is empty.
pub(crate) fn encoded<T: serde::Serialize>(value: &T, is_empty: bool) -> Option<String> {
    let text = || serde_json::to_string(value).expect("names and texts always serialise");
    (!is_empty).then(text)
}
