//! Write ZapJobs jobs in Rust.
