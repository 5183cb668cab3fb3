//! Write ZapJobs jobs in Rust.
//!
//! A job is a function with [`#[job]`](macro@job) in front. The crate it stands in, compiled as
//! a `cdylib` for `wasm32-wasip2`, is a plugin: nothing else is to be written, whether it holds
//! one job or a hundred.
//!
//! ```
//! use zapjobs_sdk::prelude::*;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Greet {
//!     name: String,
//! }
//!
//! /// Greets a person by name.
//! #[job]
//! fn greet(input: Greet) -> Result<String, JobError> {
//!     Ok(format!("Hello, {}!", input.name))
//! }
//! ```
//!
//! While it runs, a job
//! - writes log lines with the macros of `tracing` or `log`, or prints to its standard output;
//! - tells how far it has come: [`progress()`], [`count_items`], [`WithProgress`];
//! - stops when asked: [`check_cancelled`], [`is_cancel_requested`];
//! - knows its run: [`Context`];
//! - does steps once over all its attempts: [`Context::step`];
//! - waits for days without holding anything up: [`Context::sleep`], [`Context::wait_signal`];
//! - enqueues other runs, where its operator allows it: [`Context::enqueue`], [`Child`];
//! - fails as it sees fit: `?` on any error asks for another attempt, [`JobError`] for the rest.
//!
//! Under plain `cargo test` a job is an ordinary function; [`testing::TestContext`] records
//! what it says and plays the host.
//!
//! **Invariant.** Nothing here runs before the host calls, save that each `#[job]` puts itself
//! on the list of jobs: what a run does not use costs it nothing.

mod children;
mod context;
mod error;
mod input;
mod job;
mod logging;
mod progress;
mod steps;
mod waits;

mod host;
mod panics;

#[cfg(target_arch = "wasm32")]
mod guest;

pub mod prelude;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use children::{Child, ChildState, ChildStatus, EnqueueError, EnqueueErrorKind};
pub use context::{Context, Trigger, check_cancelled, is_cancel_requested};
pub use error::{ErrorKind, JobError};
pub use job::{Input, Output};
pub use progress::{Progressing, WithProgress, count_items, progress};
pub use zapjobs_sdk_macros::job;

pub use {log, schemars, serde, serde_json, tracing};

#[doc(hidden)]
pub mod __private {
    pub use crate::job::{
        Attempt, Job, NoInput, RetryPolicy, Schedule, call, input_schema, output_schema,
    };
    pub use inventory;
}
