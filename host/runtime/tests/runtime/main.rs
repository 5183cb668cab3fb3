//! The runtime as its users see it, over a sandbox whose plugins do what a test says.

mod aging;
mod batches;
mod calendars;
mod children;
mod code_of_runs;
mod flow;
mod host;
mod metrics;
mod plugin_versions;
mod plugins_directory;
mod schedules;
mod steps;
mod support;
mod templates;
mod tenants;
mod unique;
mod waits;
mod webhooks;
mod workflows;
