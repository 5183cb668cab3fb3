//! Traps of every kind, where the host calls a guest: in `run`, at its start, in its allocator.

use zapjobs_model::StopReason::{Contract, Trap};

use crate::attack::Attack;
use crate::attack::Ending::{Refused, Stopped};
use crate::component::Component;
use crate::component::imports::{EXIT, LOG, RUN_CONTEXT, STDERR};

/// What holds them.
const HELD: &str = "trap";

/// Name, what is done, and the words that it is told with.
const IN_RUN: &[(&str, &str, &str)] = &[
    ("unreachable", "(unreachable)", "stopped itself"),
    ("load-out-of-bounds", "(i32.load (i32.const -4))", "out of bounds"),
    (
        "store-out-of-bounds",
        "(i64.store (i32.const -8) (i64.const 1)) (call $null)",
        "out of bounds",
    ),
    ("load-beyond-all-memory", "(i32.load offset=4294967295 (i32.const -1))", "out of bounds"),
    ("divide-by-zero", "(i32.div_s (i32.const 1) (local.get 1))", "divided an integer by zero"),
    ("remainder-by-zero", "(drop (i64.rem_u (i64.const 1) (i64.const 0))) (call $null)", "zero"),
    ("integer-overflow", "(i32.div_s (i32.const 0x80000000) (i32.const -1))", "overflowed"),
    ("bad-conversion", "(i32.trunc_f64_s (f64.const nan))", "no integer can hold"),
    ("conversion-overflow", "(i32.trunc_f32_u (f32.const 1e30))", ""),
    (
        "copy-out-of-bounds",
        "(memory.copy (i32.const 0) (i32.const 65536) (i32.const -1)) (call $null)",
        "out of bounds",
    ),
    (
        "fill-out-of-bounds",
        "(memory.fill (i32.const 65536) (i32.const 1) (i32.const -1)) (call $null)",
        "out of bounds",
    ),
    (
        "init-out-of-bounds",
        "(memory.init $passive (i32.const 0) (i32.const 0) (i32.const 100)) (call $null)",
        "out of bounds",
    ),
    (
        "init-after-drop",
        "(data.drop $passive) (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 1))
         (call $null)",
        "out of bounds",
    ),
    ("call-nothing", "(call_indirect (result i32) (i32.const 3))", "does not exist"),
    ("call-out-of-bounds", "(call_indirect (result i32) (i32.const 999))", "out of the table"),
    ("call-the-wrong-type", "(call_indirect (result i32) (i32.const 0))", "wrong signature"),
    ("table-out-of-bounds", "(drop (table.get (i32.const 1000))) (call $null)", ""),
    (
        "table-copy-out-of-bounds",
        "(table.copy (i32.const 0) (i32.const 0) (i32.const 1000)) (call $null)",
        "",
    ),
];

