//! Whether the tables and indices are those that the migrations make.
//!
//! SQLite keeps the statement that made each object, so that it can be compared with that of a
//! new database in memory, migrated by the same program.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use zapjobs_storage::Finding;

use crate::db::Db;
use crate::error::DbResult;
use crate::migrate::CREATE;
use crate::schema::{Applied, migrations};

/// Names that one finding tells at most.
const NAMES_TOLD_MAX: usize = 8;
/// Without those that SQLite makes by itself, which have no statement.
const OBJECTS: &str = "SELECT name, type, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL";

/// How the schema differs from what the applied migrations make, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Drift {
    missing: Vec<String>,
    changed: Vec<String>,
    /// On our tables, and not ours.
    extra: Vec<String>,
}

struct Object {
    kind: String,
    table: String,
    sql: String,
}

pub(super) fn drift(db: &Db, applied: &[Applied]) -> DbResult<Drift> {
    let expected = expected(db, applied)?;
    let found = objects(&db.conn)?;
    let tables: BTreeSet<&str> = expected.values().map(|object| object.table.as_str()).collect();
    let named = |(name, object): (&String, &Object)| format!("{} {name}", object.kind);
    let is_changed =
        |name: &str, sql: &str| found.get(name).is_some_and(|object| object.sql != sql);
    let is_extra = |name: &str, object: &Object| {
        tables.contains(object.table.as_str()) && !expected.contains_key(name)
    };
    let missing = expected.iter().filter(|(name, _)| !found.contains_key(*name));
    let changed = expected.iter().filter(|(name, object)| is_changed(name, &object.sql));
    let extra = found.iter().filter(|(name, object)| is_extra(name, object));
    Ok(Drift {
        missing: missing.map(named).collect(),
        changed: changed.map(named).collect(),
        extra: extra.map(named).collect(),
    })
}

/// What the applied migrations make.
fn expected(db: &Db, applied: &[Applied]) -> DbResult<BTreeMap<String, Object>> {
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(&db.expand(CREATE))?;
    for step in migrations() {
        if applied.iter().any(|row| row.version == step.version) {
            fresh.execute_batch(&db.expand(step.up))?;
        }
    }
    objects(&fresh)
}

fn objects(conn: &Connection) -> DbResult<BTreeMap<String, Object>> {
    let mut statement = conn.prepare(OBJECTS)?;
    let rows = statement.query_map([], |row| {
        let object = Object { kind: row.get(1)?, table: row.get(2)?, sql: row.get(3)? };
        Ok((row.get(0)?, object))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

impl Drift {
    /// Whether all that is needed is there.
    pub(super) const fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }

    pub(super) fn finding(&self) -> Finding {
        const SUBJECT: &str = "schema objects";
        let parts = [
            ("missing", &self.missing),
            ("changed", &self.changed),
            ("not of this program", &self.extra),
        ];
        let told: Vec<String> = parts
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {}", listed(names)))
            .collect();
        if told.is_empty() {
            let found = "every table and index is as the migrations made it.";
            return Finding::good(SUBJECT, found);
        }
        let found = format!("the schema is not as the migrations made it; {}", told.join("; "));
        if self.missing.is_empty() && self.changed.is_empty() {
            let remedy = "drop what was added by hand: each further index or trigger slows every \
                          write";
            return Finding::warning(SUBJECT, found, remedy);
        }
        let remedy = "make what is named again, with its statement in a database that was \
                      migrated anew, or restore a backup";
        Finding::problem(SUBJECT, found, remedy)
    }
}

fn listed(names: &[String]) -> String {
    let told = names[..names.len().min(NAMES_TOLD_MAX)].join(", ");
    match names.len().checked_sub(NAMES_TOLD_MAX) {
        None | Some(0) => told,
        Some(more) => format!("{told} and {more} more"),
    }
}
