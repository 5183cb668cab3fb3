//! What is in the database.

use zapjobs_storage::Finding;

use super::objects::{Drift, drift};
use super::{migrating_remedy, shown};
use crate::db::Db;
use crate::error::DbResult;
use crate::migrate;
use crate::options::{Migrating, SqliteOptions};
use crate::schema::{Applied, missing, schema_version};

/// Bytes of a database above which it is not checked page by page: it would take long and slow
/// down the hosts.
pub const QUICK_CHECK_BYTES_MAX: u64 = 1 << 30;
/// Faults of the file that are told at most.
const FAULTS_TOLD_MAX: usize = 3;

const QUARANTINED: &str = "SELECT count(*) FROM {prefix}quarantine";

pub(super) fn examine(options: &SqliteOptions, db: &Db, bytes: u64) -> Vec<Finding> {
    let mut findings = vec![told("journal mode", journal_mode(db))];
    let applied = match migrate::applied(db) {
        Ok(applied) => applied,
        Err(error) => {
            findings.push(told("schema", Err(error)));
            return findings;
        }
    };
    findings.push(version(options, &applied));
    findings.push(told("integrity", integrity(db, bytes)));
    if missing(&applied).is_ok() && !applied.is_empty() {
        let drift = drift(db, &applied);
        // Without its table there is nothing to count; the drift says so.
        let is_whole = drift.as_ref().is_ok_and(Drift::is_whole);
        findings.push(told("schema objects", drift.map(|drift| drift.finding())));
        if is_whole {
            findings.push(told("quarantine", quarantine(db)));
        }
    }
    findings
}

/// A finding, or what kept it from being found.
fn told(subject: &str, finding: DbResult<Finding>) -> Finding {
    finding.unwrap_or_else(|error| {
        let found = error.describe("examine the database").to_string();
        Finding::problem(subject, found, "restore the database from a backup if it stays so")
    })
}

fn journal_mode(db: &Db) -> DbResult<Finding> {
    const SUBJECT: &str = "journal mode";
    let mode: String = db.conn.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode == "wal" {
        return Ok(Finding::good(SUBJECT, "write-ahead logging is on"));
    }
    Ok(Finding::warning(
        SUBJECT,
        format!(
            "write-ahead logging is off (journal mode {mode:?}), so that writes would block reads"
        ),
        "start a host, which switches it on, or run `PRAGMA journal_mode = WAL` while no process \
         has the file open",
    ))
}

fn version(options: &SqliteOptions, applied: &[Applied]) -> Finding {
    const SUBJECT: &str = "schema";
    let needed = schema_version();
    let unfinished = |found: String| match options.migrating {
        Migrating::Automatic => Finding::warning(SUBJECT, found, migrating_remedy(options)),
        Migrating::Manual => Finding::problem(SUBJECT, found, migrating_remedy(options)),
    };
    match missing(applied) {
        Err(error) => Finding::problem(
            SUBJECT,
            error.describe("read the schema").to_string(),
            "use the program that made the schema, or a newer one, or name another file",
        ),
        Ok(missing) if missing.is_empty() => {
            Finding::good(SUBJECT, format!("the schema has version {needed}, as it should"))
        }
        Ok(_) if applied.is_empty() => unfinished(format!(
            "there is no schema with the prefix {:?} in the file yet",
            options.table_prefix
        )),
        Ok(missing) => unfinished(format!(
            "the schema lacks {} of the {needed} migrations that this program needs",
            missing.len()
        )),
    }
}

fn integrity(db: &Db, bytes: u64) -> DbResult<Finding> {
    const SUBJECT: &str = "integrity";
    if bytes > QUICK_CHECK_BYTES_MAX {
        return Ok(Finding::warning(
            SUBJECT,
            format!(
                "the file was not checked page by page, for it has {}, more than {}",
                shown(bytes),
                shown(QUICK_CHECK_BYTES_MAX)
            ),
            "run `PRAGMA quick_check` on a copy of the file, or while the hosts are idle",
        ));
    }
    let mut statement = db.conn.prepare("PRAGMA quick_check(10)")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let faults: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
    if faults == ["ok"] {
        return Ok(Finding::good(SUBJECT, "a check of all pages found no fault"));
    }
    let first = faults[..faults.len().min(FAULTS_TOLD_MAX)].join("; ").replace('\n', " ");
    Ok(Finding::problem(
        SUBJECT,
        format!("the file is damaged: {first}"),
        "stop all hosts, keep a copy of the file, and restore a backup or run `.recover` of the \
         sqlite3 program",
    ))
}

fn quarantine(db: &Db) -> DbResult<Finding> {
    const SUBJECT: &str = "quarantine";
    let count: i64 = db.prepare(QUARANTINED)?.query_row([], |row| row.get(0))?;
    if count == 0 {
        return Ok(Finding::good(SUBJECT, "no record was set aside as unreadable"));
    }
    Ok(Finding::warning(
        SUBJECT,
        format!("{count} run(s) were set aside, for their records cannot be read"),
        db.expand(
            "look at them with `SELECT hex(id), reason, datetime(quarantined_at / 1000000, \
             'unixepoch') FROM {prefix}quarantine`; mend the record and set its status back, or \
             delete it",
        ),
    ))
}
