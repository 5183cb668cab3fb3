//! A storage on a server of its own, so that its keys can be looked at and spoilt by hand.

use std::sync::Arc;

use zapjobs_model::{RunId, Timestamp};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_services::{Redis, RedisSettings};
use zapjobs_storage::ManualClock;

pub(crate) struct Alone {
    pub(crate) storage: RedisStorage,
    pub(crate) clock: Arc<ManualClock>,
    server: Redis,
}

impl Alone {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)));
        let server = Redis::start(&RedisSettings::default()).unwrap();
        let options = RedisOptions::parse(&server.url()).unwrap();
        let options = RedisOptions { clock: Some(clock.clone()), ..options };
        let storage = RedisStorage::connect(options).await.unwrap();
        Self { storage, clock, server }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn raw(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    pub(crate) fn key(name: &str) -> String {
        format!("{{zapjobs}}:{name}")
    }

    pub(crate) fn run_key(run: RunId) -> Vec<u8> {
        [Self::key("run:").as_bytes(), run.0.as_bytes()].concat()
    }

    /// Spoils a field of a run; an empty value removes it.
    pub(crate) fn spoil(&self, run: RunId, field: &str, value: &[u8]) {
        let key = Self::run_key(run);
        let mut conn = self.raw();
        match value {
            [] => redis::cmd("HDEL").arg(key).arg(field).exec(&mut conn).unwrap(),
            value => redis::cmd("HSET").arg(key).arg(field).arg(value).exec(&mut conn).unwrap(),
        }
    }
}
