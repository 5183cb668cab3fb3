//! How the schema comes to be, and goes.
//!
//! **Invariant:** each change is one immediate transaction. Two processes may start at once: the
//! second looks again once it has the lock.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior};
use zapjobs_model::Timestamp;
use zapjobs_storage::SchemaStep;

use crate::db::Db;
use crate::error::DbResult;
use crate::schema::{Applied, Migration, migrations, missing};

/// The table of applied migrations.
pub(crate) const CREATE: &str = "CREATE TABLE IF NOT EXISTS {prefix}schema (
    version INTEGER NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)";
const EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '{prefix}schema'";
const APPLIED: &str = "SELECT version, checksum, applied_at FROM {prefix}schema ORDER BY version";
const RECORD: &str =
    "INSERT INTO {prefix}schema (version, checksum, applied_at) VALUES (?1, ?2, ?3)";
const UNRECORD: &str = "DELETE FROM {prefix}schema WHERE version = ?1";
const DROP: &str = "DROP TABLE IF EXISTS {prefix}schema";

/// The migrations that are not applied yet.
pub(crate) fn pending(db: &Db) -> DbResult<Vec<&'static Migration>> {
    missing(&applied(db)?)
}

/// How each migration that this program knows stands.
pub(crate) fn steps(db: &Db) -> DbResult<Vec<SchemaStep>> {
    let applied = applied(db)?;
    missing(&applied)?;
    let at = |version| applied.iter().find(|row| row.version == version).map(|row| row.at);
    Ok(migrations().iter().map(|step| described(step, at(step.version))).collect())
}

/// The SQL of these migrations.
pub(crate) fn sql_of(steps: &[&Migration], expand: impl Fn(&str) -> String) -> String {
    let one =
        |step: &&Migration| format!("-- {}: {}\n{}\n", step.version, step.name, expand(step.up));
    steps.iter().map(one).collect()
}

/// Applies what is missing. Answers what that was.
pub(crate) fn up(db: &Db, now: Timestamp) -> DbResult<Vec<SchemaStep>> {
    if pending(db)?.is_empty() {
        return Ok(Vec::new());
    }
    let tx = Transaction::new_unchecked(&db.conn, TransactionBehavior::Immediate)?;
    tx.execute(&db.expand(CREATE), [])?;
    // Looked for again under the lock: another process may have been first.
    let pending = pending(db)?;
    for step in &pending {
        tx.execute_batch(&db.expand(step.up))?;
        let row = (step.version, step.checksum().to_string(), now.as_micros());
        tx.execute(&db.expand(RECORD), row)?;
        tracing::info!(version = step.version, name = step.name, "applied a schema migration");
    }
    tx.commit()?;
    Ok(pending.into_iter().map(|step| described(step, Some(now))).collect())
}

/// Undoes the migrations above `version`, newest first. Answers what that was.
pub(crate) fn down(db: &Db, version: u32) -> DbResult<Vec<SchemaStep>> {
    let tx = Transaction::new_unchecked(&db.conn, TransactionBehavior::Immediate)?;
    let undone = undo_above(db, version)?;
    tx.commit()?;
    Ok(undone)
}

/// Deletes all tables of this prefix.
pub(crate) fn drop_all(db: &Db) -> DbResult<()> {
    let tx = Transaction::new_unchecked(&db.conn, TransactionBehavior::Immediate)?;
    undo_above(db, 0)?;
    tx.execute(&db.expand(DROP), [])?;
    Ok(tx.commit()?)
}

/// Within a transaction.
fn undo_above(db: &Db, version: u32) -> DbResult<Vec<SchemaStep>> {
    let pending = pending(db)?;
    let mut undone = Vec::new();
    for step in migrations().iter().rev() {
        if step.version <= version || pending.contains(&step) {
            continue;
        }
        db.conn.execute_batch(&db.expand(step.down))?;
        db.conn.execute(&db.expand(UNRECORD), [step.version])?;
        tracing::info!(version = step.version, name = step.name, "undid a schema migration");
        undone.push(described(step, None));
    }
    Ok(undone)
}

/// What is applied; nothing where there is no schema yet.
pub(crate) fn applied(db: &Db) -> DbResult<Vec<Applied>> {
    let exists = db.conn.query_row(&db.expand(EXISTS), [], |_| Ok(())).optional()?;
    if exists.is_none() {
        return Ok(Vec::new());
    }
    let mut statement = db.conn.prepare(&db.expand(APPLIED))?;
    let rows = statement.query_map([], |row| {
        let at = Timestamp::from_micros(row.get(2)?);
        Ok(Applied { version: row.get(0)?, checksum: row.get(1)?, at })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn described(step: &Migration, applied_at: Option<Timestamp>) -> SchemaStep {
    SchemaStep { version: step.version, name: step.name.to_owned(), applied_at }
}
