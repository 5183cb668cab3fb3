//! ZapJobs storage in PostgreSQL, for many hosts at once. Version 13 of the server or later;
//! tested with 15.
//!
//! [`PostgresStorage`] implements every trait of `zapjobs-storage`. Every operation is one
//! statement wherever the contract allows it, so that it is one round trip and one commit for
//! a whole batch; rows are locked in one order, so that operations cannot deadlock.
//!
//! An acknowledged write survives what the server's `fsync` and `synchronous_commit` say: with
//! the defaults, a power failure.
//!
//! **Transactional enqueue.** The schema holds a function for programs in any language:
//! `SELECT zapjobs.enqueue('thumbnail', '{"path": "/in/a.png"}')` stores a run inside the
//! caller's own transaction. Its parameters and refusals are told in
//! `migrations/0002_enqueue.up.sql`.
//!
//! **Invariants:**
//! - Time is the server's, the same for all hosts; [`PostgresOptions::clock`] is for tests.
//! - No operation lasts longer than [`PostgresOptions::statement_timeout`] for each of its
//!   statements.
//! - A connection that failed, or whose operation was dropped half-way, is never used again;
//!   new ones are made as needed, so that a restart of the server needs no step by hand.
//! - A record that cannot be read is set aside with its reason; claims and sweeps go on.
//!
//! In reading order: `options`, `storage` opens and closes, `schema` and `migrate` are the
//! ground, `examine` looks it over for operators, `connections` and `session` do what is asked,
//! `row` turns columns into runs, `runs` holds one file per operation, `lanes` finds where runs
//! are pending, `queries`, `logs`,
//! `statistics`, `definitions`, `workers`, `leases` the other traits, and `events` tells hosts
//! of each other's writes.

mod options;

mod storage;

mod error;
mod examine;
mod migrate;
mod schedules;
mod schema;

mod aging;
mod connections;
mod names;
mod session;
mod signals;

mod events;
mod listener;
mod notifier;

mod quarantine;
mod row;
mod text;

mod batches;
mod definitions;
mod dependencies;
mod documents;
mod endings;
mod filter;
mod flow;
mod lanes;
mod leases;
mod log_pruning;
mod logs;
mod queries;
mod runs;
mod statistics;
mod steps;
mod workers;

pub use examine::examine;
pub use migrate::PostgresSchema;
pub use options::{
    CONNECTIONS_MAX, Migrating, PostgresOptions, SCHEMA_BYTES_MAX, TABLE_PREFIX_BYTES_MAX, WakeUps,
};
pub use schema::schema_version;
pub use storage::PostgresStorage;
