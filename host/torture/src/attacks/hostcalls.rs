//! Storms of host calls, host calls that take long or cost much, and resources that are held,
//! forged or given back twice.

use zapjobs_model::StopReason::{CpuTime, Handles, Trap};

use crate::attack::Attack;
use crate::attack::Ending::{Answered, Stopped};
use crate::component::Component;
use crate::component::imports::{
    CANCELLATION, CLOCK, ENVIRONMENT, FILES, Import, LOG, RANDOM, RUN_CONTEXT, STDIN, STDOUT,
};

/// What is allowed of the processor, in milliseconds.
const CPU: (&str, u64) = ("cpu_ms_max", 60);

pub(super) fn attacks() -> Vec<Attack> {
    [storms(), costs(), holds(), forgeries(), nothing()].into_iter().flatten().collect()
}

fn storms() -> Vec<Attack> {
    let calls: [(&str, &'static Import, &str); 7] = [
        ("is-requested", &CANCELLATION, "(drop (call $is-requested))"),
        ("min-level", &LOG, "(drop (call $min-level))"),
        ("run-id", &RUN_CONTEXT, "(call $reset) (call $run-id (i32.const 128))"),
        ("metadata", &RUN_CONTEXT, "(call $reset) (call $metadata (i32.const 128))"),
        ("clock", &CLOCK, "(drop (call $now))"),
        ("timers", &CLOCK, "(call $drop-pollable (call $timer (i64.const 0)))"),
        (
            "waits",
            &CLOCK,
            "(local.set 0 (call $timer (i64.const 0))) (call $block (local.get 0))
            (call $drop-pollable (local.get 0))",
        ),
    ];
    calls
        .into_iter()
        .map(|(name, import, call)| {
            Attack::new(
                format!("storm-of-{name}"),
                format!("calls the host millions of times: {name}"),
                move |_| {
                    let component = Component::new().import(import);
                    component.run(format!("(loop $on {call} (br $on)) (unreachable)")).build()
                },
            )
            .limited(&[CPU, ("wall_ms_max", 2_000)])
            .held_by(
                "cpu_ms_max",
                &[Stopped(CpuTime, ""), Stopped(zapjobs_model::StopReason::WallTime, "")],
            )
        })
        .collect()
}

/// Single calls that cost the host much.
fn costs() -> Vec<Attack> {
    vec![
        Attack::new("random-flood", "takes random bytes, megabytes at a time, for ever", |_| {
            Component::new()
                .import(&RANDOM)
                .memory_pages_more(80)
                .run(
                    "(loop $on (call $reset)
                       (call $random (i64.const 4000000) (i32.const 128)) (br $on))
                     (unreachable)",
                )
                .build()
        })
        .limited(&[CPU])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
        Attack::new("random-bytes-without-end", "asks for all random bytes there are", |_| {
            Component::new()
                .import(&RANDOM)
                .run("(call $random (i64.const -1) (i32.const 128)) (call $null)")
                .build()
        })
        .held_by("random bytes of one call", &[Stopped(Trap, "")]),
        Attack::new("zeroes-without-end", "lets the host write zeroes for ever", |_| {
            Component::new()
                .import(&STDOUT)
                .run(
                    "(call $write-zeroes (call $stdout) (i64.const -1) (i32.const 128))
                      (call $null)",
                )
                .build()
        })
        .held_by("bytes of one write", &[Stopped(Trap, ""), Answered("null")]),
        Attack::new("write-more-than-allowed", "writes more than the stream has room for", |_| {
            Component::new()
                .import(&STDOUT)
                .memory_pages_more(20)
                .run(
                    "(call $write (call $stdout) (i32.const 65536) (i32.const 1000000)
                        (i32.const 128)) (call $null)",
                )
                .build()
        })
        .held_by("bytes of one write", &[Stopped(Trap, ""), Answered("null")]),
        Attack::new("splice-without-end", "joins standard input and output for ever", |_| {
            Component::new()
                .import(&STDOUT)
                .import(&STDIN)
                .run(
                    "(local $out i32) (local $in i32)
                     (local.set $out (call $stdout)) (local.set $in (call $stdin))
                     (loop $on
                       (call $splice (local.get $out) (local.get $in) (i64.const -1)
                         (i32.const 128))
                       (br $on)) (unreachable)",
                )
                .build()
        })
        .limited(&[CPU])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, ""), Stopped(Trap, "")]),
        Attack::new("read-without-end", "reads all of the standard input at once", |_| {
            Component::new()
                .import(&STDIN)
                .run(
                    "(call $read (call $stdin) (i64.const -1) (i32.const 128))
                     (call $bool (i32.eqz (i32.load8_u (i32.const 128))))",
                )
                .build()
        })
        .held_by("an empty standard input", &[Answered("false"), Answered("true")]),
    ]
}

