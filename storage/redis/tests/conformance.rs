//! The contract, on one server.

mod harness;

use harness::SERVER;

zapjobs_conformance::conformance_suite!(SERVER);
zapjobs_conformance::durability_suite!(SERVER);
