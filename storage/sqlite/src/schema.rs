//! The steps of the schema. `migrate` takes them.
//!
//! **Invariant:** a migration that was released never changes; its checksum is stored and
//! compared.

use zapjobs_model::{Digest, Timestamp};
use zapjobs_storage::ErrorKind;

use crate::error::{DbError, DbResult};

/// One step of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its number: the schema's version once it is applied.
    pub version: u32,
    /// What it is called.
    pub name: &'static str,
    /// The statements that apply it; `{prefix}` stands for the table prefix.
    pub up: &'static str,
    /// The statements that undo it.
    pub down: &'static str,
}

impl Migration {
    /// The SHA-256 of the statements that apply it.
    pub fn checksum(&self) -> Digest {
        Digest::of(self.up.as_bytes())
    }
}

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "initial",
    up: include_str!("../migrations/0001_initial.up.sql"),
    down: include_str!("../migrations/0001_initial.down.sql"),
}];

/// All migrations that this program knows, in order.
pub const fn migrations() -> &'static [Migration] {
    MIGRATIONS
}

/// The version of the schema that this program needs.
pub const fn schema_version() -> u32 {
    MIGRATIONS[MIGRATIONS.len() - 1].version
}

/// A row of the table of applied migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) version: u32,
    pub(crate) checksum: String,
    pub(crate) at: Timestamp,
}

/// The migrations that are not applied yet; refuses a schema that this program does not know.
pub(crate) fn missing(applied: &[Applied]) -> DbResult<Vec<&'static Migration>> {
    let refuse = |message: String| Err(DbError::Told(ErrorKind::Schema, message));
    for Applied { version, checksum, .. } in applied {
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
    let is_applied = |step: &&Migration| applied.iter().any(|row| row.version == step.version);
    Ok(MIGRATIONS.iter().filter(|step| !is_applied(step)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        for (step, version) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(step.version, version, "{}", step.name);
        }
    }
}
