//! Runs in Redis: one server, Sentinel or Cluster.

use std::sync::Arc;

use zapjobs_redis::{RedisOptions, RedisStorage, examine as look};
use zapjobs_storage::{Finding, Storage};

use super::not_opened;
use crate::config::Config;
use crate::errors::Done;

pub(super) async fn open(url: &str, config: &Config) -> Done<Arc<dyn Storage>> {
    match RedisStorage::connect(options(url, config)?).await {
        Ok(storage) => Ok(Arc::new(storage)),
        Err(error) => Err(not_opened(&error, &config.storage.to_string())),
    }
}

pub(super) async fn examine(url: &str, config: &Config) -> Done<Vec<Finding>> {
    Ok(look(&options(url, config)?).await)
}

fn options(url: &str, config: &Config) -> Done<RedisOptions> {
    let place = config.storage.to_string();
    let parsed = RedisOptions::parse(url).map_err(|error| not_opened(&error, &place))?;
    let config = &config.redis;
    Ok(RedisOptions {
        key_prefix: config.key_prefix.clone(),
        connect_timeout: config.connect_timeout,
        response_timeout: config.response_timeout,
        log_entries_per_run_max: config.log_entries_per_run_max,
        log_ttl: config.log_ttl,
        ca_file: config.ca_file.clone(),
        replicas_acked: config.replicas_acked,
        ..parsed
    })
}
