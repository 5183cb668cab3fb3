//! Components made at random, and components damaged at random: whatever they are, the sandbox
//! neither panics nor hangs nor fails as a host.
//!
//! `ZAPJOBS_FUZZ_SECONDS` says how long to go on, `ZAPJOBS_TEST_SEED` where to begin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use uuid::Uuid;
use zapjobs_model::port::{
    Cancellation, Invocation, LoadError, Plugin, PluginSource, RunContext, RunSink, Sandbox,
    Services,
};
use zapjobs_model::{
    Grants, ItemCounts, Json, Limits, LogLine, Progress, RunId, TenantId, Trigger,
};
use zapjobs_sandbox::{SandboxOptions, WasmSandbox};
use zapjobs_torture::{component_that_runs, innocent, innocent_with};

/// How long the test goes on unless said.
const SECONDS: u64 = 3;
/// How long one component may take: a busy machine.
const ONE_MAX: Duration = Duration::from_secs(30);
/// Bytes that a module or component is made of.
const ENTROPY_BYTES: usize = 8 << 10;

/// Numbers that follow from a seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

struct Deaf;

impl RunSink for Deaf {
    fn log(&self, _line: LogLine) {}
    fn progress(&self, _progress: Progress) {}
    fn counts(&self, _counts: ItemCounts) {}
}

/// One component for each kind in turn.
fn component(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    match seed % 6 {
        0 => [b"\0asm\x0d\0\x01\0".to_vec(), numbers.bytes(200)].concat(),
        1 => damaged(innocent(), &mut numbers),
        2 => random_component(&mut numbers).unwrap_or_default(),
        3 => random_code(&mut numbers),
        4 => damaged(random_module(&mut numbers).unwrap_or_default(), &mut numbers),
        _ => random_module(&mut numbers).unwrap_or_default(),
    }
}

/// A few bits flipped, or a part cut out or put in twice.
fn damaged(mut bytes: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        bytes[at] ^= 1 << numbers.below(8);
    }
    let (from, length) = (numbers.below(bytes.len()), numbers.below(40));
    let part = from..(from + length).min(bytes.len());
    match numbers.below(6) {
        0 => drop(bytes.drain(part)),
        1 => {
            let copy = bytes[part].to_vec();
            drop(bytes.splice(from..from, copy));
        }
        _ => {}
    }
    bytes
}

fn random_component(numbers: &mut Numbers) -> arbitrary::Result<Vec<u8>> {
    let entropy = numbers.bytes(ENTROPY_BYTES);
    let mut entropy = Unstructured::new(&entropy);
    let component = wasm_smith::Component::new(config(), &mut entropy)?;
    Ok(component.to_bytes())
}

/// An innocent job beside a random module, whose start function runs with it.
fn random_module(numbers: &mut Numbers) -> arbitrary::Result<Vec<u8>> {
    let config = wasm_smith::Config { max_imports: 0, ..config() };
    let entropy = numbers.bytes(ENTROPY_BYTES);
    let module = wasm_smith::Module::new(config, &mut Unstructured::new(&entropy))?;
    Ok(innocent_with(&module.to_bytes()))
}

/// A job that computes at random, and calls the host with whatever comes of it.
fn random_code(numbers: &mut Numbers) -> Vec<u8> {
    let calls: String = (0..=numbers.below(6)).map(|_| call(numbers)).collect();
    component_that_runs(&format!("{calls} {}", number(numbers, 4)))
}

/// Statements, each a call of the host.
fn call(numbers: &mut Numbers) -> String {
    let mut i = || number(numbers, 2);
    let (a, b, c, d, e, f) = (i(), i(), i(), i(), i(), i());
    let wide = format!("(i64.extend_i32_s {})", i());
    match numbers.below(17) {
        0 => format!("(call $log {a} {b} {c} {d} {e} {f} (i32.const 3))"),
        1 => format!("(call $log (i32.const 2) (i32.const 96) (i32.const 4) {a} {b} {c} {d})"),
        2 => format!("(call $report {wide} {a} {wide} {b} {c})"),
        3 => format!("(call $count-items {wide} {wide} {wide})"),
        4 => format!("(call $block {a})"),
        5 => format!("(call $poll {a} {b} {c})"),
        6 => format!("(call $drop-pollable {a})"),
        7 => format!("(drop (call $timer {wide}))"),
        8 => format!("(call $random {wide} {a})"),
        9 => format!("(call $write (call $stdout) {a} {b} {c})"),
        10 => format!("(call $blocking-write {a} {b} {c} {d})"),
        11 => format!("(call $read {a} {wide} {b})"),
        12 => format!("(call $directories {a})"),
        13 => format!("(call $open {a} {b} {c} {d} {e} {f} (i32.const 128))"),
        14 => format!("(call $file-read {a} {wide} {wide} {b})"),
        15 => format!("(call $splice {a} {b} {wide} {c})"),
        _ => format!("(i64.store {a} {wide})"),
    }
}

