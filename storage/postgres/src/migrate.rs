//! How the schema comes to be, and goes.
//!
//! **Invariant:** each change is one transaction under an advisory lock that ends with it, so
//! that many hosts may start at once and none leaves a lock behind.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Postgres, Row, Transaction};
use zapjobs_storage::{ErrorKind, Result};

use crate::connections::connect;
use crate::error::{DbError, DbResult};
use crate::names::Names;
use crate::options::PostgresOptions;
use crate::schema::{Applied, Migration, migrations, missing};

/// How a migration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Which.
    pub migration: &'static Migration,
    /// Whether it is applied.
    pub is_applied: bool,
}

const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('zapjobs ' || $1, 0))";
const SCHEMA_EXISTS: &str = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
const CREATE_SCHEMA: &str = "CREATE SCHEMA {schema}";
const TABLE_EXISTS: &str = "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2";
const CREATE_TABLE: &str = "CREATE TABLE {schema}.{prefix}schema (version bigint NOT NULL
    PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";
const APPLIED: &str = "SELECT version, checksum FROM {schema}.{prefix}schema ORDER BY version";
const RECORD: &str = "INSERT INTO {schema}.{prefix}schema (version, checksum) VALUES ($1, $2)";
const UNRECORD: &str = "DELETE FROM {schema}.{prefix}schema WHERE version = $1";
const DROP_TABLE: &str = "DROP TABLE {schema}.{prefix}schema";
const IS_EMPTY: &str = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n
        ON n.oid = c.relnamespace WHERE n.nspname = $1)
    AND NOT EXISTS (SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = $1)";
const DROP_SCHEMA: &str = "DROP SCHEMA {schema}";

/// The migrations that [`up`] would apply. Writes nothing.
///
/// Errors: `Schema` for one that a newer program made; those of a connection.
pub async fn pending(options: &PostgresOptions) -> Result<Vec<&'static Migration>> {
    let found = look(options).await.and_then(|applied| missing(&applied));
    found.map_err(|error| error.describe("look for pending migrations"))
}

/// How each migration that this program knows stands. Errors as [`pending`].
pub async fn status(options: &PostgresOptions) -> Result<Vec<MigrationStatus>> {
    let pending = pending(options).await?;
    let all = migrations().iter();
    let stands =
        |migration| MigrationStatus { migration, is_applied: !pending.contains(&migration) };
    Ok(all.map(stands).collect())
}

/// The SQL that [`up`] would run. Writes nothing. Errors as [`pending`].
pub async fn dry_run(options: &PostgresOptions) -> Result<String> {
    let names = options.names();
    let mut sql = String::new();
    for step in pending(options).await? {
        sql.push_str(&format!("-- {}: {}\n{}\n", step.version, step.name, names.expand(step.up)));
    }
    Ok(sql)
}

/// Applies all pending migrations. Answers which. Errors as [`pending`], and `ReadOnly`
/// where the user may not create what is needed.
pub async fn up(options: &PostgresOptions) -> Result<Vec<&'static Migration>> {
    migrate(options).await.map_err(|error| error.describe("migrate the schema"))
}

/// Undoes the migrations above `version`, newest first, with what they hold. Answers which.
/// Errors as [`up`].
pub async fn down(options: &PostgresOptions, version: u32) -> Result<Vec<&'static Migration>> {
    undo(options, version).await.map_err(|error| error.describe("undo migrations"))
}

/// Deletes everything: all tables with all runs, and the schema itself if nothing else is in
/// it. Errors as [`up`].
pub async fn drop_all(options: &PostgresOptions) -> Result<()> {
    delete(options).await.map_err(|error| error.describe("drop the schema"))
}

async fn look(options: &PostgresOptions) -> DbResult<Vec<Applied>> {
    let mut connection = connect(&options.checked()?, options.connect_timeout).await?;
    let applied = read_applied(&mut connection, &options.names()).await?;
    connection.close().await?;
    Ok(applied)
}

async fn migrate(options: &PostgresOptions) -> DbResult<Vec<&'static Migration>> {
    let names = options.names();
    let mut connection = connect(&options.checked()?, options.connect_timeout).await?;
    let mut pending = missing(&read_applied(&mut connection, &names).await?)?;
    if !pending.is_empty() {
        let mut tx = locked(&mut connection, &names).await?;
        // Read again under the lock: another host may have been first.
        pending = missing(&read_applied(&mut tx, &names).await?)?;
        apply(&mut tx, &names, &pending).await?;
        tx.commit().await?;
    }
    connection.close().await?;
    Ok(pending)
}

async fn apply(
    tx: &mut Transaction<'_, Postgres>,
    names: &Names,
    pending: &[&'static Migration],
) -> DbResult<()> {
    if !exists(tx, SCHEMA_EXISTS, &[names.schema()]).await? {
        run(tx, names, CREATE_SCHEMA).await?;
    }
    if !exists(tx, TABLE_EXISTS, &[names.schema(), &version_table(names)]).await? {
        run(tx, names, CREATE_TABLE).await?;
    }
    for step in pending {
        run(tx, names, step.up).await?;
        let record = sqlx::query(AssertSqlSafe(names.expand(RECORD)));
        let record = record.bind(i64::from(step.version)).bind(step.checksum().to_string());
        record.execute(&mut **tx).await?;
        tracing::info!(version = step.version, name = step.name, "applied a schema migration");
    }
    Ok(())
}

async fn undo(options: &PostgresOptions, version: u32) -> DbResult<Vec<&'static Migration>> {
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
) -> DbResult<Vec<&'static Migration>> {
    let applied = read_applied(tx, names).await?;
    let pending = missing(&applied)?;
    let mut undone = Vec::new();
    for step in migrations().iter().rev() {
        if step.version <= version || pending.contains(&step) {
            continue;
        }
        run(tx, names, step.down).await?;
        let unrecord = sqlx::query(AssertSqlSafe(names.expand(UNRECORD)));
        unrecord.bind(i64::from(step.version)).execute(&mut **tx).await?;
        undone.push(step);
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

/// What is applied; nothing where there is no schema yet.
async fn read_applied(connection: &mut PgConnection, names: &Names) -> DbResult<Vec<Applied>> {
    if !exists(connection, TABLE_EXISTS, &[names.schema(), &version_table(names)]).await? {
        return Ok(Vec::new());
    }
    let query = sqlx::query(AssertSqlSafe(names.expand(APPLIED))).persistent(false);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(read_one).collect()
}

fn read_one(row: &PgRow) -> DbResult<Applied> {
    let version: i64 = row.try_get(0)?;
    let out_of_bounds =
        || DbError::Told(ErrorKind::Schema, format!("the schema has version {version}"));
    let version = u32::try_from(version).map_err(|_| out_of_bounds())?;
    Ok(Applied { version, checksum: row.try_get(1)? })
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
