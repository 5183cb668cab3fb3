//! The suite that every ZapJobs storage driver passes.
//!
//! A driver implements [`Harness`] and calls [`conformance_suite!`] in its `tests/` directory:
//! each case becomes a test of its own there. A driver whose writes outlive it calls
//! [`durability_suite!`] too. [`differential()`] runs random operations on two storages and
//! compares every answer.
//!
//! **Invariant:** a case asks only what the contract's doc comments promise (the traits,
//! requests and records of `zapjobs-storage`), so that a driver is free in all else.
//!
//! In reading order: [`Harness`] and [`Fixture`] are what a driver brings, `list` names the
//! cases and `suite` makes tests of them, `builders` and `actions` are the words that cases are
//! written in, `cases` holds one file per family of operations, and `differential` is the
//! random test. [`samples`] are runs for a driver's tests beyond the suite.

mod actions;
mod beside_list;
mod builders;
mod cases;
mod differential;
mod durability_list;
mod harness;
mod list;
mod proof;
mod suite;

pub mod samples;

pub use differential::{Reach, differential, differential_seeds, run_differential};
pub use harness::{Fixture, Harness};
pub use proof::hosts_keep_limits;
pub use suite::{all_cases, all_durability_cases, run_case, run_durability_case};
