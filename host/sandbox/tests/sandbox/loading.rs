//! Components that are not taken, and why.

use zapjobs_model::{Access, DirectoryGrant, Grants, Json, RetryPolicy};
use zapjobs_sandbox::{SandboxOptions, inspect};

use crate::support::{guest, load, load_with, sandbox, sandbox_with};

async fn refusal(bytes: Vec<u8>) -> String {
    match load(bytes).await {
        Ok(plugin) => panic!("it loads, with {:?}", plugin.jobs()),
        Err(error) => error.to_string(),
    }
}

async fn refusal_of(wat: &str) -> String {
    refusal(wat::parse_str(wat).expect("WAT")).await
}

/// The describer, told how to describe itself.
fn describer(how: &str) -> Vec<u8> {
    let mut bytes = guest("describer");
    let mark = b"HOW=right___________";
    let at = bytes.windows(mark.len()).position(|part| part == mark).expect("the mark");
    bytes[at..at + mark.len()].copy_from_slice(format!("HOW={how:_<16}").as_bytes());
    bytes
}

/// A component that exports jobs with functions that do nothing, and imports what is given.
fn with_imports(imports: &str) -> String {
    format!(
        r#"(component
            {imports}
            (core module $f (func (export "f")))
            (core instance $i (instantiate $f))
            (func $f (canon lift (core func $i "f")))
            (instance $jobs (export "describe" (func $f)) (export "run" (func $f)))
            (export "zapjobs:job/jobs@0.1.0" (instance $jobs)))"#
    )
}

