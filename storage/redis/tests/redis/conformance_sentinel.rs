//! The contract, on a master that Sentinels name.

use crate::harness::SENTINEL;

zapjobs_conformance::conformance_suite!(SENTINEL);
zapjobs_conformance::durability_suite!(SENTINEL);
