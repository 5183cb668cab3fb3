//! Cron expressions against independent models of what they mean.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod brute_force;
mod other_crate;
mod properties;
