//! The contract, on one server.

use crate::harness::SERVER;

zapjobs_conformance::conformance_suite!(SERVER);
zapjobs_conformance::durability_suite!(SERVER);
