//! The command as people and scripts use it: the real binary, real files, real components.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![allow(clippy::print_stdout, reason = "measured figures are shown with the test's name")]

mod authoring;
mod batches;
mod deaths;
mod errors;
mod http;
mod init;
mod jobs;
mod limits;
mod manual;
mod plugins;
mod presets;
mod remote;
mod schedules;
mod server;
mod shared;
mod status;
mod support;
mod survival;
mod torture;
mod waits;
mod webhooks;
mod workflows;
