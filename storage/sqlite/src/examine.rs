//! What stands well with a database, and what does not: for operators.
//!
//! **Invariant:** nothing here creates the file or writes a row of it.

mod contents;
mod objects;
mod place;

use std::path::Path;

use zapjobs_storage::Finding;

use crate::db::Db;
use crate::options::{Location, Migrating, SqliteOptions, Synchronous};

pub use contents::QUICK_CHECK_BYTES_MAX;

/// Looks at the database that these options name: its place, its schema, its settings and its
/// contents. Blocks while it reads, for as long as checking [`QUICK_CHECK_BYTES_MAX`] takes at
/// most; call it where that is allowed.
///
/// It never creates the file and changes no row. Where a process died before, looking at the
/// file lets SQLite copy the rest of its log into it, as any reading does.
///
/// Answers in the order of looking, and ends with the first problem that hides all others.
pub fn examine(options: &SqliteOptions) -> Vec<Finding> {
    let options = match options.clone().checked() {
        Ok(options) => options,
        Err(error) => {
            let remedy = "correct the setting that the message names";
            return vec![Finding::problem("options", error.to_string(), remedy)];
        }
    };
    match &options.location {
        Location::Memory => vec![Finding::good(
            "database",
            "the database is in memory: it is empty at each start and ends with its process",
        )],
        Location::File(path) => examine_file(&options, path),
    }
}

fn examine_file(options: &SqliteOptions, path: &Path) -> Vec<Finding> {
    let place = place::examine(options, path);
    let mut findings = place.findings;
    if !place.is_database {
        return findings;
    }
    match Db::open_reader(options, path) {
        Ok(db) => {
            findings.extend(contents::examine(options, &db, place.bytes));
            findings.push(durability(options));
            // Read before the file was opened, for opening alone makes an empty one.
            findings.push(place.log);
        }
        Err(error) => findings.push(Finding::problem(
            "database",
            error.describe("open the database").to_string(),
            "see that no other program holds the file, then restore it from a backup if it stays \
             so",
        )),
    }
    findings
}

fn durability(options: &SqliteOptions) -> Finding {
    let found = match options.synchronous {
        Synchronous::Normal => {
            "acknowledged writes survive the death of a process (synchronous is NORMAL); a power \
             failure may lose the last of them, which synchronous FULL prevents"
        }
        Synchronous::Full => {
            "acknowledged writes survive the death of a process and a power failure (synchronous \
             is FULL)"
        }
    };
    Finding::good("durability", found)
}

/// How the schema comes to be, as an advice.
const fn migrating_remedy(options: &SqliteOptions) -> &'static str {
    match options.migrating {
        Migrating::Automatic => "start a host, which applies what is missing, or migrate by hand",
        Migrating::Manual => "migrate the schema by hand before a host starts",
    }
}

/// Bytes, for people.
fn shown(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_the_unit_that_fits() {
        let sizes = [0, 1_023, 1_024, 3 << 19, 5 << 30].map(shown);
        assert_eq!(sizes, ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 MiB", "5.0 GiB"]);
    }
}
