//! The contract, on a master that Sentinels name.

mod harness;

use harness::SENTINEL;

zapjobs_conformance::conformance_suite!(SENTINEL);
zapjobs_conformance::durability_suite!(SENTINEL);
