//! The HTTP API over a storage in memory: requests go through all its layers, without a network
//! where none is needed.

mod alterations;
mod batches;
mod changes;
mod documents;
mod endpoints;
mod every_operation;
mod frame;
mod health;
mod listening;
mod live;
mod looking;
mod metrics;
#[path = "../../examples/demo-server/paper.rs"]
mod paper;
mod plugins;
mod schedules;
mod submitting;
mod support;
mod tokens;
mod webhooks;
mod whole;
mod workflows;
