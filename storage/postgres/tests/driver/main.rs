//! What this driver does beyond the contract's suite, and under what goes wrong around it: one
//! program, for each would link the whole driver again.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../harness/mod.rs"]
mod harness;

mod open;
mod refusals;

mod examine;

mod hosts;
mod pruning;
mod quarantine;
mod statistics;
mod tenants;
mod transactional;

mod clocks;
mod crash;
mod outages;
mod pgbouncer;
mod processes;
mod restart;
