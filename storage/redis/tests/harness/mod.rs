//! How the tests open this driver: each with a key prefix of its own, on the server that
//! `ZAPJOBS_TEST_REDIS` names.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod runs;

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;
use zapjobs_conformance::{Fixture, Harness};
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_storage::ManualClock;

/// Each storage under a prefix of its own.
pub(crate) struct OnServer;

/// The executable specification.
pub(crate) struct Specification;

/// The server's address.
pub(crate) fn address() -> String {
    std::env::var("ZAPJOBS_TEST_REDIS").unwrap_or_else(|_| {
        panic!("ZAPJOBS_TEST_REDIS is not set: run cargo xtask test, or start one with the services program")
    })
}

/// Options with a prefix that nobody else uses.
pub(crate) fn options() -> RedisOptions {
    let key_prefix = format!("test-{}", Uuid::now_v7());
    RedisOptions { key_prefix, ..RedisOptions::parse(&address()).expect("a good address") }
}

struct Home(RedisOptions);

impl Drop for Home {
    fn drop(&mut self) {
        sweep(&self.0.key_prefix);
    }
}

/// Deletes a test's keys, so that the server stays small.
fn sweep(prefix: &str) {
    if address().starts_with("redis://")
        && let Ok(mut conn) = redis::Client::open(address()).and_then(|c| c.get_connection())
    {
        let script = "local cursor = '0' repeat local page = redis.call('SCAN', cursor, 'MATCH', \
                      ARGV[1], 'COUNT', 1000) cursor = page[1] for _, key in ipairs(page[2]) do \
                      redis.call('UNLINK', key) end until cursor == '0'";
        let pattern = format!("{{{prefix}}}:*");
        let _ = redis::cmd("EVAL").arg(script).arg(0).arg(pattern).exec(&mut conn);
    }
}

async fn open(options: RedisOptions, clock: Arc<ManualClock>) -> RedisStorage {
    let options = RedisOptions { clock: Some(clock), ..options };
    RedisStorage::connect(options).await.expect("the storage opens")
}

#[async_trait]
impl Harness for OnServer {
    async fn fresh(&self) -> Fixture {
        let (clock, options) = (Fixture::clock(), options());
        let storage = open(options.clone(), clock.clone()).await;
        Fixture::new(Arc::new(storage), clock).keeping(Arc::new(Home(options)))
    }

    async fn reopen(&self, fixture: Fixture) -> Option<Fixture> {
        let Fixture { storage, clock, home } = fixture;
        drop(storage);
        let home = home.expect("made by `fresh`").downcast::<Home>().expect("made by `fresh`");
        let storage = open(home.0.clone(), clock.clone()).await;
        Some(Fixture::new(Arc::new(storage), clock).keeping(home))
    }
}

#[async_trait]
impl Harness for Specification {
    async fn fresh(&self) -> Fixture {
        let clock = Fixture::clock();
        let options = MemoryOptions { clock: clock.clone(), ..MemoryOptions::default() };
        Fixture::new(Arc::new(MemoryStorage::new(options)), clock)
    }

    async fn reopen(&self, _fixture: Fixture) -> Option<Fixture> {
        None
    }
}
