//! Components that are compiled in a process of their own.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use zapjobs_model::Grants;
use zapjobs_sandbox::{Compiler, SandboxOptions};

use crate::support::{Try, guest, load_with, output, sandbox_with};

fn child(program: &str, arguments: &[&str]) -> SandboxOptions {
    let compiler = Compiler::Child {
        program: PathBuf::from(program),
        arguments: arguments.iter().map(OsString::from).collect(),
    };
    SandboxOptions { compiler, ..SandboxOptions::default() }
}

fn compiler() -> SandboxOptions {
    child(env!("CARGO_BIN_EXE_zapjobs-compile-component"), &[])
}

async fn refusal(options: SandboxOptions, component: Vec<u8>) -> String {
    let loaded = load_with(&sandbox_with(options), component, Grants::default()).await;
    loaded.err().expect("a refusal").to_string()
}

#[tokio::test]
async fn a_child_compiles_what_then_runs_here() {
    let sandbox = sandbox_with(compiler());
    for (job, component) in [("noop", guest("noop")), ("echo", guest("hostile"))] {
        let plugin = load_with(&sandbox, component, Grants::default()).await.expect("loads");
        assert_eq!(output(&Try::of(job, "7").report(&plugin).await), "7");
    }
}

#[tokio::test]
async fn a_child_that_is_too_slow_is_ended() {
    let options = SandboxOptions {
        compile_time_max: Duration::from_secs(1),
        ..child("/bin/sh", &["-c", "exec sleep 1000"])
    };
    let start = Instant::now();
    let error = refusal(options, guest("noop")).await;
    assert_eq!(
        error,
        "this component takes more than 1s to compile: make it smaller, or raise the host's \
         compile_time_max"
    );
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_component_that_is_slow_to_compile_is_given_up() {
    let step = "local.get 0 i32.const 3 i32.mul local.get 0 i32.load i32.add local.set 0 ";
    let function = format!("(func (param i32) {})", step.repeat(100_000));
    let module = format!("(core module (memory 1) {})", function.repeat(10));
    let wat = format!(
        r#"(component {module} (instance $i) (export "zapjobs:job/jobs@0.1.0" (instance $i)))"#
    );
    let component = wat::parse_str(wat).expect("WAT");
    let options = SandboxOptions { compile_time_max: Duration::from_secs(1), ..compiler() };
    let error = refusal(options, component).await;
    assert!(error.starts_with("this component takes more than 1s to compile"), "{error}");
}

#[tokio::test]
async fn a_child_without_an_answer_is_told_of() {
    for (program, arguments) in [("/bin/true", [].as_slice()), ("/bin/cat", &[])] {
        let error = refusal(child(program, arguments), guest("noop")).await;
        assert!(error.starts_with("the compiler ended without an answer"), "{program}: {error}");
    }
    let error = refusal(child("/nonexistent/compiler", &[]), guest("noop")).await;
    assert!(error.contains("/nonexistent/compiler, cannot be started"), "{error}");
}

#[tokio::test]
async fn a_child_that_dies_for_want_of_memory_is_told_of() {
    let options = child("/bin/sh", &["-c", "kill -ABRT $$"]);
    let error = refusal(options, guest("noop")).await;
    assert!(error.starts_with("this component needs more than 2048 MiB of memory"), "{error}");
}

#[tokio::test]
async fn a_child_inherits_no_environment() {
    // It answers its environment as the problem.
    let script = r"printf '\001'; /usr/bin/env";
    let error = refusal(child("/bin/sh", &["-c", script]), guest("noop")).await;
    for inherited in ["PATH=/", "HOME=", "CARGO", "USER="] {
        assert!(!error.contains(inherited), "{inherited} in {error}");
    }
}

#[test]
fn a_child_closes_what_its_parent_left_open() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    // As of a library that does not say that it is not to be inherited.
    rustix::io::fcntl_setfd(&writer, rustix::io::FdFlags::empty()).expect("set");
    let mut child = Command::new(env!("CARGO_BIN_EXE_zapjobs-compile-component"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    drop(writer);
    // The end comes when the last writer has closed, and the child still waits for its order.
    assert_eq!(reader.read(&mut [0]).expect("reads"), 0);
    assert!(child.try_wait().expect("looks").is_none(), "it ended, and closed all thereby");
    drop(child.stdin.take());
    assert!(!child.wait().expect("ends").success(), "there was no order");
}

#[tokio::test]
async fn a_structure_beyond_bounds_is_refused_before_it_is_compiled() {
    let wat = format!("(component (core module {}))", "(memory 0)".repeat(65));
    let error = refusal(child("/nonexistent", &[]), wat::parse_str(wat).expect("WAT")).await;
    assert_eq!(
        error,
        "this component has more than 64 memories: split it, or leave out what it does not need"
    );
}
