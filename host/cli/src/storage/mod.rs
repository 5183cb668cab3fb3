//! The storage that a URL names. This module alone knows the drivers, each in a file of its own.

mod address;
mod postgres;
mod redis;
mod sqlite;

use std::sync::Arc;

use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_storage::{ErrorKind, Finding, SchemaAdmin, Storage, StorageError};

use crate::config::{Config, StorageUrl};
use crate::errors::{Done, Failure};
use address::Address;

/// Who opens a storage, and so whether it may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opener {
    /// A host: creates what is missing, unless schemas are migrated by hand.
    Host,
    /// A command that works on what a host has made. Never creates one: runs would be put where
    /// no host looks.
    Visitor,
}

/// Opens the storage for a host, which may create it.
pub(crate) async fn open_for_host(config: &Config) -> Done<Arc<dyn Storage>> {
    open(config, Opener::Host).await
}

/// Opens the storage that a host works on, or has worked on.
pub(crate) async fn open_existing(config: &Config) -> Done<Arc<dyn Storage>> {
    if config.storage.is_in_process() {
        return Err(Failure::usage(format!(
            "the storage {} lives inside one process, so no other can use it: serve and ask with \
             --storage sqlite:PATH, or try a component with `zapjobs run`",
            config.storage
        )));
    }
    open(config, Opener::Visitor).await
}

async fn open(config: &Config, opener: Opener) -> Done<Arc<dyn Storage>> {
    match Address::parse(&config.storage)? {
        Address::Memory => Ok(Arc::new(MemoryStorage::new(MemoryOptions::default()))),
        Address::Sqlite(location) => sqlite::open(location, config, opener).await,
        Address::Postgres(url) => postgres::open(url, config, opener).await,
        Address::Redis(url) => redis::open(url, config).await,
    }
}

/// What looks after the schema of the storage.
pub(crate) fn schema(config: &Config) -> Done<Box<dyn SchemaAdmin>> {
    match Address::parse(&config.storage)? {
        Address::Sqlite(location) if !config.storage.is_in_process() => {
            Ok(sqlite::schema(location, config))
        }
        Address::Postgres(url) => Ok(postgres::schema(url, config)),
        _ => Err(Failure::usage(format!(
            "the storage {} has no schema to migrate: only SQLite files and PostgreSQL databases \
             have one",
            config.storage
        ))),
    }
}

/// Refuses an address that no driver takes.
pub(crate) fn check(url: &StorageUrl) -> Done {
    Address::parse(url).map(drop)
}

/// Looks at the storage from outside, and writes nothing.
pub(crate) async fn examine(config: &Config) -> Done<Vec<Finding>> {
    match Address::parse(&config.storage)? {
        Address::Sqlite(location) if !config.storage.is_in_process() => {
            sqlite::examine(location, config).await
        }
        Address::Postgres(url) => Ok(postgres::examine(url, config).await),
        Address::Redis(url) => redis::examine(url, config).await,
        _ => Ok(vec![Finding::good(
            "storage",
            format!("{} lives inside one process: there is nothing to look at", config.storage),
        )]),
    }
}

/// Why a storage could not be opened, with the place where the driver's words lack it.
fn not_opened(error: &StorageError, place: &str) -> Failure {
    let mut message = format!("failed to {error}");
    if !message.contains(place) {
        message.push_str(&format!(": {place}"));
    }
    match error.kind() {
        ErrorKind::Configuration => Failure::usage(message),
        _ => Failure::unavailable(message),
    }
}
