//! The contract.

mod harness;

use harness::InSchema;

zapjobs_conformance::conformance_suite!(InSchema);
zapjobs_conformance::durability_suite!(InSchema);
