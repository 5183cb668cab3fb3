//! How the schema comes to be, and goes.
//!
//! **Invariant:** each change is one transaction under an advisory lock that ends with it, so
//! that many hosts may start at once and none leaves a lock behind.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Postgres, Row, Transaction};
use zapjobs_model::Timestamp;
use zapjobs_storage::{ErrorKind, Result, SchemaAdmin, SchemaStep};

use crate::connections::connect;
use crate::error::{DbError, DbResult};
use crate::names::Names;
use crate::options::PostgresOptions;
use crate::schema::{Applied, Migration, migrations, missing};
use crate::storage::location;

/// The schema of a storage in PostgreSQL, as an operator looks after it.
///
/// Beside what [`SchemaAdmin`] says, operations fail as a connection does, and with `ReadOnly`
/// where the role may not create or drop what is needed.
#[derive(Debug, Clone)]
pub struct PostgresSchema {
    options: PostgresOptions,
}

impl PostgresSchema {
    /// The schema that a storage with these options uses. Connects to nothing yet.
    pub const fn new(options: PostgresOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl SchemaAdmin for PostgresSchema {
    fn location(&self) -> String {
        match self.options.checked() {
            Ok(address) => location(&self.options, &address),
            // The address may hold a secret where it cannot be read.
            Err(_) => format!("schema {}", self.options.schema),
        }
    }

    async fn steps(&self) -> Result<Vec<SchemaStep>> {
        let applied = applied(&self.options).await;
        let known = applied.and_then(|applied| missing(&applied).map(|_| applied));
        let applied = known.map_err(|error| error.describe("look at the schema"))?;
        let at = |step: &Migration| {
            let row = applied.iter().find(|row| row.version == step.version);
            row.map(|row| row.applied_at)
        };
        Ok(migrations().iter().map(|step| step_of(step, at(step))).collect())
    }

    async fn plan(&self) -> Result<String> {
        let names = self.options.names();
        let pending = pending(&self.options).await;
        let pending = pending.map_err(|error| error.describe("look for pending migrations"))?;
        let sql = |step: &&Migration| {
            format!("-- {}: {}\n{}\n", step.version, step.name, names.expand(step.up))
        };
        Ok(pending.iter().map(sql).collect())
    }

    async fn up(&self) -> Result<Vec<SchemaStep>> {
        let applied = migrate(&self.options).await;
        applied.map_err(|error| error.describe("migrate the schema"))
    }

    async fn down(&self, version: u32) -> Result<Vec<SchemaStep>> {
        let undone = undo(&self.options, version).await;
        undone.map_err(|error| error.describe("undo migrations"))
    }

    async fn drop_all(&self) -> Result<()> {
        delete(&self.options).await.map_err(|error| error.describe("drop the schema"))
    }
}

/// The migrations that are missing. Writes nothing.
pub(crate) async fn pending(options: &PostgresOptions) -> DbResult<Vec<&'static Migration>> {
    missing(&applied(options).await?)
}

fn step_of(step: &Migration, applied_at: Option<Timestamp>) -> SchemaStep {
    SchemaStep { version: step.version, name: step.name.to_owned(), applied_at }
}

const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('zapjobs ' || $1, 0))";
const SCHEMA_EXISTS: &str = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
const CREATE_SCHEMA: &str = "CREATE SCHEMA {schema}";
const TABLE_EXISTS: &str = "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2";
const CREATE_TABLE: &str = "CREATE TABLE {schema}.{prefix}schema (version bigint NOT NULL
    PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";
const APPLIED: &str = "SELECT version, checksum,
        (extract(epoch FROM applied_at) * 1000000)::int8
    FROM {schema}.{prefix}schema ORDER BY version";
const RECORD: &str = "INSERT INTO {schema}.{prefix}schema (version, checksum) VALUES ($1, $2)
    RETURNING (extract(epoch FROM applied_at) * 1000000)::int8";
const UNRECORD: &str = "DELETE FROM {schema}.{prefix}schema WHERE version = $1";
const DROP_TABLE: &str = "DROP TABLE {schema}.{prefix}schema";
const IS_EMPTY: &str = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n
        ON n.oid = c.relnamespace WHERE n.nspname = $1)
    AND NOT EXISTS (SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = $1)";
const DROP_SCHEMA: &str = "DROP SCHEMA {schema}";

async fn applied(options: &PostgresOptions) -> DbResult<Vec<Applied>> {
    let mut connection = connect(&options.checked()?, options.connect_timeout).await?;
    let applied = read_applied(&mut connection, &options.names()).await?;
    connection.close().await?;
    Ok(applied)
}

pub(crate) async fn migrate(options: &PostgresOptions) -> DbResult<Vec<SchemaStep>> {
    let names = options.names();
    let mut connection = connect(&options.checked()?, options.connect_timeout).await?;
    let mut applied = Vec::new();
    if !missing(&read_applied(&mut connection, &names).await?)?.is_empty() {
        let mut tx = locked(&mut connection, &names).await?;
        // Read again under the lock: another host may have been first.
        let pending = missing(&read_applied(&mut tx, &names).await?)?;
        applied = apply(&mut tx, &names, &pending).await?;
        tx.commit().await?;
    }
    connection.close().await?;
    Ok(applied)
}

