//! Job definitions.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use zapjobs_model::{
    JobDefinition, JobKey, JobType, QueueName, RetryPolicy, RunStatus, Schedule, Tag, TenantId,
};
use zapjobs_storage::{Definitions, Result};

use crate::PostgresStorage;
use crate::error::DbResult;
use crate::quarantine::is_of_record;
use crate::row::{Columns, encoded};
use crate::session::{Bound, Session};
use crate::text::to_stored;

macro_rules! columns {
    () => {
        "tenant, job_type, display_name, description, queue, schedule, \
         retry_max_attempts, retry_base_ms, retry_cap_ms, retry_jitter, timeout_ms, tags, \
         default_input, input_schema, output_schema, digest, last_status, retry_policy"
    };
}

const PUT: &str = concat!(
    "INSERT INTO {schema}.{prefix}definitions (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
    ON CONFLICT (tenant, job_type) DO UPDATE SET display_name = excluded.display_name,
        description = excluded.description, queue = excluded.queue,
        schedule = excluded.schedule,
        retry_max_attempts = excluded.retry_max_attempts,
        retry_base_ms = excluded.retry_base_ms, retry_cap_ms = excluded.retry_cap_ms,
        retry_jitter = excluded.retry_jitter, timeout_ms = excluded.timeout_ms,
        tags = excluded.tags, default_input = excluded.default_input,
        input_schema = excluded.input_schema, output_schema = excluded.output_schema,
        digest = excluded.digest, last_status = excluded.last_status,
        retry_policy = excluded.retry_policy"
);
const ONE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM {schema}.{prefix}definitions WHERE tenant = $1 AND job_type = $2"
);
const ALL: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM {schema}.{prefix}definitions WHERE $1::text IS NULL OR tenant = $1
    ORDER BY tenant, job_type"
);
const DELETE: &str = "DELETE FROM {schema}.{prefix}definitions WHERE tenant = $1 AND job_type = $2";
/// In the order of keys, as all that writes several definitions.
const NOTE_STATUS: &str = "WITH noted AS MATERIALIZED (
        SELECT d.tenant, d.job_type, t.status
        FROM unnest($1::text[], $2::text[], $3::int2[]) AS t (tenant, job_type, status)
        JOIN {schema}.{prefix}definitions d
            ON d.tenant = t.tenant AND d.job_type = t.job_type
        ORDER BY d.tenant, d.job_type FOR UPDATE OF d)
    UPDATE {schema}.{prefix}definitions d SET last_status = noted.status
    FROM noted WHERE d.tenant = noted.tenant AND d.job_type = noted.job_type";

#[async_trait]
impl Definitions for PostgresStorage {
    async fn put_definitions(&self, definitions: &[JobDefinition]) -> Result<()> {
        let mut sorted: Vec<&JobDefinition> = definitions.iter().collect();
        // Stable: of those with one key the last stays the last.
        sorted.sort_by_key(|definition| &definition.key);
        let mut session = self.session("store job definitions").await?;
        session.begin().await?;
        for definition in sorted {
            session.change(self.put(definition)).await?;
        }
        session.commit().await?;
        self.events.changed();
        Ok(())
    }

    async fn definition(&self, key: &JobKey) -> Result<Option<JobDefinition>> {
        let mut session = self.session("read a job definition").await?;
        let row = session.row(self.keyed(ONE, key)).await?;
        let read = row.as_ref().map(|row| read_definition(&mut Columns::new(row)));
        session.told(read.transpose())
    }

    async fn definitions(&self, tenant: Option<&TenantId>) -> Result<Vec<JobDefinition>> {
        let tenant = tenant.map(|tenant| tenant.as_str().to_owned());
        let mut session = self.session("list job definitions").await?;
        let rows = session.rows(self.query(ALL).bind(tenant)).await?;
        readable(&session, &rows)
    }

    async fn delete_definition(&self, key: &JobKey) -> Result<bool> {
        let mut session = self.session("delete a job definition").await?;
        let is_gone = session.change(self.keyed(DELETE, key)).await? > 0;
        self.events.changed();
        Ok(is_gone)
    }

