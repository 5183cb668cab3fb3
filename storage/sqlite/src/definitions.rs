//! Job definitions.

use async_trait::async_trait;
use rusqlite::params;
use zapjobs_model::{
    JobDefinition, JobKey, JobType, QueueName, RetryPolicy, RunStatus, Schedule, Tag, TenantId,
};
use zapjobs_storage::{Definitions, Result};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::quarantine::is_of_record;
use crate::row::{Columns, encoded};
use crate::writer::WriteKind;

/// Bytes of a definition, about.
const DEFINITION_BYTES: usize = 4 << 10;

macro_rules! columns {
    () => {
        "tenant, job_type, display_name, description, queue, schedule, \
         retry_max_attempts, retry_base_ms, retry_cap_ms, retry_jitter, timeout_ms, tags, \
         default_input, input_schema, output_schema, digest, last_status, retry_policy"
    };
}

const PUT: &str = concat!(
    "INSERT OR REPLACE INTO {prefix}definitions (",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
);
const ONE: &str =
    concat!("SELECT ", columns!(), " FROM {prefix}definitions WHERE tenant = ?1 AND job_type = ?2");
const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM {prefix}definitions WHERE tenant = coalesce(?1, tenant) ORDER BY tenant, job_type"
);
const DELETE: &str = "DELETE FROM {prefix}definitions WHERE tenant = ?1 AND job_type = ?2";
const NOTE_STATUS: &str = "UPDATE {prefix}definitions SET last_status = ?3
    WHERE tenant = ?1 AND job_type = ?2";

#[async_trait]
impl Definitions for SqliteStorage {
    async fn put_definitions(&self, definitions: &[JobDefinition]) -> Result<()> {
        const OPERATION: &str = "store job definitions";
        let kind = WriteKind::new(OPERATION, definitions.len() * DEFINITION_BYTES);
        let definitions = definitions.to_vec();
        self.write(kind, move |tx| definitions.iter().try_for_each(|one| put(tx.db, one))).await
    }

    async fn definition(&self, key: &JobKey) -> Result<Option<JobDefinition>> {
        let key = key.clone();
        self.read("read a job definition", move |db| {
            let mut statement = db.prepare(ONE)?;
            let mut rows = statement.query(stored_key(&key))?;
            rows.next()?.map(|row| read_definition(&mut Columns::new(row))).transpose()
        })
        .await
    }

    async fn definitions(&self, tenant: Option<&TenantId>) -> Result<Vec<JobDefinition>> {
        let tenant = tenant.map(|tenant| tenant.as_str().to_owned());
        self.read("list job definitions", move |db| {
            let mut statement = db.prepare(ALL)?;
            readable(statement.query([&tenant])?)
        })
        .await
    }

    async fn delete_definition(&self, key: &JobKey) -> Result<bool> {
        let key = key.clone();
        self.write(WriteKind::new("delete a job definition", 0), move |tx| {
            Ok(tx.db.prepare(DELETE)?.execute(stored_key(&key))? > 0)
        })
        .await
    }

    async fn note_last_status(&self, latest: &[(JobKey, RunStatus)]) -> Result<()> {
        let latest = latest.to_vec();
        self.write(WriteKind::new("note how runs ended", 0), move |tx| {
            for (key, status) in &latest {
                let [tenant, job_type] = stored_key(key);
                let row = params![tenant, job_type, status.code()];
                tx.db.prepare(NOTE_STATUS)?.execute(row)?;
            }
            Ok(())
        })
        .await
    }
}

fn put(db: &Db, definition: &JobDefinition) -> DbResult<()> {
    let JobDefinition { key, retry, .. } = definition;
    let schedule = serde_json::to_string(&definition.schedule).expect("schedules serialise");
    let tags = serde_json::to_string(&definition.tags).expect("names serialise");
    db.prepare(PUT)?.execute(params![
        key.tenant.as_str(),
        key.job_type.as_str(),
        definition.display_name,
        definition.description,
        definition.queue.as_str(),
        schedule,
        retry.max_attempts,
        retry.base_ms.cast_signed(),
        retry.cap_ms.cast_signed(),
        retry.jitter,
        definition.timeout_ms.map(u64::cast_signed),
        tags,
        definition.default_input.as_str(),
        definition.input_schema.as_ref().map(|schema| schema.as_str()),
        definition.output_schema.as_ref().map(|schema| schema.as_str()),
        definition.digest.as_ref().map(|digest| digest.as_bytes()),
        definition.last_status.map(RunStatus::code),
        encoded(retry, retry.is_plain()),
    ])?;
    Ok(())
}

fn stored_key(key: &JobKey) -> [&str; 2] {
    [key.tenant.as_str(), key.job_type.as_str()]
}

/// All definitions; those that cannot be read are told and passed over.
fn readable(mut rows: rusqlite::Rows<'_>) -> DbResult<Vec<JobDefinition>> {
    let mut definitions = Vec::new();
    while let Some(row) = rows.next()? {
        match read_definition(&mut Columns::new(row)) {
            Ok(definition) => definitions.push(definition),
            Err(error) if is_of_record(&error) => {
                tracing::error!(?error, "passed over an unreadable job definition");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(definitions)
}

fn read_definition(columns: &mut Columns<'_>) -> DbResult<JobDefinition> {
    let definition = JobDefinition {
        // In the order of the columns: fields are evaluated as they stand here.
        key: JobKey { tenant: columns.name(TenantId::new)?, job_type: columns.name(JobType::new)? },
        display_name: columns.value()?,
        description: columns.value()?,
        queue: columns.name(QueueName::new)?,
        schedule: columns.decoded::<Schedule>("schedule")?,
        retry: RetryPolicy {
            max_attempts: columns.value()?,
            base_ms: columns.bits()?,
            cap_ms: columns.bits()?,
            jitter: columns.value()?,
            ..RetryPolicy::default()
        },
        timeout_ms: columns.optional_bits()?,
        tags: columns.decoded::<Vec<Tag>>("tags")?,
        default_input: columns.json("default input")?,
        input_schema: columns.optional_json("input schema")?,
        output_schema: columns.optional_json("output schema")?,
        digest: columns.digest()?,
        last_status: columns.value::<Option<i64>>()?.map(status).transpose()?,
    };
    // Where plugins could have declared it, the four columns say all.
    let whole = columns.decoded::<Option<RetryPolicy>>("retry policy")?;
    Ok(match whole {
        Some(retry) => JobDefinition { retry, ..definition },
        None => definition,
    })
}

fn status(code: i64) -> DbResult<RunStatus> {
    RunStatus::from_code(code).ok_or_else(|| DbError::corrupt(format!("unknown status {code}")))
}
