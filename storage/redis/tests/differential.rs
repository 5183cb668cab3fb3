//! Random operations are answered as the memory driver answers them.

mod harness;

use harness::{OnServer, Specification};

zapjobs_conformance::differential_suite!(Specification, OnServer);
