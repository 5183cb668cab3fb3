//! The contract, on the server that `ZAPJOBS_TEST_REDIS` names.

mod harness;

use harness::OnServer;

zapjobs_conformance::conformance_suite!(OnServer);
zapjobs_conformance::durability_suite!(OnServer);
