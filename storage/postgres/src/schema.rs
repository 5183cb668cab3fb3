//! The steps of the schema.
//!
//! **Invariant:** a migration that was released never changes; its checksum is stored and
//! compared.

use zapjobs_model::{Digest, Timestamp};
use zapjobs_storage::ErrorKind;

use crate::error::{DbError, DbResult};

/// One step of the schema. In its templates `{schema}` and `{prefix}` stand for the names,
/// and `{channel}` for the channel of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Migration {
    /// Its number: the schema's version once it is applied.
    pub(crate) version: u32,
    /// What it is called.
    pub(crate) name: &'static str,
    /// The statements that apply it.
    pub(crate) up: &'static str,
    /// The statements that undo it.
    pub(crate) down: &'static str,
}

impl Migration {
    /// The SHA-256 of the template that applies it.
    pub(crate) fn checksum(&self) -> Digest {
        Digest::of(self.up.as_bytes())
    }
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "initial",
        up: include_str!("../migrations/0001_initial.up.sql"),
        down: include_str!("../migrations/0001_initial.down.sql"),
    },
    Migration {
        version: 2,
        name: "enqueue",
        up: include_str!("../migrations/0002_enqueue.up.sql"),
        down: include_str!("../migrations/0002_enqueue.down.sql"),
    },
];

/// All migrations that this program knows, in order.
pub(crate) const fn migrations() -> &'static [Migration] {
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
    pub(crate) applied_at: Timestamp,
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
                    "migration {version} was applied with another content: the schema belongs \
                     to a different build"
                ));
            }
            Some(_) => {}
        }
    }
    let is_applied = |step: &&Migration| applied.iter().any(|row| row.version == step.version);
    Ok(MIGRATIONS.iter().filter(|step| !is_applied(step)).collect())
}