#[tokio::test]
async fn a_truncated_file_is_named_as_such() {
    let bytes = guest("noop");
    for length in [5, 9, 100, bytes.len() / 2, bytes.len() - 1] {
        let error = refusal(bytes[..length].to_vec()).await;
        assert!(error.starts_with("this file is truncated or damaged"), "{length}: {error}");
        assert!(error.ends_with("copy it again or rebuild it"), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_named_as_such() {
    let mut bytes = guest("noop");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0xff);
    let error = refusal(bytes).await;
    assert!(error.contains("damaged") && error.ends_with("rebuild it"), "{error}");
}

#[tokio::test]
async fn what_is_no_component_is_told_what_to_do() {
    assert_eq!(refusal(Vec::new()).await, "this file is empty: copy it again or rebuild it");
    assert_eq!(
        refusal(b"#!/bin/sh".to_vec()).await,
        "this is not a WebAssembly component: give the .wasm file that `zapjobs build` makes"
    );
    assert_eq!(
        refusal_of("(module)").await,
        "this is a core WebAssembly module, not a component: build it with `zapjobs build` or \
         `cargo build --target wasm32-wasip2`"
    );
}

#[tokio::test]
async fn a_component_of_another_world_is_told_apart() {
    assert_eq!(
        refusal_of("(component)").await,
        "this component does not export zapjobs:job/jobs@0.1.x: it exports nothing: build a job \
         with the ZapJobs SDK"
    );
    let error =
        refusal_of(r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#)
            .await;
    assert!(error.contains("it exports wasi:cli/run@0.2.0"), "{error}");
}

#[tokio::test]
async fn another_version_of_the_package_is_told_apart() {
    let wat = with_imports("").replace("@0.1.0", "@0.2.0");
    assert_eq!(
        refusal_of(&wat).await,
        "this component exports zapjobs:job/jobs@0.2.0, and this host knows version 0.1.x: \
         rebuild it with an SDK of that version, or use a host that knows this one"
    );
    let error = refusal_of(&with_imports(r#"(import "zapjobs:job/log@0.10.0" (instance))"#)).await;
    assert!(error.starts_with("this component imports zapjobs:job/log@0.10.0"), "{error}");
}

#[tokio::test]
async fn unknown_imports_of_our_own_packages_are_named() {
    for name in ["zapjobs:job/secrets@0.1.0", "zapjobs:http/client@0.1.0"] {
        let error = refusal_of(&with_imports(&format!(r#"(import "{name}" (instance))"#))).await;
        assert_eq!(
            error,
            format!(
                "this component imports {name}, which this host does not know: update the host, \
                 or rebuild the component with an older SDK"
            )
        );
    }
    let newer = r#"(import "zapjobs:job/cancellation@0.1.7"
        (instance (export "is-requested" (func (result bool))) (export "why" (func))))"#;
    let error = refusal_of(&with_imports(newer)).await;
    assert!(error.contains("imports zapjobs:job/cancellation@0.1.7#why"), "{error}");
}

#[tokio::test]
async fn imports_of_another_type_are_refused() {
    let other = r#"(import "zapjobs:job/cancellation@0.1.0"
        (instance (export "is-requested" (func (result u32)))))"#;
    let error = refusal_of(&with_imports(other)).await;
    assert!(error.starts_with("this component does not fit this host: "), "{error}");
}

#[tokio::test]
async fn foreign_imports_that_are_unknown_do_not_keep_a_component_from_loading() {
    let foreign = r#"(import "wasi:keyvalue/store@0.2.0" (instance
            (export "fields" (type (sub resource))) (export "go" (func (param "n" u32)))))
        (import "other:thing/api" (instance (export "go" (func (result string)))))
        (import "wasi:clocks/wall-clock@0.2.12" (instance))
        (import "plain" (func))"#;
    let error = refusal_of(&with_imports(foreign)).await;
    // It links; only its `describe` has another type.
    assert!(error.contains("with another type of `describe`"), "{error}");
}

#[tokio::test]
async fn exports_of_another_type_are_refused() {
    assert_eq!(
        refusal_of(&with_imports("")).await,
        "this component exports zapjobs:job/jobs@0.1.0 with another type of `describe` (expected \
         1-tuple, found 0-tuple): rebuild it with a matching SDK"
    );
}

#[tokio::test]
async fn every_patch_version_of_wasi_links_to_what_the_host_has() {
    let mut bytes = guest("hostile");
    for round in 0..3 {
        let plugin = load(bytes.clone()).await.unwrap_or_else(|error| panic!("{round}: {error}"));
        let attempt = crate::support::Try::of("print", "0");
        attempt.report(&plugin).await;
        assert_eq!(attempt.heard.lines().len(), 3, "{round}: WASI is not the host's");
        raise_wasi_versions(&mut bytes);
    }
}

/// Makes 0.2.6 of 0.2.5, and so on.
fn raise_wasi_versions(bytes: &mut [u8]) {
    for at in 0..bytes.len().saturating_sub(5) {
        if &bytes[at..at + 5] == b"@0.2." && matches!(bytes[at + 5], b'0'..=b'8') {
            bytes[at + 5] += 1;
        }
    }
}

#[tokio::test]
async fn a_file_beyond_the_size_limit_is_refused() {
    let options = SandboxOptions { component_bytes_max: 1_000, ..SandboxOptions::default() };
    let error = load_with(&sandbox_with(options), guest("noop"), Grants::default()).await;
    let error = error.err().expect("a refusal").to_string();
    assert!(error.contains("more than the 1000 that the host allows"), "{error}");
}

#[tokio::test]
async fn a_memory_that_begins_beyond_the_limit_is_refused_in_plain_words() {
    let options = SandboxOptions { memory_bytes_max: 64 << 10, ..SandboxOptions::default() };
    let error = load_with(&sandbox_with(options), guest("noop"), Grants::default()).await;
    let error = error.err().expect("a refusal").to_string();
    assert!(error.starts_with("this component's memory begins with"), "{error}");
    assert!(error.contains("more than the 65536 that the host allows"), "{error}");
}

#[tokio::test]
async fn a_granted_directory_that_is_missing_is_named() {
    let host = std::path::PathBuf::from("/nonexistent/granted");
    let grant = DirectoryGrant { host, guest: "/in".to_owned(), access: Access::ReadOnly };
    let grants = Grants { directories: vec![grant], ..Grants::default() };
    let error = load_with(&sandbox(), guest("noop"), grants).await.err().expect("a refusal");
    assert_eq!(
        error.to_string(),
        "granted directory /nonexistent/granted cannot be opened: No such file or directory (os \
         error 2): create it or change the grant"
    );
}

#[tokio::test]
async fn a_description_arrives_whole() {
    let plugin = load(describer("right")).await.expect("loads");
    let [job] = plugin.jobs() else { panic!("{:?}", plugin.jobs()) };
    assert_eq!(job.job_type.as_str(), "right");
    assert_eq!(job.queue.as_ref().expect("a queue").as_str(), "reports");
    let retry = RetryPolicy {
        max_attempts: 5,
        base_ms: 10,
        cap_ms: 100,
        jitter: 0.5,
        ..RetryPolicy::default()
    };
    assert_eq!(job.retry, retry);
    assert_eq!(job.timeout_ms, Some(1_000));
    assert_eq!(job.schedule.to_string(), "cron @daily (Europe/Lisbon)");
    assert_eq!(job.default_input, Some(Json::trusted("{\"a\":1}")));
    assert_eq!(job.tags.len(), 1);
    assert_eq!(job.input_schema, Some(Json::trusted("{\"type\":\"object\"}")));
    assert_eq!(job.output_schema, Some(Json::trusted("true")));
}

#[tokio::test]
async fn each_wrong_description_is_named() {
    let cases = [
        ("none", "this plugin describes no jobs"),
        ("many", "this plugin describes 257 jobs: split it into plugins of at most 256"),
        ("twice", "this plugin describes the job \"right\" twice"),
        ("id", "this plugin's job \"../up\": invalid job type \"../up\""),
        ("name", "this plugin's job \"right\": display-name has 201 bytes: use at most 200"),
        ("text", "this plugin's job \"right\": description has 5000 bytes: use at most 4096"),
        ("queue", "this plugin's job \"right\": invalid queue name \"a b\""),
        ("retry", "this plugin's job \"right\": retry: invalid retry policy: max_attempts"),
        ("timeout", "this plugin's job \"right\": timeout is 0"),
        ("interval", "this plugin's job \"right\": invalid schedule: an interval of 1 ms"),
        ("cron", "this plugin's job \"right\": invalid schedule: cron expression"),
        ("input", "this plugin's job \"right\": default-input: invalid JSON"),
        ("tags", "this plugin's job \"right\": tags: there are 33: use at most 32"),
        ("schema", "this plugin's job \"right\": input-schema: invalid JSON"),
        ("schema-kind", "this plugin's job \"right\": output-schema is no JSON Schema"),
        ("panic", "this plugin fails to describe itself: panicked at describer/src/lib.rs:"),
        ("memory", "this plugin fails to describe itself: needed "),
    ];
    for (how, expected) in cases {
        let error = refusal(describer(how)).await;
        assert!(error.starts_with(expected), "{how}: {error}");
        assert!(!error.contains('\n'), "{how}: {error}");
    }
}

#[tokio::test]
async fn a_description_that_never_ends_is_cut_off() {
    let error = refusal(describer("loop")).await;
    // On a busy machine two seconds pass before the guest has had one of them.
    let ends = ["used more than 1 s of CPU time", "ran longer than 2 s"];
    assert!(ends.iter().any(|end| error.contains(end)), "{error}");
    let error = refusal(describer("sleep")).await;
    assert!(error.contains("ran longer than 2 s"), "{error}");
}

#[test]
fn inspecting_tells_what_a_component_wants_without_running_it() {
    let bytes = guest("hostile");
    let inspection = inspect(&bytes).expect("a component");
    assert_eq!(inspection.bytes, bytes.len() as u64);
    assert_eq!(inspection.digest, zapjobs_model::Digest::of(&bytes));
    assert_eq!(inspection.exports, ["zapjobs:job/jobs@0.1.0"]);
    assert!(inspection.core_modules >= 1);
    let meaning = |name: &str| {
        let found = inspection.imports.iter().find(|import| import.name.starts_with(name));
        found.unwrap_or_else(|| panic!("{name} in {:?}", inspection.imports)).meaning
    };
    assert_eq!(meaning("zapjobs:job/log"), "log lines, within limits");
    assert_eq!(meaning("wasi:filesystem/"), "files: sees nothing unless a directory is granted");
    assert!(meaning("wasi:sockets/").starts_with("network: not granted"));
}
