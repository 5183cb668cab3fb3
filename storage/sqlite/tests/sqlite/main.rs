//! The SQLite driver: the contract, and what is its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(clippy::print_stdout, reason = "children talk by lines")]

mod conformance;
mod crash;
mod differential;
mod examine;
mod harness;
#[cfg(unix)]
mod kills;
mod many;
mod open;
mod processes;
mod quarantine;
mod schema;
mod statistics;
