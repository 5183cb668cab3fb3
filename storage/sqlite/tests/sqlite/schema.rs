//! The schema under an operator's hands.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use zapjobs_conformance::samples::a_run;
use zapjobs_model::Timestamp;
use zapjobs_sqlite::{
    Migrating, SqliteOptions, SqliteSchema, SqliteStorage, migrations, pending, schema_version,
};
use zapjobs_storage::{
    ErrorKind, ManualClock, RunFilter, RunQueries, RunStore, SchemaAdmin, Storage,
};

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn options(file: &Path, prefix: &str) -> SqliteOptions {
    SqliteOptions {
        table_prefix: prefix.to_owned(),
        clock: Arc::new(ManualClock::new(NOW)),
        ..SqliteOptions::file(file)
    }
}

/// The names of all objects that a person or program made.
fn objects(file: &Path) -> Vec<String> {
    let conn = Connection::open(file).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let mut statement = conn.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

#[tokio::test]
async fn looking_at_what_is_not_there_makes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let schema = SqliteSchema::new(options(&file, "zapjobs_"));
    let steps = schema.steps().await.unwrap();
    assert_eq!(steps.len(), migrations().len());
    assert!(steps.iter().all(|step| step.applied_at.is_none()));
    assert!(schema.plan().await.unwrap().contains("CREATE TABLE zapjobs_runs"));
    assert_eq!(schema.down(0).await.unwrap(), []);
    schema.drop_all().await.unwrap();
    assert!(!file.exists(), "none of these creates the file");
}

#[tokio::test]
async fn up_applies_what_is_missing_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let schema = SqliteSchema::new(options(&file, "zapjobs_"));
    let applied = schema.up().await.unwrap();
    assert_eq!(applied.len(), migrations().len());
    assert!(applied.iter().all(|step| step.applied_at == Some(NOW)));
    assert_eq!(schema.steps().await.unwrap(), applied);
    assert_eq!(schema.up().await.unwrap(), []);
    assert_eq!(schema.plan().await.unwrap(), "");
    let options = SqliteOptions { migrating: Migrating::Manual, ..options(&file, "zapjobs_") };
    SqliteStorage::open(options).unwrap();
}

#[tokio::test]
async fn the_plan_is_the_sql_that_up_runs() {
    let home = tempfile::tempdir().unwrap();
    let (planned, migrated) = (home.path().join("planned.db"), home.path().join("migrated.db"));
    let schema = SqliteSchema::new(options(&migrated, "zapjobs_"));
    let plan = schema.plan().await.unwrap();
    schema.up().await.unwrap();
    Connection::open(&planned).unwrap().execute_batch(&plan).unwrap();
    let mut expected = objects(&migrated);
    // Up keeps the books besides.
    expected.retain(|name| name != "zapjobs_schema");
    assert_eq!(objects(&planned), expected);
}

#[tokio::test]
async fn down_undoes_with_what_is_held_and_up_begins_anew() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let storage = SqliteStorage::open(options(&file, "zapjobs_")).unwrap();
    storage.enqueue(&[a_run("q")]).await.unwrap();
    storage.close().await.unwrap();

    let schema = SqliteSchema::new(options(&file, "zapjobs_"));
    assert_eq!(schema.down(schema_version()).await.unwrap(), [], "nothing is above it");
    let undone: Vec<u32> = schema.down(0).await.unwrap().iter().map(|step| step.version).collect();
    let newest_first: Vec<u32> = migrations().iter().rev().map(|step| step.version).collect();
    assert_eq!(undone, newest_first);
    assert_eq!(objects(&file), ["zapjobs_schema"]);
    assert_eq!(schema.up().await.unwrap().len(), migrations().len());
    let storage = SqliteStorage::open(options(&file, "zapjobs_")).unwrap();
    assert_eq!(storage.counts(&RunFilter::default()).await.unwrap().total(), 0);
}

#[tokio::test]
async fn dropping_takes_the_tables_of_its_prefix_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let letters = "CREATE TABLE a_letters (text TEXT); INSERT INTO a_letters VALUES ('dear');";
    Connection::open(&file).unwrap().execute_batch(letters).unwrap();
    // The one prefix begins with the other.
    for prefix in ["a_", "a_b_"] {
        let storage = SqliteStorage::open(options(&file, prefix)).unwrap();
        storage.enqueue(&[a_run("q")]).await.unwrap();
        storage.close().await.unwrap();
    }
    SqliteSchema::new(options(&file, "a_")).drop_all().await.unwrap();
    let left = objects(&file);
    assert!(left.iter().all(|name| name == "a_letters" || name.starts_with("a_b_")), "{left:?}");
    let count = "SELECT count(*) FROM a_letters";
    let letters: i64 =
        Connection::open(&file).unwrap().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(letters, 1);
    let manual = SqliteOptions { migrating: Migrating::Manual, ..options(&file, "a_b_") };
    let other = SqliteStorage::open(manual).unwrap();
    assert_eq!(other.counts(&RunFilter::default()).await.unwrap().total(), 1);
    assert_eq!(pending(&options(&file, "a_")).unwrap().len(), migrations().len());
}

#[tokio::test]
async fn a_schema_that_lacks_tables_can_be_dropped_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let schema = SqliteSchema::new(options(&file, "zapjobs_"));
    schema.up().await.unwrap();
    Connection::open(&file).unwrap().execute_batch("DROP TABLE zapjobs_tags").unwrap();
    schema.drop_all().await.unwrap();
    assert_eq!(objects(&file), Vec::<String>::new());
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let schema = SqliteSchema::new(options(&file, "zapjobs_"));
    schema.up().await.unwrap();
    let newer = "INSERT INTO zapjobs_schema VALUES (9999, 'x', 0)";
    Connection::open(&file).unwrap().execute_batch(newer).unwrap();
    let before = objects(&file);
    let refused = [
        schema.steps().await.map(drop).unwrap_err(),
        schema.plan().await.map(drop).unwrap_err(),
        schema.up().await.map(drop).unwrap_err(),
        schema.down(0).await.map(drop).unwrap_err(),
        schema.drop_all().await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
    }
    assert_eq!(objects(&file), before);
}

#[tokio::test]
async fn a_storage_that_is_migrated_by_hand_is_opened_only_when_it_is() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("jobs.db");
    let manual = SqliteOptions { migrating: Migrating::Manual, ..options(&file, "zapjobs_") };
    let error = SqliteStorage::open(manual.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().ends_with("from version 1 on: migrate it first"), "{error}");
    assert!(!file.exists(), "refusing creates no file");
    SqliteSchema::new(manual.clone()).up().await.unwrap();
    SqliteStorage::open(manual).unwrap();
    // Nobody could.
    let memory = SqliteOptions { migrating: Migrating::Manual, ..SqliteOptions::memory() };
    SqliteStorage::open(memory).unwrap();
}

#[tokio::test]
async fn a_database_in_memory_has_no_schema_to_look_after() {
    let schema = SqliteSchema::new(SqliteOptions::memory());
    assert_eq!(schema.steps().await.unwrap_err().kind(), ErrorKind::Configuration);
    assert_eq!(schema.up().await.unwrap_err().kind(), ErrorKind::Configuration);
    assert_eq!(schema.drop_all().await.unwrap_err().kind(), ErrorKind::Configuration);
}
