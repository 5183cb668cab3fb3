//! The contract, in a file and in memory.

mod in_a_file {
    use crate::harness::InFile;

    zapjobs_conformance::conformance_suite!(InFile);
    zapjobs_conformance::durability_suite!(InFile);
}

mod in_memory {
    use crate::harness::InMemory;

    zapjobs_conformance::conformance_suite!(InMemory);
}
