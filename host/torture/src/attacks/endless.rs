//! Code that never ends, wherever the host calls it, and guests that wait for ever.

use zapjobs_model::StopReason::{CpuTime, WallTime};
use zapjobs_model::port::CancelReason::{Requested, Shutdown};

use crate::attack::Attack;
use crate::attack::Ending::{Cancelled, HandedBack, Refused, Stopped};
use crate::component::Component;
use crate::component::imports::{CANCELLATION, CLOCK, POLL, PROGRESS, RUN_CONTEXT, STDIN};

/// A loop without an end.
const SPIN: &str = "(loop $on (br $on)) (unreachable)";
/// What is allowed of the processor, in milliseconds.
const CPU: (&str, u64) = ("cpu_ms_max", 40);
/// What is allowed from start to end, in milliseconds.
const WALL: (&str, u64) = ("wall_ms_max", 100);
/// How a loop ends that a component is described with: on a busy machine, the time from start
/// to end is over first.
const WHILE_DESCRIBING: [super::Ending; 2] =
    [Refused("used more than"), Refused("ran longer than")];

pub(super) fn attacks() -> Vec<Attack> {
    [loops(), starts(), allocators(), waits(), deaf()].into_iter().flatten().collect()
}

/// A component whose `run` is this.
fn runs(body: &'static str) -> impl Fn(&super::Place) -> Vec<u8> + Send + Sync + 'static {
    move |_| Component::new().run(body).build()
}

fn loops() -> Vec<Attack> {
    vec![
        Attack::new("loop-in-run", "computes without end", runs(SPIN))
            .limited(&[CPU])
            .held_by("cpu_ms_max", &[Stopped(CpuTime, "cpu_ms_max")]),
        Attack::new("loop-against-the-clock", "computes until its time is over", runs(SPIN))
            .limited(&[WALL])
            .held_by("wall_ms_max", &[Stopped(WallTime, "wall_ms_max")]),
        Attack::new("loop-by-tail-calls", "calls itself for ever without a stack", |_| {
            Component::new()
                .code("(func $again (result i32) (return_call $again))")
                .run("(call $again)")
                .build()
        })
        .limited(&[CPU])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
        Attack::new("loop-in-bulk-copies", "copies memory within single instructions", |_| {
            Component::new()
                .memory_pages_more(256)
                .run(
                    "(loop $on
                       (memory.copy (i32.const 65536) (i32.const 131072) (i32.const 16000000))
                       (memory.fill (i32.const 65536) (i32.const 7) (i32.const 16000000))
                       (br $on)) (unreachable)",
                )
                .build()
        })
        .limited(&[CPU])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
        Attack::new("loop-in-describe", "never ends describing itself", |_| {
            Component::new().describe(SPIN).build()
        })
        .held_by("describe: CPU time", &WHILE_DESCRIBING),
        Attack::new("loop-after-the-answer", "computes on after it has answered", |_| {
            Component::new()
                .code(format!("(func (export \"after\") (param i32) {SPIN})"))
                .run_options("(post-return (core func $code \"after\"))")
                .build()
        })
        .limited(&[CPU])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
        Attack::new("loop-crowd", "spins in eight attempts at the same time", runs(SPIN))
            .limited(&[("cpu_ms_max", 60)])
            .copies(8)
            .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
    ]
}

fn starts() -> Vec<Attack> {
    vec![
        Attack::new("loop-in-start", "never ends beginning", |_| {
            Component::new().code(format!("(func $start {SPIN}) (start $start)")).build()
        })
        .held_by("describe: CPU time", &WHILE_DESCRIBING),
        Attack::new(
            "loop-in-start-of-a-run",
            "begins well when described, and never in a run",
            |_| {
                Component::new()
                    .import(&RUN_CONTEXT)
                    .code(format!(
                        "(func $start
                       (if (i32.eq (call $attempt) (i32.const 2)) (then {SPIN})))
                     (start $start)"
                    ))
                    .build()
            },
        )
        .limited(&[CPU])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
    ]
}

fn allocators() -> Vec<Attack> {
    vec![
        Attack::new("loop-in-realloc", "never gives the host room for the input", |_| {
            Component::new().allocator(SPIN).build()
        })
        .limited(&[CPU])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
        Attack::new("loop-in-realloc-of-a-call", "never gives the host room for an answer", |_| {
            Component::new()
                .import(&RUN_CONTEXT)
                .allocator(
                    "(if (global.get $top) (then
                       (if (i32.eq (local.get $size) (i32.const 36)) (then
                         (loop $on (br $on))))))
                     (i32.const 20000)",
                )
                .run("(call $run-id (i32.const 128)) (call $null)")
                .build()
        })
        .limited(&[CPU])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
    ]
}

