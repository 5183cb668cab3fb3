//! How tests open this driver: each in a schema of its own.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod child;
pub(crate) mod random;
pub(crate) mod runs;
pub(crate) mod work;

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use zapjobs_conformance::{Fixture, Harness};
use zapjobs_postgres::{PostgresOptions, PostgresStorage};
use zapjobs_storage::ManualClock;

/// Each storage in a schema of its own.
pub(crate) struct InSchema;

/// Where the server is.
pub(crate) fn url() -> String {
    std::env::var("ZAPJOBS_TEST_POSTGRES").expect(
        "ZAPJOBS_TEST_POSTGRES is not set: run cargo xtask test, or start a server with the \
         services program",
    )
}

/// A schema that is nobody else's.
pub(crate) fn options() -> PostgresOptions {
    let name = uuid::Uuid::now_v7().simple().to_string();
    PostgresOptions { schema: format!("t_{}", &name[4..]), ..PostgresOptions::new(url()) }
}

pub(crate) async fn open(options: &PostgresOptions) -> PostgresStorage {
    PostgresStorage::connect(options.clone()).await.expect("the storage opens")
}

/// A connection beside the driver's.
pub(crate) async fn connection() -> PgConnection {
    PgConnection::connect(&url()).await.expect("the server answers")
}

/// Runs statements beside the driver. Answers how many rows changed.
pub(crate) async fn execute(sql: &str) -> u64 {
    let sql = AssertSqlSafe(sql.to_owned());
    connection().await.execute(sql).await.expect("it is done").rows_affected()
}

impl InSchema {
    async fn open(schema: Arc<String>, clock: Arc<ManualClock>) -> Fixture {
        let options = PostgresOptions {
            schema: schema.as_ref().clone(),
            clock: Some(clock.clone()),
            ..PostgresOptions::new(url())
        };
        Fixture::new(Arc::new(open(&options).await), clock).keeping(schema)
    }
}

#[async_trait]
impl Harness for InSchema {
    async fn fresh(&self) -> Fixture {
        Self::open(Arc::new(options().schema), Fixture::clock()).await
    }

    async fn reopen(&self, fixture: Fixture) -> Option<Fixture> {
        let Fixture { storage, clock, home } = fixture;
        drop(storage);
        let schema: Arc<dyn Any + Send + Sync> = home.expect("made by `open`");
        let schema = schema.downcast::<String>().expect("made by `open`");
        Some(Self::open(schema, clock).await)
    }
}
