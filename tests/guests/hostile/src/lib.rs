//! Jobs that each break one limit or use one host import.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use std::hint::black_box;
use std::time::Duration;

use exports::zapjobs::job::jobs::{Failure, FailureKind, Guest, JobDescription, Schedule};
use zapjobs::job::{cancellation, log, progress, run_context};

struct Plugin;

/// Job ids, and what each does with its input.
type Job = fn(String) -> Result<String, Failure>;

const JOBS: &[(&str, Job)] = &[
    ("echo", Ok),
    ("spin", |_| spin()),
    ("spin-after-looking", |_| {
        cancellation::is_requested();
        spin()
    }),
    ("heed", |_| heed()),
    ("sleep", |_| sleep()),
    ("sleep-after-looking", |_| {
        cancellation::is_requested();
        sleep()
    }),
    ("grow", |_| grow()),
    ("recurse", |_| Ok(recurse(1).to_string())),
    ("panic", |input| panic!("cannot go on with {input}\nsecond line")),
    ("divide", |input| Ok((10 / black_box(input.parse::<u32>().unwrap_or(0))).to_string())),
    ("abort", |_| std::process::abort()),
    ("exit", |_| std::process::exit(3)),
    ("print", |_| print()),
    ("print-without-end", |_| {
        loop {
            print!("{}", "x".repeat(1_000));
        }
    }),
    ("flood", |_| flood()),
    ("say", |_| say()),
    ("huge-log", |_| {
        log::write(log::Level::Info, "huge", &"y".repeat(1 << 20), &[]);
        ok()
    }),
    ("too-huge-log", |_| {
        log::write(log::Level::Info, "huge", &"y".repeat(9 << 20), &[]);
        ok()
    }),
    ("report-much", |_| {
        for n in 0..10_000 {
            progress::report(n, None, "");
            progress::count_items(n, n, 0);
        }
        ok()
    }),
    ("hoard", |_| hoard()),
    ("much-random", |_| much_random()),
    ("huge-output", |input| Ok(format!("\"{}\"", "z".repeat(input.parse().unwrap_or(0))))),
    ("bad-output", |_| Ok("{\"a\": ".to_owned())),
    ("fail", |input| Err(fail(&input))),
    ("context", |_| Ok(context())),
    ("files", |_| files()),
    ("environment", |_| {
        let (args, vars) = (std::env::args().count(), std::env::vars().count());
        Ok(format!("[{args},{vars}]"))
    }),
    ("connect", |_| {
        let refused = std::net::TcpStream::connect("127.0.0.1:1").is_err();
        let resolved = std::net::ToSocketAddrs::to_socket_addrs("localhost:1").is_ok();
        Ok(format!("[{refused},{resolved}]"))
    }),
    ("stdin", |_| {
        let read = std::io::read_to_string(std::io::stdin()).unwrap_or_default();
        Ok(read.len().to_string())
    }),
];

impl Guest for Plugin {
    fn describe() -> Vec<JobDescription> {
        JOBS.iter()
            .map(|(id, _)| JobDescription {
                id: (*id).to_owned(),
                display_name: (*id).to_owned(),
                description: String::new(),
                queue: None,
                retry: None,
                timeout: None,
                schedule: Schedule::Manual,
                default_input: None,
                tags: Vec::new(),
                input_schema: None,
                output_schema: None,
            })
            .collect()
    }

    fn run(job: String, input: String) -> Result<String, Failure> {
        match JOBS.iter().find(|(id, _)| *id == job) {
            Some((_, act)) => act(input),
            None => Err(fail("\"permanent\"")),
        }
    }
}

fn ok() -> Result<String, Failure> {
    Ok("null".to_owned())
}

fn spin() -> Result<String, Failure> {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

fn sleep() -> Result<String, Failure> {
    std::thread::sleep(Duration::from_secs(3_600));
    ok()
}

fn heed() -> Result<String, Failure> {
    progress::report(0, None, "ready");
    while !cancellation::is_requested() {}
    Err(Failure {
        kind: FailureKind::Cancelled,
        error_type: "heeded".to_owned(),
        message: "stopped as asked".to_owned(),
        details: None,
    })
}

fn grow() -> Result<String, Failure> {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let kept = black_box([depth; 16]);
    let deeper = if black_box(true) { recurse(depth + 1) } else { 0 };
    deeper + kept[3]
}

#[link(wasm_import_module = "wasi:clocks/monotonic-clock@0.2.0")]
unsafe extern "C" {
    #[link_name = "subscribe-duration"]
    safe fn subscribe_duration(nanoseconds: u64) -> i32;
}

#[link(wasm_import_module = "wasi:random/random@0.2.0")]
unsafe extern "C" {
    #[link_name = "get-random-bytes"]
    fn get_random_bytes(length: u64, answer: *mut u8);
}

/// Timers that are never dropped.
fn hoard() -> Result<String, Failure> {
    loop {
        black_box(subscribe_duration(1));
    }
}

fn much_random() -> Result<String, Failure> {
    let mut answer = [0_u32; 2];
    // SAFETY: the answer is an address and a length.
    unsafe { get_random_bytes(1 << 40, answer.as_mut_ptr().cast()) };
    Ok(answer[1].to_string())
}

fn print() -> Result<String, Failure> {
    println!("to standard output");
    eprintln!("to standard error");
    print!("without an \u{1b}[31mend");
    use std::io::Write as _;
    let _ = std::io::stdout().flush();
    ok()
}

fn flood() -> Result<String, Failure> {
    for n in 0..20_000 {
        log::write(log::Level::Info, "flood", &format!("line {n}"), &[]);
    }
    ok()
}

fn say() -> Result<String, Failure> {
    let field = |name: &str, value: &str| log::Field { name: name.into(), value: value.into() };
    log::write(
        log::Level::Warn,
        "hostile::say",
        "with fields",
        &[field("n", "1"), field("text", "not json"), field("o", "{\"a\":[1]}")],
    );
    log::write(log::Level::Trace, "hostile::say", "too fine", &[]);
    progress::report(1, Some(2), &format!("half{}", "!".repeat(5_000)));
    progress::count_items(3, 2, 1);
    ok()
}

fn fail(input: &str) -> Failure {
    let kind = match input.trim_matches('"') {
        "retry" => FailureKind::Retry(None),
        "retry-after" => FailureKind::Retry(Some(1_234)),
        "snooze" => FailureKind::Snooze(5_678),
        "cancelled" => FailureKind::Cancelled,
        _ => FailureKind::Permanent,
    };
    Failure {
        kind,
        error_type: "t".repeat(300),
        message: "m\u{1b}".repeat(20_000),
        details: Some("{\"key\":1}".to_owned()),
    }
}

fn context() -> String {
    let metadata = run_context::metadata();
    format!(
        "[{:?},{},{},{:?},{:?},\"{:?}\",{:?},{},{:?}]",
        run_context::run_id(),
        run_context::attempt(),
        run_context::max_attempts(),
        run_context::job(),
        run_context::tenant(),
        run_context::trigger(),
        run_context::correlation_id().unwrap_or_default(),
        run_context::deadline().unwrap_or_default(),
        metadata.first().map(|(key, value)| format!("{key}={value}")).unwrap_or_default(),
    )
}

fn files() -> Result<String, Failure> {
    let read = std::fs::read_to_string("/data/given.txt").unwrap_or_default();
    let wrote = std::fs::write("/data/made.txt", "made").is_ok();
    let escaped = std::fs::read_to_string("/data/../secret.txt").is_ok();
    Ok(format!("[{read:?},{wrote},{escaped}]"))
}

export!(Plugin);
