//! The storage that a URL names. This module alone knows the drivers.

use std::path::Path;
use std::sync::Arc;

use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_sqlite::{SqliteOptions, SqliteStorage, Synchronous};
use zapjobs_storage::Storage;

use crate::config::{Config, SqliteConfig};
use crate::errors::{Done, Failure};

/// Opens the storage for a host, which may create it.
pub(crate) async fn open_for_host(config: &Config) -> Done<Arc<dyn Storage>> {
    let storage: Arc<dyn Storage> = match Address::parse(&config.storage)? {
        Address::Memory => Arc::new(MemoryStorage::new(MemoryOptions::default())),
        Address::SqliteMemory => open_sqlite(SqliteOptions::memory(), &config.sqlite).await?,
        Address::SqliteFile(path) => {
            check_parent(path)?;
            open_sqlite(SqliteOptions::file(path), &config.sqlite).await?
        }
    };
    Ok(storage)
}

/// Opens the storage that a host works on, or has worked on. Never creates one: runs would be
/// put where no host looks.
pub(crate) async fn open_existing(config: &Config) -> Done<Arc<dyn Storage>> {
    let Address::SqliteFile(path) = Address::parse(&config.storage)? else {
        return Err(Failure::usage(format!(
            "the storage {} lives inside one process, so no other can use it: serve and ask with \
             --storage sqlite:PATH, or try a component with `zapjobs run`",
            config.storage
        )));
    };
    if !path.exists() {
        return Err(Failure::unavailable(format!(
            "there is no database at {}: start `zapjobs serve` first, or name another with \
             --storage",
            path.display()
        )));
    }
    Ok(open_sqlite(SqliteOptions::file(path), &config.sqlite).await?)
}

/// Where a storage is.
#[derive(Debug, PartialEq, Eq)]
enum Address<'a> {
    Memory,
    SqliteMemory,
    SqliteFile(&'a Path),
}

impl<'a> Address<'a> {
    fn parse(url: &'a str) -> Done<Self> {
        let supported = "use sqlite:PATH, sqlite::memory: or memory:";
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(Failure::usage(format!("the storage {url:?} has no scheme: {supported}")));
        };
        match (scheme, rest) {
            ("memory", "") => Ok(Self::Memory),
            ("memory", _) => {
                Err(Failure::usage(format!("the storage {url:?} has no place: {supported}")))
            }
            ("sqlite", ":memory:") => Ok(Self::SqliteMemory),
            ("sqlite", path) => match path.strip_prefix("//").unwrap_or(path) {
                "" => {
                    Err(Failure::usage(format!("the storage {url:?} names no file: {supported}")))
                }
                path => Ok(Self::SqliteFile(Path::new(path))),
            },
            (scheme, _) => {
                Err(Failure::usage(format!("this build has no storage {scheme:?}: {supported}")))
            }
        }
    }
}

async fn open_sqlite(options: SqliteOptions, config: &SqliteConfig) -> Done<Arc<SqliteStorage>> {
    let options = SqliteOptions {
        synchronous: if config.full_sync { Synchronous::Full } else { Synchronous::Normal },
        table_prefix: config.table_prefix.clone(),
        busy_timeout: config.busy_timeout,
        ..options
    };
    let place = options.location.to_string();
    // Opening may migrate and wait for another process.
    let opened = tokio::task::spawn_blocking(move || SqliteStorage::open(options)).await;
    match opened {
        Ok(Ok(storage)) => Ok(Arc::new(storage)),
        Ok(Err(error)) => {
            let mut message = format!("failed to {error}");
            if !message.contains(&place) {
                message.push_str(&format!(": {place}"));
            }
            Err(Failure::unavailable(message))
        }
        Err(_) => Err(Failure::unavailable("opening the SQLite storage failed unexpectedly")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_driver_and_a_place() {
        let parse = |url| Address::parse(url).map_err(|failure| failure.message);
        assert_eq!(parse("memory:"), Ok(Address::Memory));
        assert_eq!(parse("sqlite::memory:"), Ok(Address::SqliteMemory));
        assert_eq!(parse("sqlite:a.db"), Ok(Address::SqliteFile(Path::new("a.db"))));
        assert_eq!(parse("sqlite:///srv/a.db"), Ok(Address::SqliteFile(Path::new("/srv/a.db"))));
        for bad in ["", "zapjobs.db", "memory:x", "sqlite:", "mysql://x", "C:\\a.db"] {
            let message = parse(bad).expect_err(bad);
            assert!(message.contains("use sqlite:PATH"), "{bad}: {message}");
        }
    }
}
