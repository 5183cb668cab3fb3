//! Opening: what is made, and what is refused in words that help.

use std::time::Duration;

use zapjobs_postgres::{
    Migrating, PostgresOptions, PostgresSchema, PostgresStorage, schema_version,
};
use zapjobs_storage::{ErrorKind, SchemaAdmin, Storage, StorageError};

use crate::harness;

async fn refused(options: PostgresOptions) -> StorageError {
    let error = PostgresStorage::connect(options).await.expect_err("it must be refused");
    let text = error.to_string();
    assert!(!text.contains('\n') && text.starts_with("open the PostgreSQL storage: "), "{text}");
    assert!(!text.contains("hush"), "{text}");
    error
}

fn at(url: String) -> PostgresOptions {
    PostgresOptions { url, connect_timeout: Duration::from_secs(5), ..harness::options() }
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = refused(at(format!("postgres://user:hush@127.0.0.1:{port}/db"))).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_wrong_address_user_or_database_is_named() {
    let error = refused(at("redis://hush@127.0.0.1".to_owned())).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    let error = refused(at(harness::url().replace("/postgres", "/nowhere"))).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    let error = refused(at(harness::url().replace("//postgres@", "//stranger:hush@"))).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
}

#[tokio::test]
async fn a_user_without_rights_is_told_so() {
    let options = harness::options();
    let role = format!("r_{}", options.schema);
    harness::execute(&format!("CREATE ROLE {role} LOGIN")).await;
    let url = harness::url().replace("//postgres@", &format!("//{role}@"));
    let error = refused(PostgresOptions { url, ..options }).await;
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    harness::execute(&format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_missing_schema_is_refused_where_migrating_is_by_hand() {
    let options = PostgresOptions { migrating: Migrating::Manual, ..harness::options() };
    let error = refused(options.clone()).await;
    assert_eq!(error.kind(), ErrorKind::Schema, "{error}");
    PostgresSchema::new(options.clone()).up().await.unwrap();
    harness::open(&options).await;
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_refused() {
    let options = harness::options();
    harness::open(&options).await;
    let newer = schema_version() + 1;
    let sql = format!("INSERT INTO {}.schema VALUES ({newer}, 'x')", options.schema);
    harness::execute(&sql).await;
    let error = refused(options.clone()).await;
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("use a newer program"), "{error}");
    let schema = PostgresSchema::new(options);
    assert_eq!(schema.steps().await.unwrap_err().kind(), ErrorKind::Schema);
    assert_eq!(schema.plan().await.unwrap_err().kind(), ErrorKind::Schema);
    assert_eq!(schema.up().await.unwrap_err().kind(), ErrorKind::Schema);
}

#[tokio::test]
async fn a_migration_with_another_content_is_refused() {
    let options = harness::options();
    harness::open(&options).await;
    harness::execute(&format!("UPDATE {}.schema SET checksum = 'x'", options.schema)).await;
    assert_eq!(refused(options).await.kind(), ErrorKind::Schema);
}

/// The versions that are applied.
async fn applied(schema: &PostgresSchema) -> Vec<u32> {
    let steps = schema.steps().await.unwrap();
    steps.iter().filter(|step| step.applied_at.is_some()).map(|step| step.version).collect()
}

#[tokio::test]
async fn migrations_go_up_and_down_and_away() {
    let options = PostgresOptions { table_prefix: "x_".to_owned(), ..harness::options() };
    let schema = PostgresSchema::new(options.clone());
    let all: Vec<u32> = (1..=schema_version()).collect();
    let sql = schema.plan().await.unwrap();
    assert!(sql.contains(&format!("\"{}\".x_runs", options.schema)), "names are filled in");
    assert_eq!(applied(&schema).await, [0; 0], "nothing is written");
    let done = schema.up().await.unwrap();
    assert_eq!(done.iter().map(|step| step.version).collect::<Vec<_>>(), all);
    assert_eq!(schema.steps().await.unwrap(), done, "with the time of each");
    assert_eq!(schema.up().await.unwrap(), []);
    assert_eq!(schema.plan().await.unwrap(), "");
    let undone = schema.down(1).await.unwrap();
    assert_eq!(undone.iter().map(|step| step.version).collect::<Vec<_>>(), all[1..]);
    assert!(undone.iter().all(|step| step.applied_at.is_none()));
    assert_eq!(applied(&schema).await, [1]);
    schema.up().await.unwrap();
    schema.drop_all().await.unwrap();
    let sql = format!("SELECT 1 FROM pg_namespace WHERE nspname = '{}'", options.schema);
    assert_eq!(harness::execute(&sql).await, 0, "the schema is gone");
    schema.drop_all().await.unwrap();
}

#[tokio::test]
async fn a_schemas_location_holds_no_secret() {
    let secret = PostgresOptions::new("postgres://user:hush@db.example:5433/jobs");
    let location = PostgresSchema::new(secret).location();
    assert_eq!(location, "db.example:5433/jobs, schema zapjobs");
    let unreadable = PostgresOptions::new("postgres://user:hush@db:no-port/jobs");
    assert_eq!(PostgresSchema::new(unreadable).location(), "schema zapjobs");
}

#[tokio::test]
async fn many_may_open_a_new_schema_at_once() {
    let options = harness::options();
    let opened = (0..8).map(|_| PostgresStorage::connect(options.clone()));
    for storage in futures_util::future::join_all(opened).await {
        storage.unwrap();
    }
    assert_eq!(PostgresSchema::new(options).plan().await.unwrap(), "");
}

#[tokio::test]
async fn two_prefixes_in_one_schema_are_two_storages() {
    let first = harness::options();
    let second = PostgresOptions { table_prefix: "b_".to_owned(), ..first.clone() };
    harness::open(&first).await;
    harness::open(&second).await;
    PostgresSchema::new(first).drop_all().await.unwrap();
    assert_eq!(PostgresSchema::new(second).plan().await.unwrap(), "", "the other's tables stay");
}

#[tokio::test]
async fn the_storage_says_what_it_is() {
    let info = harness::open(&harness::options()).await.info().await.unwrap();
    assert_eq!(info.driver, "postgres");
    assert_eq!(info.schema_version, schema_version());
    assert!(info.location.starts_with("127.0.0.1:"), "{}", info.location);
    assert!(info.server_version.starts_with("PostgreSQL "), "{}", info.server_version);
}
