//! Random operations are answered as the memory driver answers them, on one server.

use crate::harness::{SERVER, Specification};

zapjobs_conformance::differential_suite!(Specification, SERVER);
