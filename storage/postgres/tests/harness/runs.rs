//! Runs to try things with.

#[allow(unused_imports, reason = "each test file uses a part")]
pub(crate) use zapjobs_conformance::samples::{a_claim, a_run, completion, listed_one_by_one};
