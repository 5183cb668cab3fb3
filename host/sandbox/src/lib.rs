//! Runs one attempt of a WebAssembly job in a fresh sandbox, under limits.
//!
//! **Invariant:** this crate does not know that a storage exists. It takes a component and an
//! invocation, and answers a report; whatever a guest does is an outcome, and only a failure
//! of the host is an error.
//!
//! Three lifetimes: the `engine` lives as long as the process; a `plugin` as long as its
//! code is used; an `attempt`'s store and instance for one run, and never longer.
//!
//! In reading order: `options` and `engine` set the machine up, `inspect` reads a
//! component without running it, `granted` makes ready what its operator allows, `linking`
//! gives it its imports (each in `host`, with `egress` for what leaves the machine),
//! `describe` asks it for its job types, `plugin` keeps it ready, `attempt` makes a run
//! under the eyes of `watch` and `memory`, and `verdict` says what it came to.

mod options;

mod cache;
mod cache_key;
mod compile;
mod directory;
mod engine;
mod ticker;

mod contract;
mod inspect;
mod structure;

mod egress;
mod granted;
mod host;
mod linking;

mod describe;
mod plugin;

mod attempt;
mod core_dump;
mod memory;
mod watch;

mod backtrace;
mod panic;
mod rate;
mod text;
mod verdict;

pub use compile::child::compile_child;
pub use egress::post::{POST_TIME_MAX, Poster};
pub use egress::resolve::{Resolver, SystemResolver};
pub use inspect::{Import, Inspection, inspect};
pub use options::{Compiler, ErrorKind, SandboxError, SandboxOptions};
pub use plugin::WasmSandbox;
