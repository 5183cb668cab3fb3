//! Cron expressions against independent models of what they mean.

mod brute_force;
mod other_crate;
mod properties;
