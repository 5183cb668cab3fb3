//! Jobs that the command line is tested with: each does one thing that a test waits for.

use std::hint::black_box;
use std::time::Duration;

use zapjobs_sdk::prelude::*;

/// Goes round and round, and never looks whether it should stop.
#[job]
fn spin() {
    info!("spinning");
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

/// How long to sleep.
#[derive(Deserialize, JsonSchema)]
struct Sleep {
    /// In milliseconds.
    ms: u64,
}

/// Sleeps.
#[job]
fn sleep(input: Sleep) {
    info!("sleeping");
    std::thread::sleep(Duration::from_millis(input.ms));
}

/// How often to fail.
#[derive(Deserialize, JsonSchema)]
struct Flaky {
    /// The attempts that fail.
    failures: u32,
}

/// Fails a number of times, then answers which attempt went well.
#[job(max_attempts = 5, backoff(base = "40ms", cap = "200ms", jitter = 0))]
fn flaky(input: Flaky, context: &Context) -> Result<u32, JobError> {
    if context.attempt() <= input.failures {
        return Err(JobError::retry(format!("attempt {} was meant to fail", context.attempt())));
    }
    Ok(context.attempt())
}

/// Panics.
#[job(max_attempts = 1)]
fn panics() {
    panic!("meant to panic");
}

/// How much to say.
#[derive(Deserialize, JsonSchema)]
struct Chatter {
    /// Lines.
    lines: u64,
}

/// Writes log lines and tells how far it is.
#[job]
fn chatter(input: Chatter) -> u64 {
    for line in 1..=input.lines {
        info!(line, "chatting");
        progress(line, input.lines, "chatting");
    }
    count_items(input.lines, input.lines, 0);
    input.lines
}

/// Runs by itself every second.
#[job(every = "1s", tags = ["scheduled"])]
fn tick() -> &'static str {
    "tock"
}
