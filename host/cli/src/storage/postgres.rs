//! Runs in a PostgreSQL database.

use std::sync::Arc;

use zapjobs_postgres::{
    Migrating, PostgresOptions, PostgresSchema, PostgresStorage, WakeUps, examine as look,
};
use zapjobs_storage::{Finding, SchemaAdmin, Storage};

use super::{Opener, not_opened};
use crate::config::Config;
use crate::errors::Done;

pub(super) async fn open(url: &str, config: &Config, opener: Opener) -> Done<Arc<dyn Storage>> {
    let by_hand = config.migrate_by_hand || opener == Opener::Visitor;
    let migrating = if by_hand { Migrating::Manual } else { Migrating::Automatic };
    let options = PostgresOptions { migrating, ..options(url, config) };
    match PostgresStorage::connect(options).await {
        Ok(storage) => Ok(Arc::new(storage)),
        Err(error) => Err(not_opened(&error, &config.storage.to_string())),
    }
}

pub(super) fn schema(url: &str, config: &Config) -> Box<dyn SchemaAdmin> {
    Box::new(PostgresSchema::new(options(url, config)))
}

pub(super) async fn examine(url: &str, config: &Config) -> Vec<Finding> {
    look(&options(url, config)).await
}

fn options(url: &str, config: &Config) -> PostgresOptions {
    let config = &config.postgres;
    PostgresOptions {
        schema: config.schema.clone(),
        table_prefix: config.table_prefix.clone(),
        connections: config.connections,
        connect_timeout: config.connect_timeout,
        statement_timeout: config.statement_timeout,
        wake_ups: if config.polls { WakeUps::Poll } else { WakeUps::Listen },
        prepared_statements: config.prepared_statements,
        ..PostgresOptions::new(url)
    }
}
