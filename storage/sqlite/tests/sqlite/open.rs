//! Opening: what is made, and what is refused in words that help.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use zapjobs_sqlite::{SqliteOptions, SqliteStorage, migrations, pending, schema_version};
use zapjobs_storage::{ErrorKind, RunFilter, RunQueries, Storage, StorageError};

fn refused(options: SqliteOptions) -> StorageError {
    let error = SqliteStorage::open(options).expect_err("it must be refused");
    let text = error.to_string();
    assert!(!text.contains('\n') && text.starts_with("open the SQLite storage: "), "{text}");
    error
}

fn open(file: &Path) -> SqliteStorage {
    SqliteStorage::open(SqliteOptions::file(file)).unwrap()
}

#[test]
fn a_missing_directory_is_named() {
    let home = tempfile::tempdir().unwrap();
    let error = refused(SqliteOptions::file(home.path().join("missing/jobs.db")));
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().ends_with("missing does not exist: create it first"), "{error}");
}

#[test]
fn a_directory_is_no_database() {
    let home = tempfile::tempdir().unwrap();
    let error = refused(SqliteOptions::file(home.path()));
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[test]
fn a_file_of_another_kind_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("letter.txt");
    let letter = "Dear all, ".repeat(1_000);
    fs::write(&file, &letter).unwrap();
    let error = refused(SqliteOptions::file(&file));
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(fs::read_to_string(&file).unwrap(), letter);
}

#[cfg(target_os = "linux")]
#[test]
fn a_place_where_nothing_may_be_written_is_refused() {
    // Holds for every user, root included.
    let error = refused(SqliteOptions::file("/proc/zapjobs.db"));
    assert!(matches!(error.kind(), ErrorKind::Configuration | ErrorKind::ReadOnly), "{error}");
}

#[test]
fn a_schema_of_a_newer_program_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    drop(open(&file));
    let newer = schema_version() + 1;
    Connection::open(&file)
        .unwrap()
        .execute("INSERT INTO zapjobs_schema VALUES (?1, 'x', 0)", [newer])
        .unwrap();
    let error = refused(SqliteOptions::file(&file));
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("use a newer program"), "{error}");
    assert_eq!(pending(&SqliteOptions::file(&file)).unwrap_err().kind(), ErrorKind::Schema);
}

#[test]
fn a_migration_with_another_content_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    drop(open(&file));
    Connection::open(&file)
        .unwrap()
        .execute("UPDATE zapjobs_schema SET checksum = 'x'", [])
        .unwrap();
    assert_eq!(refused(SqliteOptions::file(&file)).kind(), ErrorKind::Schema);
}

#[test]
fn migrations_are_pending_until_the_storage_is_opened() {
    let home = tempfile::tempdir().unwrap();
    let options = SqliteOptions::file(home.path().join("jobs.db"));
    assert_eq!(pending(&options).unwrap().len(), migrations().len());
    assert!(!home.path().join("jobs.db").exists(), "looking creates no file");
    drop(SqliteStorage::open(options.clone()).unwrap());
    assert_eq!(pending(&options).unwrap(), Vec::<&zapjobs_sqlite::Migration>::new());
}

#[test]
fn a_writer_that_does_not_end_makes_opening_busy() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let other = Connection::open(&file).unwrap();
    other.pragma_update(None, "journal_mode", "WAL").unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let options = SqliteOptions { busy_timeout: Duration::ZERO, ..SqliteOptions::file(&file) };
    assert_eq!(refused(options.clone()).kind(), ErrorKind::Busy);
    other.execute_batch("COMMIT").unwrap();
    SqliteStorage::open(options).unwrap();
}

#[test]
fn a_hostile_table_prefix_is_refused() {
    for prefix in ["", "Upper", "x; DROP TABLE runs", "x\"", "1x"] {
        let options = SqliteOptions { table_prefix: prefix.to_owned(), ..SqliteOptions::memory() };
        assert_eq!(refused(options).kind(), ErrorKind::Configuration, "{prefix}");
    }
}

#[tokio::test]
async fn two_prefixes_in_one_file_are_two_storages() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    for prefix in ["a_", "b_"] {
        let options =
            SqliteOptions { table_prefix: prefix.to_owned(), ..SqliteOptions::file(&file) };
        let storage = SqliteStorage::open(options).unwrap();
        assert_eq!(storage.counts(&RunFilter::default()).await.unwrap().total(), 0);
        storage.close().await.unwrap();
    }
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('a_runs', 'b_runs')";
    let count: i64 =
        Connection::open(&file).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 2);
}

#[tokio::test]
async fn the_storage_says_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let info = open(&file).info().await.unwrap();
    assert_eq!(info.driver, "sqlite");
    assert_eq!(info.location, file.display().to_string());
    assert_eq!(info.schema_version, schema_version());
    assert!(info.server_version.starts_with("SQLite 3."));
    assert!(info.durability.contains("power failure"));
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let start = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                drop(open(&file));
            });
        }
    });
    assert!(pending(&SqliteOptions::file(&file)).unwrap().is_empty());
}
