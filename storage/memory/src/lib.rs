//! ZapJobs storage in memory: the executable specification of the storage contract, for tests,
//! for trying things out, and for work that may be lost when the process ends.
//!
//! All state stands under one lock, so that every operation is atomic by nature; what the
//! contract says is all there is to read. No operation awaits anything.
//!
//! **Invariant:** a run stands in exactly the indexes that its status calls for, because every
//! change of a run goes through `runs::Runs`.
//!
//! In reading order: `options` bounds it, `storage` holds the lock, `state` is what stands
//! under it; `runs` keeps the runs with their indexes `ready`, `timeline` and `tally`;
//! `run_store` with `run_changes` and
//! `run_queries` are the contract over them; then the smaller families.

mod options;
mod storage;

mod state;

mod ready;
mod runs;
mod schedules;
mod signals;
mod tally;
mod timeline;

mod run_changes;
mod run_queries;
mod run_store;

mod aging;
mod alterations;
mod batches;
mod coordinator;
mod definitions;
mod documents;
mod endings;
mod events;
mod flow;
mod keys;
mod links;
mod logs;
mod statistics;
mod steps;
mod workers;

pub use options::MemoryOptions;
pub use storage::MemoryStorage;
