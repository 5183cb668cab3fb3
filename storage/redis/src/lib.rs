//! ZapJobs storage in Redis: one server, Sentinel or Cluster.
//!
//! [`RedisStorage`] implements every trait of `zapjobs-storage`. `KEYS.md` beside this crate
//! lists every key with its type, meaning and lifetime. Needs Redis 6.2 or newer, or Valkey.
//!
//! What an acknowledged write survives is the server's setting: with an append-only file the
//! death of the server, save for what was not synced; without, nothing after its last snapshot.
//! [`RedisStorage::connect`] warns, and `Storage::info` says which.
//!
//! **Invariants:**
//! - Every write is one Lua script, and so happens as a whole or not at all.
//! - All keys of one prefix share a hash tag, and so a slot: one prefix is served by one node
//!   of a cluster. To use several nodes, give each group of jobs a prefix of its own.
//! - Time is the server's, whatever the hosts' clocks say.
//! - A record that cannot be read is set aside with its reason; claims and sweeps go on.
//!
//! In reading order: `options` and `address`; `storage` connects and closes, `startup` looks at the
//! server and `examine` at all of it, by the rules of `settings`; `connection` and `link` are the
//! way there, `keys` and `script` what is sent, `answer` and `record` what comes back; `runs` holds
//! one file per operation, and `queries`, `logs`, `statistics`, `definitions`, `workers`, `leases`,
//! `events` the other traits. `src/lua` holds the scripts, which share `prelude.lua`.

mod address;
mod options;

mod examine;
mod settings;
mod signals;
mod startup;
mod storage;

mod connection;
mod error;
mod link;

mod aging;
mod answer;
mod keys;
mod quarantine;
mod read;
mod record;
mod schedules;
mod script;

mod batches;
mod definitions;
mod dependencies;
mod documents;
mod endings;
mod events;
mod flow;
mod leases;
mod logs;
mod queries;
mod runs;
mod statistics;
mod steps;
mod walk;
mod workers;

pub use examine::examine;
pub use options::{HOSTS_MAX, Host, KEY_PREFIX_BYTES_MAX, RedisOptions, Topology};
pub use storage::RedisStorage;
