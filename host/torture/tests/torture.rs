//! The whole suite on a real sandbox.

use std::sync::Arc;

use zapjobs_model::Limits;
use zapjobs_sandbox::{SandboxOptions, WasmSandbox};
use zapjobs_torture::{Suite, all};

/// What an attack leaves behind can only be seen where it is alone.
#[tokio::test]
async fn every_attack_is_held_and_leaves_nothing_behind() {
    let only = std::env::var("ZAPJOBS_TORTURE_ONLY").unwrap_or_default();
    let options = SandboxOptions { instances_max: 144, ..SandboxOptions::default() };
    hold(options, Limits::default(), |name| name.contains(&only)).await;
}

#[tokio::test]
async fn an_installation_with_less_memory_holds_what_is_after_memory() {
    let memory_bytes_max = 32 << 20;
    let options = SandboxOptions { memory_bytes_max, ..SandboxOptions::default() };
    let limits = Limits { memory_bytes_max, ..Limits::default() };
    hold(options, limits, |name| name.contains("memory") || name.contains("giant")).await;
}

#[allow(clippy::print_stderr, reason = "shown with a failure: how far the suite came")]
async fn hold(options: SandboxOptions, limits: Limits, takes: impl Fn(&str) -> bool) {
    let sandbox = Arc::new(WasmSandbox::new(options).expect("a sandbox"));
    let mut suite = Suite::new(sandbox, limits).await.expect("a suite");
    let (mut tried, mut loose) = (0, Vec::new());
    for attack in all().iter().filter(|attack| takes(attack.name())) {
        let verdict = suite.run(attack).await;
        eprintln!("{verdict:?}");
        tried += 1;
        if !verdict.held {
            loose.push(verdict);
        }
    }
    assert!(tried > 0, "no attack has such a name");
    assert!(loose.is_empty(), "{} attacks were not held: {loose:#?}", loose.len());
}
