//! Whether the host is well, and how it does: for orchestrators and for Prometheus.

mod counters;
mod families;
mod metrics;
mod ready;

pub(crate) use counters::Counters;
pub(crate) use metrics::routes;
pub(crate) use ready::{Readiness, live, ready};