/// Fields that the above need.
const FIELDS: &str = "(table 4 funcref) (elem (i32.const 0) $other)
    (func $other (param i64)) (data $passive \"abc\")";

pub(super) fn attacks() -> Vec<Attack> {
    let in_run = IN_RUN.iter().map(|(name, body, words)| {
        let component = move |_: &super::Place| {
            // Locals 0 to 3 are the arguments; the second is the length of the job's name.
            let zero = "(local.set 1 (i32.const 0))";
            Component::new().code(FIELDS).run(format!("{zero} {body}")).build()
        };
        Attack::new(format!("trap-{name}"), format!("breaks a rule: {name}"), component)
            .held_by(HELD, &[Stopped(Trap, words)])
    });
    in_run.chain(elsewhere()).chain(allocators()).collect()
}

fn elsewhere() -> Vec<Attack> {
    vec![
        Attack::new("trap-in-start", "traps when it begins", |_| {
            Component::new().code("(func $start (unreachable)) (start $start)").build()
        })
        .held_by(HELD, &[Refused("stopped itself")]),
        Attack::new(
            "trap-in-start-of-a-run",
            "begins well when described, and never in a run",
            |_| {
                Component::new()
                    .import(&RUN_CONTEXT)
                    .code(
                        "(func $start
                       (if (i32.eq (call $attempt) (i32.const 2)) (then (unreachable))))
                     (start $start)",
                    )
                    .build()
            },
        )
        .held_by(HELD, &[Stopped(Trap, "stopped itself")]),
        Attack::new("trap-in-describe", "traps when it is to describe itself", |_| {
            Component::new().describe("(unreachable)").build()
        })
        .held_by(HELD, &[Refused("stopped itself")]),
        Attack::new("trap-after-the-answer", "traps when it has answered", |_| {
            Component::new()
                .code("(func (export \"after\") (param i32) (unreachable))")
                .run_options("(post-return (core func $code \"after\"))")
                .build()
        })
        .held_by(HELD, &[Stopped(Trap, "stopped itself")]),
        Attack::new("data-out-of-bounds", "begins with data beyond its memory", |_| {
            Component::new().code("(data (i32.const -2) \"beyond\")").build()
        })
        .held_by(HELD, &[Refused("out of bounds")]),
        Attack::new("elements-out-of-bounds", "begins with elements beyond its table", |_| {
            Component::new().code("(table 1 funcref) (func $f) (elem (i32.const 9) $f)").build()
        })
        .held_by(HELD, &[Refused("fails to describe itself")]),
        Attack::new("exit", "ends the process", |_| {
            Component::new().import(&EXIT).run("(call $exit (i32.const 1)) (unreachable)").build()
        })
        .held_by("contract", &[Stopped(Contract, "exited with status")]),
        Attack::new("exit-well", "ends the process as if all were well", |_| {
            Component::new().import(&EXIT).run("(call $exit (i32.const 0)) (unreachable)").build()
        })
        .held_by("contract", &[Stopped(Contract, "exited with status 0")]),
        Attack::new("exit-in-describe", "ends the process when it is to describe itself", |_| {
            Component::new()
                .import(&EXIT)
                .describe("(call $exit (i32.const 0)) (unreachable)")
                .build()
        })
        .held_by("contract", &[Refused("exited with status 0")]),
        Attack::new(
            "panic-with-a-giant-message",
            "panics, with a megabyte on standard error",
            |_| {
                let line = b"thread '<unnamed>' panicked at src/lib.rs:1:1:\n";
                Component::new()
                    .import(&STDERR)
                    .memory_pages_more(17)
                    .data(line)
                    .run(format!(
                        "(local $at i32) (local $err i32)
                     (local.set $err (call $stderr))
                     (call $blocking-write (local.get $err) (i32.const 1024) (i32.const {})
                       (i32.const 128))
                     (memory.fill (i32.const 65536) (i32.const 27) (i32.const 1048576))
                     (loop $more
                       (call $blocking-write (local.get $err) (i32.const 65536) (i32.const 4096)
                         (i32.const 128))
                       (local.set $at (i32.add (local.get $at) (i32.const 1)))
                       (br_if $more (i32.lt_u (local.get $at) (i32.const 256))))
                     (unreachable)",
                        line.len()
                    ))
                    .build()
            },
        )
        .held_by(
            "bytes of an error",
            &[Stopped(zapjobs_model::StopReason::Panic, "panicked at"), Stopped(Trap, "")],
        ),
    ]
}

/// Allocators that answer the host with what is not theirs to give.
fn allocators() -> Vec<Attack> {
    let answers = |name: &str, tries: &str, body: &'static str, words: &'static str| {
        let component = move |_: &super::Place| Component::new().allocator(body).build();
        Attack::new(format!("realloc-{name}"), tries, component)
            .held_by("checks at the border", &[Stopped(Trap, words), Stopped(Contract, words)])
    };
    vec![
        answers("traps", "traps when the host asks for room", "(unreachable)", ""),
        answers("out-of-bounds", "gives the host room beyond its memory", "(i32.const -16)", ""),
        answers(
            "at-the-edge",
            "gives the host room that ends beyond its memory",
            "(i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 2))",
            "",
        ),
        Attack::new("realloc-calls-the-host", "calls the host from within its allocator", |_| {
            Component::new()
                .import(&LOG)
                .hooked()
                .allocator("(call_indirect $hooks (type $hook) (i32.const 0)) (i32.const 20000)")
                .code(
                    "(func $call (call $log (i32.const 2) (i32.const 96) (i32.const 4)
                       (i32.const 96) (i32.const 4) (i32.const 0) (i32.const 0)))
                     (elem (table $hooks) (i32.const 0) func $call)",
                )
                .build()
        })
        .held_by("checks at the border", &[Stopped(Trap, "")]),
        Attack::new("answer-out-of-bounds", "lets the host answer beyond its memory", |_| {
            Component::new()
                .import(&RUN_CONTEXT)
                .run("(call $run-id (i32.const -4)) (call $null)")
                .build()
        })
        .held_by("checks at the border", &[Stopped(Trap, ""), Stopped(Contract, "")]),
    ]
}
