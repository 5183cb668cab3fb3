//! The contract, on a cluster.

mod harness;

use harness::CLUSTER;

zapjobs_conformance::conformance_suite!(CLUSTER);
zapjobs_conformance::durability_suite!(CLUSTER);