    async fn note_last_status(&self, latest: &[(JobKey, RunStatus)]) -> Result<()> {
        // Of several for one key the last counts.
        let latest: std::collections::BTreeMap<_, _> =
            latest.iter().map(|(key, status)| (key, status)).collect();
        let (mut tenants, mut job_types, mut statuses) = (Vec::new(), Vec::new(), Vec::new());
        for (key, status) in latest {
            tenants.push(key.tenant.as_str().to_owned());
            job_types.push(key.job_type.as_str().to_owned());
            statuses.push(i16::from(status.code()));
        }
        let query = self.query(NOTE_STATUS).bind(tenants).bind(job_types).bind(statuses);
        let mut session = self.session("note how runs ended").await?;
        session.change(query).await.map(drop)
    }
}

impl PostgresStorage {
    fn keyed(&self, template: &'static str, key: &JobKey) -> Bound {
        let query = self.query(template).bind(key.tenant.as_str().to_owned());
        query.bind(key.job_type.as_str().to_owned())
    }

    fn put(&self, definition: &JobDefinition) -> Bound {
        let JobDefinition { key, retry, .. } = definition;
        let schedule = serde_json::to_string(&definition.schedule).expect("schedules serialise");
        let tags = serde_json::to_string(&definition.tags).expect("names serialise");
        let query = self.keyed(PUT, key).bind(to_stored(&definition.display_name).into_owned());
        let query = query.bind(to_stored(&definition.description).into_owned());
        let query = query.bind(definition.queue.as_str().to_owned()).bind(schedule);
        let query = query.bind(i64::from(retry.max_attempts));
        let query = query.bind(retry.base_ms.cast_signed()).bind(retry.cap_ms.cast_signed());
        let query = query.bind(retry.jitter);
        let query = query.bind(definition.timeout_ms.map(u64::cast_signed)).bind(tags);
        let query = query.bind(definition.default_input.as_str().to_owned());
        let schema = |schema: &Option<zapjobs_model::Json>| {
            schema.as_ref().map(|schema| schema.as_str().to_owned())
        };
        let query = query.bind(schema(&definition.input_schema));
        let query = query.bind(schema(&definition.output_schema));
        let query = query.bind(definition.digest.map(|digest| digest.as_bytes().to_vec()));
        let query = query.bind(definition.last_status.map(|status| i16::from(status.code())));
        query.bind(encoded(retry, retry.is_plain()))
    }
}

/// All definitions; those that cannot be read are told and passed over.
fn readable(session: &Session<'_>, rows: &[PgRow]) -> Result<Vec<JobDefinition>> {
    let mut definitions = Vec::new();
    for row in rows {
        match read_definition(&mut Columns::new(row)) {
            Ok(definition) => definitions.push(definition),
            Err(error) if is_of_record(&error) => {
                tracing::error!(?error, "passed over an unreadable job definition");
            }
            Err(error) => return session.told(Err(error)),
        }
    }
    Ok(definitions)
}

fn read_definition(columns: &mut Columns<'_>) -> DbResult<JobDefinition> {
    let definition = JobDefinition {
        // In the order of the columns: fields are evaluated as they stand here.
        key: JobKey { tenant: columns.name(TenantId::new)?, job_type: columns.name(JobType::new)? },
        display_name: columns.text()?,
        description: columns.text()?,
        queue: columns.name(QueueName::new)?,
        schedule: columns.decoded::<Schedule>("schedule")?,
        retry: RetryPolicy {
            max_attempts: columns.count()?,
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
        last_status: columns.optional_code("status", RunStatus::from_code)?,
    };
    // Where plugins could have declared it, the four columns say all.
    let whole = columns.decoded::<Option<RetryPolicy>>("retry policy")?;
    Ok(match whole {
        Some(retry) => JobDefinition { retry, ..definition },
        None => definition,
    })
}
