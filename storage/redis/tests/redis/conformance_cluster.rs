//! The contract, on a cluster.

use crate::harness::CLUSTER;

zapjobs_conformance::conformance_suite!(CLUSTER);
zapjobs_conformance::durability_suite!(CLUSTER);
