//! ZapJobs storage in one SQLite file.
//!
//! [`SqliteStorage`] implements every trait of `zapjobs-storage`. All writes go through one
//! thread that commits whatever waits as one group; queries have connections of their own.
//! Several processes may share the file, on a local file system.
//!
//! What an acknowledged write survives is [`Synchronous`]: with `Normal` the death of the
//! process, with `Full` a power failure too.
//!
//! **Invariants:**
//! - Only the writer's thread writes, and it answers after the commit.
//! - Time is the machine's, as [`SqliteOptions::clock`] tells it: processes that share the file
//!   run on one machine, and so agree.
//! - A record that cannot be read is set aside with its reason; claims and sweeps go on.
//!
//! In reading order: `options`, `storage` opens and closes, `schema` and `db` are the ground,
//! `writer` and `readers` do what is asked, `row` turns columns into runs, `runs` holds one file
//! per operation, and `queries`, `logs`, `definitions`, `workers`, `leases` the other traits.

mod options;

mod storage;

mod db;
mod error;
mod schema;

mod events;
mod readers;
mod writer;

mod outcomes;
mod quarantine;
mod row;

mod definitions;
mod filter;
mod leases;
mod logs;
mod queries;
mod runs;
mod workers;

pub use options::{Location, READERS_MAX, SqliteOptions, Synchronous, TABLE_PREFIX_BYTES_MAX};
pub use schema::{Migration, migrations, schema_version};
pub use storage::{SqliteStorage, pending};
pub use writer::{GROUP_BYTES_MAX, GROUP_REQUESTS_MAX, WRITES_QUEUED_MAX};
