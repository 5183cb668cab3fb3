//! Random operations are answered as the memory driver answers them, on a master that Sentinels name.

use crate::harness::{SENTINEL, Specification};

zapjobs_conformance::differential_suite!(Specification, SENTINEL);
