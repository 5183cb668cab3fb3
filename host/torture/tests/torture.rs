//! The whole suite on a real sandbox.

use std::sync::Arc;

use zapjobs_model::Limits;
use zapjobs_sandbox::{SandboxOptions, WasmSandbox};
use zapjobs_torture::{Suite, all};

/// One test for all: what an attack leaves behind can only be seen where it is alone.
#[tokio::test]
#[allow(clippy::print_stderr, reason = "shown with a failure: how far the suite came")]
async fn every_attack_is_held_and_leaves_nothing_behind() {
    let options = SandboxOptions { instances_max: 144, ..SandboxOptions::default() };
    let sandbox = Arc::new(WasmSandbox::new(options).expect("a sandbox"));
    let mut suite = Suite::new(sandbox, Limits::default()).await.expect("a suite");
    let only = std::env::var("ZAPJOBS_TORTURE_ONLY").unwrap_or_default();
    let mut loose = Vec::new();
    for attack in all().iter().filter(|attack| attack.name().contains(&only)) {
        let verdict = suite.run(attack).await;
        eprintln!("{verdict:?}");
        if !verdict.held {
            loose.push(verdict);
        }
    }
    assert!(loose.is_empty(), "{} attacks were not held: {loose:#?}", loose.len());
}
