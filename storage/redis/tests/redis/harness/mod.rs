//! How the tests open this driver: each with a key prefix of its own, on the servers that
//! `ZAPJOBS_TEST_REDIS` and its kin name.

pub(crate) mod alone;
pub(crate) mod chance;
pub(crate) mod runs;

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;
use zapjobs_conformance::{Fixture, Harness};
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_storage::ManualClock;

/// Each storage under a prefix of its own, on the server that this variable names.
pub(crate) struct On(pub(crate) &'static str);

/// One server.
pub(crate) const SERVER: On = On("ZAPJOBS_TEST_REDIS");
/// A master that Sentinels name.
pub(crate) const SENTINEL: On = On("ZAPJOBS_TEST_REDIS_SENTINEL");
/// A cluster.
pub(crate) const CLUSTER: On = On("ZAPJOBS_TEST_REDIS_CLUSTER");

/// The executable specification.
pub(crate) struct Specification;

impl On {
    /// Where it is.
    pub(crate) fn address(&self) -> String {
        let Self(variable) = self;
        std::env::var(variable).unwrap_or_else(|_| {
            panic!(
                "{variable} is not set: run cargo xtask test, or start it with the services program"
            )
        })
    }

    /// Options with a prefix that nobody else uses.
    pub(crate) fn options(&self) -> RedisOptions {
        let key_prefix = format!("test-{}", Uuid::now_v7());
        RedisOptions { key_prefix, ..RedisOptions::parse(&self.address()).expect("an address") }
    }
}

/// The one server's address.
pub(crate) fn address() -> String {
    SERVER.address()
}

/// Options on the one server, with a prefix that nobody else uses.
pub(crate) fn options() -> RedisOptions {
    SERVER.options()
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
impl Harness for On {
    async fn fresh(&self) -> Fixture {
        let (clock, options) = (Fixture::clock(), self.options());
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
