//! Runs in one SQLite file.

use std::path::Path;
use std::sync::Arc;

use zapjobs_sqlite::{
    Location, Migrating, SqliteOptions, SqliteSchema, SqliteStorage, Synchronous, examine as look,
};
use zapjobs_storage::{Finding, SchemaAdmin, Storage};

use super::{Opener, not_opened};
use crate::config::Config;
use crate::errors::{Done, Failure};

pub(super) async fn open(
    location: Location,
    config: &Config,
    opener: Opener,
) -> Done<Arc<dyn Storage>> {
    if let Location::File(path) = &location {
        match opener {
            Opener::Host => check_parent(path)?,
            Opener::Visitor => check_file(path)?,
        }
    }
    let by_hand = config.migrate_by_hand || opener == Opener::Visitor;
    let migrating = if by_hand { Migrating::Manual } else { Migrating::Automatic };
    let options = SqliteOptions { migrating, ..options(location, config) };
    let place = options.location.to_string();
    // Opening may migrate and wait for another process.
    match tokio::task::spawn_blocking(move || SqliteStorage::open(options)).await {
        Ok(Ok(storage)) => Ok(Arc::new(storage)),
        Ok(Err(error)) => Err(not_opened(&error, &place)),
        Err(_) => Err(Failure::unavailable("opening the SQLite storage failed unexpectedly")),
    }
}

pub(super) fn schema(location: Location, config: &Config) -> Box<dyn SchemaAdmin> {
    Box::new(SqliteSchema::new(options(location, config)))
}

pub(super) async fn examine(location: Location, config: &Config) -> Done<Vec<Finding>> {
    let options = options(location, config);
    let looked = tokio::task::spawn_blocking(move || look(&options)).await;
    looked.map_err(|_| Failure::unavailable("looking at the SQLite storage failed unexpectedly"))
}

fn options(location: Location, config: &Config) -> SqliteOptions {
    let config = &config.sqlite;
    let options = match location {
        Location::Memory => SqliteOptions::memory(),
        Location::File(path) => SqliteOptions::file(path),
    };
    SqliteOptions {
        synchronous: if config.full_sync { Synchronous::Full } else { Synchronous::Normal },
        table_prefix: config.table_prefix.clone(),
        busy_timeout: config.busy_timeout,
        ..options
    }
}

fn check_file(path: &Path) -> Done {
    if path.exists() {
        return Ok(());
    }
    Err(Failure::unavailable(format!(
        "there is no database at {}: start `zapjobs serve` first, or name another with --storage",
        path.display()
    )))
}

fn check_parent(path: &Path) -> Done {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent {
        Some(parent) if !parent.is_dir() => Err(Failure::unavailable(format!(
            "the directory {} of the database does not exist: create it, or name another place \
             with --storage",
            parent.display()
        ))),
        _ => Ok(()),
    }
}