fn waits() -> Vec<Attack> {
    vec![
        Attack::new("sleep-for-ever", "waits for a time that never comes", |_| {
            Component::new()
                .import(&CLOCK)
                .run("(call $block (call $timer (i64.const -1))) (unreachable)")
                .build()
        })
        .limited(&[WALL])
        .held_by("wall_ms_max", &[Stopped(WallTime, "wall_ms_max")]),
        Attack::new("sleep-in-describe", "waits while it describes itself", |_| {
            Component::new()
                .import(&CLOCK)
                .describe("(call $block (call $timer (i64.const 3600000000000))) (unreachable)")
                .build()
        })
        .held_by("describe: time", &[Refused("ran longer than")]),
        Attack::new("sleep-on-many", "waits for five hundred things at a time", |_| {
            Component::new()
                .import(&CLOCK)
                .import(&POLL)
                .run(
                    "(local $n i32)
                     (loop $next
                       (i32.store
                         (i32.add (i32.const 2048) (i32.shl (local.get $n) (i32.const 2)))
                         (call $timer (i64.const 3600000000000)))
                       (local.set $n (i32.add (local.get $n) (i32.const 1)))
                       (br_if $next (i32.lt_u (local.get $n) (i32.const 500))))
                     (call $poll (i32.const 2048) (i32.const 500) (i32.const 128))
                     (unreachable)",
                )
                .build()
        })
        .limited(&[WALL])
        .held_by("wall_ms_max", &[Stopped(WallTime, "wall_ms_max")]),
        Attack::new("sleep-crowd", "waits for ever in sixty attempts at the same time", |_| {
            Component::new()
                .import(&CLOCK)
                .run("(call $block (call $timer (i64.const -1))) (unreachable)")
                .build()
        })
        .limited(&[("wall_ms_max", 300)])
        .copies(60)
        .held_by("wall_ms_max", &[Stopped(WallTime, "")]),
        Attack::new("wait-for-input", "reads a standard input that nobody writes to", |_| {
            Component::new()
                .import(&STDIN)
                .run(
                    "(call $blocking-read (call $stdin) (i64.const -1) (i32.const 128))
                     (call $bool (i32.eqz (i32.load8_u (i32.const 128))))",
                )
                .build()
        })
        .limited(&[WALL])
        .held_by("an empty standard input", &[super::Ending::Answered("false")]),
    ]
}

/// Guests that do not listen when they are asked to stop.
fn deaf() -> Vec<Attack> {
    /// Says that it has begun, and then goes on for ever.
    const DEAF: &str = "(call $report (i64.const 0) (i32.const 0) (i64.const 0) (i32.const 0)
        (i32.const 0)) (loop $on (br $on)) (unreachable)";
    /// The same, having looked once.
    const LOOKED: &str = "(drop (call $is-requested))
        (call $report (i64.const 0) (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0))
        (loop $on (drop (call $is-requested)) (br $on)) (unreachable)";
    vec![
        Attack::new("ignore-cancellation", "goes on when it is asked to stop", |_| {
            Component::new().import(&PROGRESS).run(DEAF).build()
        })
        .cancelled(Requested)
        .held_by("cancellation", &[Cancelled]),
        Attack::new("look-and-ignore-cancellation", "looks whether to stop, and goes on", |_| {
            Component::new().import(&PROGRESS).import(&CANCELLATION).run(LOOKED).build()
        })
        .limited(&[("wall_ms_max", 300)])
        .cancelled(Requested)
        .held_by("wall_ms_max", &[Stopped(WallTime, ""), Cancelled]),
        Attack::new("ignore-shutdown", "goes on when the host shuts down", |_| {
            Component::new().import(&PROGRESS).import(&CANCELLATION).run(LOOKED).build()
        })
        .cancelled(Shutdown)
        .held_by("shutdown", &[HandedBack]),
        Attack::new("sleep-through-cancellation", "waits on when it is asked to stop", |_| {
            Component::new()
                .import(&PROGRESS)
                .import(&CLOCK)
                .run(
                    "(call $report (i64.const 0) (i32.const 0) (i64.const 0) (i32.const 0)
                       (i32.const 0))
                     (call $block (call $timer (i64.const -1))) (unreachable)",
                )
                .build()
        })
        .cancelled(Requested)
        .held_by("cancellation", &[Cancelled]),
    ]
}
