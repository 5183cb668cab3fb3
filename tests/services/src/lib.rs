//! Starts private servers for tests and benchmarks, on free ports of the loopback interface,
//! as child processes in temporary directories, and stops them when it is dropped.
//!
//! Servers end with the process that started them, however it ends. Where `setpriv` is
//! missing (it belongs to Linux), a process that is killed leaves its servers behind.
//!
//! All calls block, some for seconds. From an asynchronous test that is fine as long as nothing
//! else has to go on in the same thread in the meantime.
//!
//! **Invariant:** only processes that were started here are stopped, by their id.

mod certificate;
mod home;
mod install;
mod pgbouncer;
mod port;
mod postgres;
mod process;
mod programs;
mod proxy;
mod redis;
mod server;
mod spawner;
mod url;

pub use certificate::Certificate;
pub use home::memory_directory;
pub use install::install;
pub use pgbouncer::{PgBouncer, PoolMode};
pub use postgres::{Postgres, PostgresSettings};
pub use proxy::Proxy;
pub use redis::{Appendfsync, Redis, RedisCluster, RedisSentinels, RedisSettings};