/// An expression that is a number.
fn number(numbers: &mut Numbers, depth: u32) -> String {
    if depth == 0 {
        return match numbers.below(6) {
            0 => format!("(local.get {})", numbers.below(4)),
            1 => "(call $stdout)".to_owned(),
            2 => "(call $is-requested)".to_owned(),
            3 => format!("(i32.const {})", numbers.below(70_000)),
            4 => format!("(i32.const {})", numbers.below(10)),
            _ => format!("(i32.const {})", numbers.next() as i32),
        };
    }
    let (a, b) = (number(numbers, depth - 1), number(numbers, depth - 1));
    match numbers.below(12) {
        0 => format!("(i32.add {a} {b})"),
        1 => format!("(i32.mul {a} {b})"),
        2 => format!("(i32.div_u {a} {b})"),
        3 => format!("(i32.rem_s {a} {b})"),
        4 => format!("(i32.load {a})"),
        5 => format!("(memory.grow (i32.and (i32.const 63) {a}))"),
        6 => format!("(call $answer {a} {b})"),
        7 => format!("(if (result i32) {a} (then {b}) (else {a}))"),
        8 => format!("(local.tee {} {a})", numbers.below(4)),
        9 => format!("(call_indirect $table (type $none) (i32.and (i32.const 3) {a}))"),
        10 => format!("(loop $on (result i32) (br_if $on {a}) {b})"),
        _ => format!("(call $bool {a})"),
    }
}

/// Mostly what the sandbox takes, so that modules are run and not only refused.
fn config() -> wasm_smith::Config {
    wasm_smith::Config {
        threads_enabled: false,
        memory64_enabled: false,
        gc_enabled: false,
        exceptions_enabled: false,
        max_memory32_bytes: 4 << 20,
        max_memories: 3,
        max_table_elements: 1_000,
        max_instructions: 300,
        ..wasm_smith::Config::default()
    }
}

/// Loads a component, and runs it where it loads. Whether it was run.
async fn survives(sandbox: Arc<WasmSandbox>, bytes: Vec<u8>) -> Result<bool, String> {
    let source =
        PluginSource { name: "random".to_owned(), bytes: bytes.into(), grants: Grants::default() };
    let plugin = match sandbox.load(source).await {
        Ok(plugin) => plugin,
        Err(LoadError(reason)) => {
            let is_line = !reason.contains('\n') && !reason.contains("panic");
            return if is_line { Ok(false) } else { Err(reason) };
        }
    };
    let run = plugin.run(invocation(&*plugin), Arc::new(Deaf), Arc::<Cancellation>::default());
    run.await.map(|_| true).map_err(|error| format!("the host failed: {error}"))
}

fn invocation(plugin: &dyn Plugin) -> Invocation {
    let context = RunContext {
        run: RunId(Uuid::nil()),
        tenant: TenantId::standard(),
        job_type: plugin.jobs()[0].job_type.clone(),
        attempt: 1,
        max_attempts: 1,
        trigger: Trigger::Manual,
        correlation_id: None,
        deadline: None,
        metadata: BTreeMap::new(),
    };
    let limits = Limits { cpu_ms_max: 20, wall_ms_max: 1_000, ..Limits::default() };
    Invocation { context, input: Json::null(), limits, services: Services::default() }
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[allow(clippy::print_stderr, reason = "whoever repeats a failure needs the seed")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_made_at_random_do_no_harm() {
    let first = number_of("ZAPJOBS_TEST_SEED").unwrap_or(1);
    let time = Duration::from_secs(number_of("ZAPJOBS_FUZZ_SECONDS").unwrap_or(SECONDS));
    let options = SandboxOptions { instances_max: 16, ..SandboxOptions::default() };
    let sandbox = Arc::new(WasmSandbox::new(options).expect("a sandbox"));
    let (start, mut tried, mut run) = (Instant::now(), 0_u64, 0_u64);
    // At least each kind a few times, however slow the machine.
    while start.elapsed() < time || tried < 25 {
        let seed = first.wrapping_add(tried);
        let trial = tokio::spawn(survives(Arc::clone(&sandbox), component(seed)));
        let ended = tokio::time::timeout(ONE_MAX, trial).await;
        let told = match ended {
            Ok(Ok(Ok(has_run))) => Ok(has_run),
            Ok(Ok(Err(problem))) => Err(problem),
            Ok(Err(panic)) => Err(panic.to_string()),
            Err(_) => Err(format!("it did not end within {ONE_MAX:?}")),
        };
        match told {
            Ok(has_run) => run += u64::from(has_run),
            Err(problem) => panic!("ZAPJOBS_TEST_SEED={seed}: {problem}"),
        }
        tried += 1;
    }
    eprintln!("{tried} components from seed {first}, of which {run} ran");
    assert!(run > 0, "no component of {tried} was run: seed {first}");
}
