//! The cases, one file per family of operations. Each is a test of one sentence of the
//! contract, and each is named in `list`: one that is not is dead code.

#![deny(dead_code, reason = "a case that the suite does not list would never run")]

pub(crate) mod aging;
pub(crate) mod alterations;
pub(crate) mod apply;
pub(crate) mod batches;
pub(crate) mod batches_at_once;
pub(crate) mod bounds;
pub(crate) mod cancel;
pub(crate) mod claim;
pub(crate) mod claim_run;
pub(crate) mod concurrency;
pub(crate) mod concurrent_claims;
pub(crate) mod counts;
pub(crate) mod definitions;
pub(crate) mod dependencies;
pub(crate) mod documents;
pub(crate) mod durability;
pub(crate) mod endings;
pub(crate) mod enqueue;
pub(crate) mod events;
pub(crate) mod firing;
pub(crate) mod flow;
pub(crate) mod flow_changes;
pub(crate) mod flow_rates;
pub(crate) mod flow_ways;
pub(crate) mod held;
pub(crate) mod idempotency;
pub(crate) mod leases;
pub(crate) mod lifecycle;
pub(crate) mod locks;
pub(crate) mod log_pruning;
pub(crate) mod logs;
pub(crate) mod named_leases;
pub(crate) mod promote;
pub(crate) mod prune;
pub(crate) mod queries;
pub(crate) mod requeue;
pub(crate) mod schedules;
pub(crate) mod signals;
pub(crate) mod single;
pub(crate) mod statistics;
pub(crate) mod statistics_spans;
pub(crate) mod steps;
pub(crate) mod tenants;
pub(crate) mod unique;
pub(crate) mod unique_changes;
pub(crate) mod workers;
