//! Random operations are answered as the memory driver answers them, on a cluster.

use crate::harness::{CLUSTER, Specification};

zapjobs_conformance::differential_suite!(Specification, CLUSTER);
