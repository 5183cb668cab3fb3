//! The schema, and how it comes to be.
//!
//! **Invariant:** a migration that was released never changes; its checksum is stored and
//! compared. Two processes may start at once: all of it is one immediate transaction.

use rusqlite::{OptionalExtension, TransactionBehavior};
use zapjobs_model::{Digest, Timestamp};
use zapjobs_storage::ErrorKind;

use crate::db::Db;
use crate::error::{DbError, DbResult};

/// One step of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its number: the schema's version once it is applied.
    pub version: u32,
    /// What it is called.
    pub name: &'static str,
    /// Its statements; `{prefix}` stands for the table prefix.
    pub template: &'static str,
}

impl Migration {
    /// The SHA-256 of its template.
    pub fn checksum(&self) -> Digest {
        Digest::of(self.template.as_bytes())
    }
}

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "initial",
    template: include_str!("../migrations/0001_initial.sql"),
}];

/// All migrations that this program knows, in order.
pub const fn migrations() -> &'static [Migration] {
    MIGRATIONS
}

/// The version of the schema that this program needs.
pub const fn schema_version() -> u32 {
    MIGRATIONS[MIGRATIONS.len() - 1].version
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS {prefix}schema (
    version INTEGER NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)";
const EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '{prefix}schema'";
const APPLIED: &str = "SELECT version, checksum FROM {prefix}schema ORDER BY version";
const RECORD: &str =
    "INSERT INTO {prefix}schema (version, checksum, applied_at) VALUES (?1, ?2, ?3)";

/// Applies what is missing; refuses a schema that this program does not know.
pub(crate) fn migrate(db: &mut Db, now: Timestamp) -> DbResult<()> {
    if pending(db)?.is_empty() {
        return Ok(());
    }
    let sql = [CREATE, RECORD].map(|template| db.expand(template));
    let steps = MIGRATIONS.iter().map(|step| db.expand(step.template)).collect::<Vec<_>>();
    let applied_sql = db.expand(APPLIED);
    let [create, record] = sql;
    let tx = db.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute(&create, [])?;
    // Read again under the lock: another process may have been first.
    let applied = read_applied(&tx, &applied_sql)?;
    for step in missing(&applied)? {
        let at = MIGRATIONS.iter().position(|known| known == step).expect("it came from the list");
        tx.execute_batch(&steps[at])?;
        let row = (step.version, step.checksum().to_string(), now.as_micros());
        tx.execute(&record, row)?;
        tracing::info!(version = step.version, name = step.name, "applied a schema migration");
    }
    Ok(tx.commit()?)
}

/// The migrations that are not applied yet.
pub(crate) fn pending(db: &Db) -> DbResult<Vec<&'static Migration>> {
    let exists = db.conn.query_row(&db.expand(EXISTS), [], |_| Ok(())).optional()?;
    if exists.is_none() {
        return Ok(MIGRATIONS.iter().collect());
    }
    missing(&read_applied(&db.conn, &db.expand(APPLIED))?)
}

fn read_applied(conn: &rusqlite::Connection, sql: &str) -> DbResult<Vec<(u32, String)>> {
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn missing(applied: &[(u32, String)]) -> DbResult<Vec<&'static Migration>> {
    let refuse = |message: String| Err(DbError::Told(ErrorKind::Schema, message));
    for (version, checksum) in applied {
        match MIGRATIONS.iter().find(|step| step.version == *version) {
            None => {
                return refuse(format!(
                    "the schema has version {version}, this program knows up to {}: use a newer \
                     program",
                    schema_version()
                ));
            }
            Some(step) if step.checksum().to_string() != *checksum => {
                return refuse(format!(
                    "migration {version} was applied with another content: the database belongs \
                     to a different build"
                ));
            }
            Some(_) => {}
        }
    }
    let is_applied =
        |step: &&Migration| applied.iter().any(|(version, _)| *version == step.version);
    Ok(MIGRATIONS.iter().filter(|step| !is_applied(step)).collect())
}
