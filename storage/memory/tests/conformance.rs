//! The memory driver keeps the storage contract.

use zapjobs_conformance::conformance_suite;

mod harness;

use harness::MemoryHarness;

conformance_suite!(MemoryHarness);
