//! ZapJobs storage in one SQLite file.
//!
//! [`SqliteStorage`] implements every trait of `zapjobs-storage`. All writes go through one
//! thread that commits whatever waits as one group; queries have connections of their own.
//! Several processes may share the file, on a local file system.
//!
//! # Limits
//!
//! - **Local file systems only.** Processes coordinate by shared memory and file locks, which
//!   network file systems (NFS, SMB, 9P) do not keep; the file can be damaged there. Hosts on
//!   several machines need a database server. [`examine()`] tells.
//! - **One writer at a time**, over all processes that share the file. A write waits for
//!   another process's for at most [`SqliteOptions::busy_timeout`] and is then answered `Busy`.
//! - **One clock.** Time is the machine's, as [`SqliteOptions::clock`] tells it, and is read by
//!   each process for itself: they agree because they run on one machine. Where that clock is
//!   set back, leases and waits last as much longer; where it is set forward, leases run out
//!   early, so that runs are executed again. Containers share their machine's clock; virtual
//!   machines that share a disk do not, and must not share the file.
//! - **What an acknowledged write survives** is [`Synchronous`]: with `Normal` the death of the
//!   process, with `Full` a power failure too, at the cost of one wait for the disk in each
//!   group of writes. With `Normal` a power failure may take the last writes back, in order: a
//!   run whose completion is lost runs again, and one whose submission is lost never was.
//!
//! **Invariants:**
//! - Only the writer's thread writes, and it answers after the commit.
//! - A record that cannot be read is set aside with its reason; claims and sweeps go on.
//!
//! In reading order: `options`, `storage` opens and closes, `schema`, `migrate` and `db` are the
//! ground, `schema_admin` and `examine` are for operators, `writer`, `checkpointer` and `readers`
//! do what is asked, `row` turns columns into runs, `runs` holds one file per operation, and
//! `queries`, `logs`, `statistics`, `definitions`, `workers`, `leases` the other traits.

mod options;

mod storage;

mod db;
mod error;
mod migrate;
mod schedules;
mod schema;
mod schema_admin;
mod signals;

mod examine;

mod aging;
mod checkpointer;
mod events;
mod readers;
mod writer;

mod outcomes;
mod quarantine;
mod row;

mod batches;
mod definitions;
mod dependencies;
mod documents;
mod endings;
mod filter;
mod flow;
mod leases;
mod logs;
mod queries;
mod runs;
mod statistics;
mod steps;
mod workers;

#[cfg(all(test, unix))]
mod crash_tests;

pub use examine::{QUICK_CHECK_BYTES_MAX, examine};
pub use options::{
    Location, Migrating, READERS_MAX, SqliteOptions, Synchronous, TABLE_PREFIX_BYTES_MAX,
};
pub use schema::{Migration, migrations, schema_version};
pub use schema_admin::SqliteSchema;
pub use storage::{SqliteStorage, pending};
pub use writer::{GROUP_BYTES_MAX, GROUP_REQUESTS_MAX, WRITES_QUEUED_MAX};