/// Takes this resource for ever.
fn hoards(import: &'static Import, take: &str) -> Vec<u8> {
    let component = Component::new().import(import);
    component.run(format!("(loop $on {take} (br $on)) (unreachable)")).build()
}

fn holds() -> Vec<Attack> {
    let full = &[Stopped(Handles, "handles_max")];
    let limits = &[("handles_max", 200)];
    vec![
        Attack::new("hoard-timers", "makes timers and never gives them back", |_| {
            hoards(&CLOCK, "(drop (call $timer (i64.const 3600000000000)))")
        })
        .limited(limits)
        .held_by("handles_max", full),
        Attack::new("hoard-streams", "takes standard output again and again", |_| {
            hoards(&STDOUT, "(drop (call $stdout))")
        })
        .limited(limits)
        .held_by("handles_max", full),
        Attack::new("hoard-directories", "takes its directories again and again", |_| {
            hoards(&FILES, "(call $reset) (call $directories (i32.const 128))")
        })
        .granted(zapjobs_model::Access::ReadOnly)
        .limited(limits)
        .held_by("handles_max", full),
        Attack::new("hoard-crowd", "makes timers in eight attempts at a time", |_| {
            hoards(&CLOCK, "(drop (call $timer (i64.const 3600000000000)))")
        })
        .limited(limits)
        .copies(8)
        .held_by("handles_max", full),
    ]
}

fn forgeries() -> Vec<Attack> {
    let border = "checks at the border";
    let trap = &[Stopped(Trap, "")];
    let wrong = |name: &str, tries: &str, body: &'static str| {
        Attack::new(name, tries, move |_| {
            let component = Component::new().import(&CLOCK).import(&STDOUT);
            component.run(format!("(local $it i32) {body} (call $null)")).build()
        })
        .held_by(border, trap)
    };
    vec![
        wrong(
            "give-back-twice",
            "gives a timer back twice",
            "(local.set $it (call $timer (i64.const 0))) (call $drop-pollable (local.get $it))
             (call $drop-pollable (local.get $it))",
        ),
        wrong(
            "use-after-giving-back",
            "waits for a timer that it gave back",
            "(local.set $it (call $timer (i64.const 0))) (call $drop-pollable (local.get $it))
             (call $block (local.get $it))",
        ),
        wrong(
            "forged-handle",
            "waits for a timer that it never made",
            "(call $block (i32.const 7))",
        ),
        wrong(
            "forged-handle-of-all-bits",
            "uses the largest handle",
            "(call $block (i32.const -1))",
        ),
        wrong(
            "handle-of-another-kind",
            "waits for a stream as if it were a timer",
            "(call $block (call $stdout))",
        ),
        wrong(
            "poll-nothing",
            "waits for none of nothing",
            "(call $poll (i32.const 0) (i32.const 0) (i32.const 128))",
        ),
        wrong(
            "poll-forged-handles",
            "waits for a thousand timers that it never made",
            "(memory.fill (i32.const 2048) (i32.const 3) (i32.const 4000))
             (call $poll (i32.const 2048) (i32.const 1000) (i32.const 128))",
        ),
    ]
}

/// Looks around for what is not there.
fn nothing() -> Vec<Attack> {
    let looks = |name: &str, tries: &str, look: &'static str| {
        Attack::new(name, tries, move |_| {
            let component = Component::new().import(&ENVIRONMENT).import(&FILES);
            component
                .run(format!("{look} (call $bool (i32.eqz (i32.load (i32.const 132))))"))
                .build()
        })
        .held_by("nothing is granted", &[Answered("true")])
    };
    vec![
        looks(
            "read-the-environment",
            "looks for the host's environment variables",
            "(call $get-environment (i32.const 128))",
        ),
        looks(
            "read-the-arguments",
            "looks for the host's arguments",
            "(call $get-arguments (i32.const 128))",
        ),
        looks(
            "look-for-directories",
            "looks for directories that it was not granted",
            "(call $directories (i32.const 128))",
        ),
    ]
}