pub(crate) async fn apply(
    tx: &mut Transaction<'_, Postgres>,
    names: &Names,
    pending: &[&'static Migration],
) -> DbResult<Vec<SchemaStep>> {
    if !exists(tx, SCHEMA_EXISTS, &[names.schema()]).await? {
        run(tx, names, CREATE_SCHEMA).await?;
    }
    if !exists(tx, TABLE_EXISTS, &[names.schema(), &version_table(names)]).await? {
        run(tx, names, CREATE_TABLE).await?;
    }
    let mut applied = Vec::new();
    for step in pending {
        run(tx, names, step.up).await?;
        let record = sqlx::query(AssertSqlSafe(names.expand(RECORD))).persistent(false);
        let record = record.bind(i64::from(step.version)).bind(step.checksum().to_string());
        let at: i64 = record.fetch_one(&mut **tx).await?.try_get(0)?;
        tracing::info!(version = step.version, name = step.name, "applied a schema migration");
        applied.push(step_of(step, Some(Timestamp::from_micros(at))));
    }
    Ok(applied)
}

async fn undo(options: &PostgresOptions, version: u32) -> DbResult<Vec<SchemaStep>> {
    let names = options.names();
    let mut connection = connect(&options.checked()?, options.connect_timeout).await?;
    let mut tx = locked(&mut connection, &names).await?;
    let undone = undo_above(&mut tx, &names, version).await?;
    tx.commit().await?;
    connection.close().await?;
    Ok(undone)
}

async fn undo_above(
    tx: &mut Transaction<'_, Postgres>,
    names: &Names,
    version: u32,
) -> DbResult<Vec<SchemaStep>> {
    let applied = read_applied(tx, names).await?;
    let pending = missing(&applied)?;
    let mut undone = Vec::new();
    for step in migrations().iter().rev() {
        if step.version <= version || pending.contains(&step) {
            continue;
        }
        run(tx, names, step.down).await?;
        let unrecord = sqlx::query(AssertSqlSafe(names.expand(UNRECORD))).persistent(false);
        unrecord.bind(i64::from(step.version)).execute(&mut **tx).await?;
        undone.push(step_of(step, None));
    }
    Ok(undone)
}

async fn delete(options: &PostgresOptions) -> DbResult<()> {
    let names = options.names();
    let mut connection = connect(&options.checked()?, options.connect_timeout).await?;
    let mut tx = locked(&mut connection, &names).await?;
    undo_above(&mut tx, &names, 0).await?;
    if exists(&mut tx, TABLE_EXISTS, &[names.schema(), &version_table(&names)]).await? {
        run(&mut tx, &names, DROP_TABLE).await?;
    }
    let is_there = exists(&mut tx, SCHEMA_EXISTS, &[names.schema()]).await?;
    if is_there && exists(&mut tx, IS_EMPTY, &[names.schema()]).await? {
        run(&mut tx, &names, DROP_SCHEMA).await?;
    }
    tx.commit().await?;
    connection.close().await?;
    Ok(())
}

async fn locked<'a>(
    connection: &'a mut PgConnection,
    names: &Names,
) -> DbResult<Transaction<'a, Postgres>> {
    let mut tx = connection.begin().await?;
    let lock = sqlx::query(LOCK).persistent(false).bind(names.channel());
    lock.execute(&mut *tx).await?;
    Ok(tx)
}

fn version_table(names: &Names) -> String {
    format!("{}schema", names.prefix())
}

/// What is applied; nothing where there is no schema yet. In a transaction, as all that is not
/// kept prepared: see `session`.
pub(crate) async fn read_applied(
    connection: &mut PgConnection,
    names: &Names,
) -> DbResult<Vec<Applied>> {
    let mut tx = connection.begin().await?;
    let mut applied = Vec::new();
    if exists(&mut tx, TABLE_EXISTS, &[names.schema(), &version_table(names)]).await? {
        let query = sqlx::query(AssertSqlSafe(names.expand(APPLIED))).persistent(false);
        let rows = query.fetch_all(&mut *tx).await?;
        applied = rows.iter().map(read_one).collect::<DbResult<_>>()?;
    }
    tx.commit().await?;
    Ok(applied)
}

fn read_one(row: &PgRow) -> DbResult<Applied> {
    let version: i64 = row.try_get(0)?;
    let out_of_bounds =
        || DbError::Told(ErrorKind::Schema, format!("the schema has version {version}"));
    let version = u32::try_from(version).map_err(|_| out_of_bounds())?;
    let applied_at = Timestamp::from_micros(row.try_get(2)?);
    Ok(Applied { version, checksum: row.try_get(1)?, applied_at })
}

async fn exists(
    connection: &mut PgConnection,
    sql: &'static str,
    names: &[&str],
) -> DbResult<bool> {
    let mut query = sqlx::query(sql).persistent(false);
    for name in names {
        query = query.bind((*name).to_owned());
    }
    Ok(query.fetch_optional(connection).await?.is_some())
}

/// Runs the statements of a template, several at once.
async fn run(connection: &mut PgConnection, names: &Names, template: &str) -> DbResult<()> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(names.expand(template)))).await?;
    Ok(())
}
