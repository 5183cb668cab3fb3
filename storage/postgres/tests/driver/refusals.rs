//! What a server refuses is told in one clear line, without a secret.

use std::time::Duration;

use sqlx::{Connection, Executor};
use zapjobs_postgres::{PostgresOptions, PostgresStorage};
use zapjobs_services::{Postgres, PostgresSettings};
use zapjobs_storage::{ErrorKind, RunStore, Storage, StorageError};

use crate::harness;
use crate::harness::runs::a_run;

async fn refused(url: String) -> StorageError {
    let error = PostgresStorage::connect(PostgresOptions::new(url)).await.unwrap_err();
    one_clear_line(&error);
    error
}

fn one_clear_line(error: &StorageError) {
    let text = error.to_string();
    assert!(!text.contains('\n') && !text.contains("hush"), "{text}");
}

async fn accepted(url: String) {
    let storage = PostgresStorage::connect(PostgresOptions::new(url)).await.unwrap();
    storage.close().await.unwrap();
}

fn quick() -> PostgresSettings {
    PostgresSettings { fsync: false, ..PostgresSettings::default() }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_right_one_taken() {
    let password = Some("h/us@h:%1".to_owned());
    let server = Postgres::start(PostgresSettings { password, ..quick() }).unwrap();
    accepted(server.url()).await;
    let at = server.url().find('@').unwrap();
    let wrong = format!("postgres://postgres:hush{}", &server.url()[at..]);
    let error = refused(wrong).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("password authentication failed"), "{error}");
    let none = format!("postgres://postgres{}", &server.url()[at..]);
    assert_eq!(refused(none).await.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_only_where_it_is_verified() {
    let server = Postgres::start(PostgresSettings { tls: true, ..quick() }).unwrap();
    // With the certificate as root.
    accepted(server.url()).await;
    let plain = server.url().split('?').next().unwrap().to_owned();
    accepted(format!("{plain}?sslmode=require")).await;
    for mode in ["verify-full", "verify-ca"] {
        let error = refused(format!("{plain}?sslmode={mode}")).await;
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let error = refused(format!("{plain}?sslmode=disable")).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("encryption"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_wanted() {
    let error = refused(format!("{}?sslmode=require", harness::url())).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().to_lowercase().contains("tls"), "{error}");
}

#[tokio::test]
async fn a_missing_right_on_a_table_is_read_only() {
    let options = harness::options();
    harness::open(&options).await;
    let (schema, role) = (&options.schema, format!("r_{}", options.schema));
    harness::execute(&format!("CREATE ROLE {role} LOGIN")).await;
    harness::execute(&format!("GRANT USAGE ON SCHEMA {schema} TO {role}")).await;
    harness::execute(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}")).await;
    let url = harness::url().replace("//postgres@", &format!("//{role}@"));
    let storage = harness::open(&PostgresOptions { url, ..options.clone() }).await;
    let error = storage.enqueue(&[a_run("q")]).await.unwrap_err();
    one_clear_line(&error);
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("permission denied"), "{error}");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped_and_may_be_tried_again() {
    let options =
        PostgresOptions { statement_timeout: Duration::from_secs(1), ..harness::options() };
    let storage = harness::open(&options).await;
    let mut connection = harness::connection().await;
    let mut tx = connection.begin().await.unwrap();
    let lock = format!("LOCK TABLE {}.runs", options.schema);
    tx.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(lock))).await.unwrap();
    let runs = [a_run("q")];
    let error = storage.enqueue(&runs).await.unwrap_err();
    one_clear_line(&error);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.is_retryable());
    assert!(error.to_string().contains("took too long"), "{error}");
    tx.rollback().await.unwrap();
    storage.enqueue(&runs).await.unwrap();
}

#[tokio::test]
async fn a_server_without_free_connections_is_busy() {
    let server = Postgres::start(PostgresSettings { connections_max: 5, ..quick() }).unwrap();
    let options = PostgresOptions { connections: 1, ..PostgresOptions::new(server.url()) };
    let mut held = Vec::new();
    // Refused may be the storage, or its first operation.
    let error = loop {
        let opened = match PostgresStorage::connect(options.clone()).await {
            Ok(storage) => storage.now().await.map(|_| storage),
            Err(error) => Err(error),
        };
        match opened {
            Ok(storage) => held.push(storage),
            Err(error) => break error,
        }
        assert!(held.len() < 10);
    };
    one_clear_line(&error);
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert!(error.is_retryable());
}
