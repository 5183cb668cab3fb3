//! Starts private servers for tests and benchmarks, on free ports of the loopback interface,
//! as child processes in temporary directories, and stops them when it is dropped.
//!
//! **Invariant:** only processes that were started here are stopped, by their id.

mod postgres;
mod process;
mod redis;

pub use postgres::{Postgres, PostgresSettings};
pub use redis::{Redis, RedisCluster, RedisSentinels, RedisSettings};
