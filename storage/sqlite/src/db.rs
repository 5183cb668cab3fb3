//! One connection: its settings, and statements that are built once with the prefix.
//!
//! **Invariant:** nothing but the checked prefix and SQL of this crate gets into a statement;
//! every value is bound.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, OpenFlags};
use zapjobs_storage::ErrorKind;

use crate::error::{DbError, DbResult};
use crate::options::{Location, SqliteOptions, Synchronous};

/// Prepared statements kept per connection at most.
const STATEMENTS_CACHED_MAX: usize = 128;
/// Kibibytes of pages that the writer keeps in memory at most.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// Kibibytes of pages that each reader keeps in memory at most.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Bytes that the write-ahead log keeps on disk once it is empty.
const LOG_BYTES_KEPT: i64 = 128 << 20;
/// Attempts to switch a new file to write-ahead logging while another process does the same.
const SWITCH_ATTEMPTS: u32 = 100;

/// How often the writer tries for another process's lock: at first, for so many tries, and then.
const FIRST_TRY_EVERY: Duration = Duration::from_micros(300);
const FIRST_TRIES: i32 = 20;
const TRY_EVERY: Duration = Duration::from_millis(2);

/// A connection and its statements.
pub(crate) struct Db {
    pub(crate) conn: Connection,
    prefix: Arc<str>,
    expanded: RefCell<HashMap<&'static str, Arc<str>>>,
}

impl Db {
    /// The connection that writes. Creates the file.
    pub(crate) fn open_writer(options: &SqliteOptions) -> DbResult<Self> {
        let mut conn = match &options.location {
            Location::Memory => Connection::open_in_memory()?,
            Location::File(path) => {
                check_path(path)?;
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
                Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?
            }
        };
        wait_patiently(&mut conn, options.busy_timeout)?;
        if conn.is_readonly("main")? {
            return Err(DbError::Told(
                ErrorKind::ReadOnly,
                format!("{} may not be written; check its rights", options.location),
            ));
        }
        if options.location != Location::Memory {
            switch_to_wal(&conn)?;
        }
        let synchronous = match options.synchronous {
            Synchronous::Normal => "NORMAL",
            Synchronous::Full => "FULL",
        };
        conn.pragma_update(None, "synchronous", synchronous)?;
        conn.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
        conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        Self::new(conn, options)
    }

    /// A connection that only reads.
    pub(crate) fn open_reader(options: &SqliteOptions, path: &Path) -> DbResult<Self> {
        // Not SQLITE_OPEN_READ_ONLY: a reader may have to create the log's index.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(options.busy_timeout)?;
        conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        conn.pragma_update(None, "query_only", true)?;
        Self::new(conn, options)
    }

    fn new(conn: Connection, options: &SqliteOptions) -> DbResult<Self> {
        // Foreign keys are not declared; the check would cost without use.
        conn.pragma_update(None, "foreign_keys", false)?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        // Or SQLite compiles statements anew when a bound value might change the plan.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
        let prefix = options.table_prefix.as_str().into();
        Ok(Self { conn, prefix, expanded: RefCell::default() })
    }

    /// The statement of a template, prepared at most once.
    pub(crate) fn prepare(&self, template: &'static str) -> DbResult<CachedStatement<'_>> {
        let known = self.expanded.borrow().get(template).cloned();
        let sql = known.unwrap_or_else(|| {
            let sql: Arc<str> = self.expand(template).into();
            self.expanded.borrow_mut().insert(template, sql.clone());
            sql
        });
        Ok(self.conn.prepare_cached(&sql)?)
    }

    /// The statement of a template that was put together for one request.
    pub(crate) fn prepare_composed(&self, template: &str) -> DbResult<CachedStatement<'_>> {
        Ok(self.conn.prepare_cached(&self.expand(template))?)
    }

    pub(crate) fn close(self) -> DbResult<()> {
        self.conn.close().map_err(|(_, error)| error.into())
    }

    pub(crate) fn expand(&self, template: &str) -> String {
        expanded(template, &self.prefix)
    }
}

/// A template with the prefix put in.
pub(crate) fn expanded(template: &str, prefix: &str) -> String {
    template.replace("{prefix}", prefix)
}

fn check_path(path: &Path) -> DbResult<()> {
    let configuration = |message| Err(DbError::Told(ErrorKind::Configuration, message));
    if path.is_dir() {
        return configuration(format!("{} is a directory: name a file in it", path.display()));
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !directory.is_dir() {
        return configuration(format!(
            "the directory {} does not exist: create it first",
            directory.display()
        ));
    }
    Ok(())
}

/// Waits for another process's lock by trying again, often and evenly. SQLite's own waits grow
/// to 100 ms, during which a process that writes much takes the lock again and again.
fn wait_patiently(conn: &mut Connection, timeout: Duration) -> DbResult<()> {
    let mut since = Instant::now();
    conn.busy_handler(Some(move |tries| {
        if tries == 0 {
            since = Instant::now();
        }
        let goes_on = since.elapsed() < timeout;
        if goes_on {
            std::thread::sleep(if tries < FIRST_TRIES { FIRST_TRY_EVERY } else { TRY_EVERY });
        }
        goes_on
    }))?;
    Ok(())
}

/// The switch needs the file for itself for a moment, and SQLite does not always wait for it.
fn switch_to_wal(conn: &Connection) -> DbResult<()> {
    let mut attempts_left = SWITCH_ATTEMPTS;
    loop {
        let switched =
            conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match switched.map_err(DbError::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(DbError::Told(
                    ErrorKind::Configuration,
                    format!(
                        "write-ahead logging is not possible here (journal mode {mode:?}): \
                             use a local file system"
                    ),
                ));
            }
            Err(error) if error.is_busy() && attempts_left > 0 => {
                attempts_left -= 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
}
