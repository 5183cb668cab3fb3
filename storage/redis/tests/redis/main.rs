//! The Redis driver: the contract on its three kinds of servers, and what is its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "children talk by lines; figures are told"
)]

mod conformance;
mod conformance_cluster;
mod conformance_sentinel;
mod crash;
mod differential;
mod differential_cluster;
mod differential_sentinel;
mod harness;
mod leftovers;
mod logins;
mod quarantine;
mod recovery;
mod server_crash;
mod tenants;
mod topologies;
mod workers;
