//! Memory bombs: in one memory, in many, in tables, at the start, in the allocator, and stacks.

use zapjobs_model::StopReason::{CpuTime, Memory, Stack, Trap};

use crate::attack::Attack;
use crate::attack::Ending::{Refused, Stopped};
use crate::component::Component;
use crate::component::imports::{LOG, RUN_CONTEXT};

/// What is allowed of memory: 16 MiB.
const MEMORY: (&str, u64) = ("memory_bytes_max", 16 << 20);
/// What holds most of them.
const HELD: &str = "memory_bytes_max";

pub(super) fn attacks() -> Vec<Attack> {
    [one_memory(), many(), tables(), stacks()].into_iter().flatten().collect()
}

fn one_memory() -> Vec<Attack> {
    vec![
        Attack::new("memory-bomb", "takes memory page by page, and writes on each", |_| {
            Component::new()
                .run(
                    "(local $page i32)
                     (loop $more
                       (local.set $page (memory.grow (i32.const 1)))
                       (if (i32.eq (local.get $page) (i32.const -1)) (then (unreachable)))
                       (i32.store (i32.shl (local.get $page) (i32.const 16)) (i32.const 1))
                       (br $more)) (unreachable)",
                )
                .build()
        })
        .limited(&[MEMORY])
        .held_by(HELD, &[Stopped(Memory, HELD)]),
        Attack::new("memory-at-once", "asks for 4 GiB in one step", |_| {
            Component::new()
                .run(
                    "(if (i32.eq (memory.grow (i32.const 65000)) (i32.const -1))
                       (then (unreachable))) (call $null)",
                )
                .build()
        })
        .held_by(HELD, &[Stopped(Memory, "")]),
        Attack::new(
            "memory-again-and-again",
            "asks for memory that it was refused, for ever",
            |_| {
                Component::new()
                    .run("(loop $on (drop (memory.grow (i32.const 1))) (br $on)) (unreachable)")
                    .build()
            },
        )
        .limited(&[MEMORY, ("cpu_ms_max", 40)])
        .held_by("cpu_ms_max", &[Stopped(CpuTime, "")]),
        Attack::new("memory-bomb-crowd", "fills its memory in eight attempts at a time", |_| {
            Component::new()
                .run(
                    "(loop $more
                       (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1))
                         (then (unreachable)))
                       (memory.fill
                         (i32.shl (i32.sub (memory.size) (i32.const 16)) (i32.const 16))
                         (i32.const 1) (i32.const 1048576))
                       (br $more)) (unreachable)",
                )
                .build()
        })
        .limited(&[("memory_bytes_max", 32 << 20)])
        .copies(8)
        .held_by(HELD, &[Stopped(Memory, HELD)]),
        Attack::new("memory-in-describe", "takes memory while it describes itself", |_| {
            Component::new()
                .describe(
                    "(loop $more
                       (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
                     (unreachable)",
                )
                .build()
        })
        .held_by("describe: memory", &[Refused("memory_bytes_max = 67108864")]),
        Attack::new("memory-in-realloc", "takes memory whenever the host asks it for room", |_| {
            Component::new()
                .allocator(
                    "(loop $more
                       (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
                     (unreachable)",
                )
                .build()
        })
        .limited(&[MEMORY])
        .held_by(HELD, &[Stopped(Memory, HELD)]),
        Attack::new("memory-declared", "declares a memory of 4 GiB", |_| {
            Component::new()
                .outer("(core module $m (memory 65536)) (core instance (instantiate $m))")
                .build()
        })
        .held_by("memory of one slot", &[Refused("memory"), Refused("exceeds")]),
        Attack::new("memory-declared-within-a-slot", "declares a memory beyond its limit", |_| {
            Component::new().memory_pages_more(1_600).build()
        })
        .held_by("describe: memory", &[Refused("needed ")]),
    ]
}

/// A component with this many instances of a module.
fn instances(module: &str, count: usize) -> Vec<u8> {
    let instance = "(core instance (instantiate $many))".repeat(count);
    Component::new().outer(format!("(core module $many {module}){instance}")).build()
}

fn many() -> Vec<Attack> {
    vec![
        Attack::new("many-memories", "begins with five memories of 16 MiB", |_| {
            instances("(memory 256)", 5)
        })
        .held_by("describe: memory", &[Refused("needed 80 MiB"), Refused("needed 81 MiB")]),
        Attack::new("very-many-memories", "has sixty memories", |_| instances("(memory 1)", 60))
            .held_by(
                "memories of one component",
                &[Refused("exceeds"), Refused("at most"), Refused("has more than")],
            ),
        Attack::new("many-memories-in-a-module", "has fifty memories in one module", |_| {
            instances(&"(memory 1)".repeat(50), 1)
        })
        .held_by(
            "memories of one module",
            &[Refused("exceeds"), Refused("at most"), Refused("has more than")],
        ),
        Attack::new("many-instances", "has three thousand core instances", |_| {
            instances("(func)", 3_000)
        })
        .held_by(
            "instances of one component",
            &[Refused("exceeds"), Refused("at most"), Refused("has more than")],
        ),
        Attack::new("memories-that-grow-together", "spreads its memory over eight", |_| {
            let grow: String = (1..8)
                .map(|memory| format!("(drop (memory.grow {memory} (i32.const 16)))"))
                .collect();
            Component::new()
                .code("(memory 0) ".repeat(7))
                .run(format!(
                    "(local $before i32)
                     (loop $more
                       (local.set $before (memory.size 1))
                       {grow}
                       (br_if $more (i32.ne (memory.size 1) (local.get $before))))
                     (unreachable)"
                ))
                .build()
        })
        .limited(&[MEMORY])
        .held_by(HELD, &[Stopped(Memory, "")]),
    ]
}

fn tables() -> Vec<Attack> {
    vec![
        Attack::new("table-bomb", "lets a table grow for ever", |_| {
            Component::new()
                .code("(table $t 0 funcref)")
                .run(
                    "(loop $more
                       (br_if $more (i32.ne (i32.const -1)
                         (table.grow $t (ref.null func) (i32.const 1000)))))
                     (unreachable)",
                )
                .build()
        })
        .held_by("elements of one table", &[Stopped(Memory, "")]),
        Attack::new("table-bomb-within-memory", "fills its memory with a table", |_| {
            Component::new()
                .code("(table $t 0 funcref)")
                .run(
                    "(loop $more
                       (br_if $more (i32.ne (i32.const -1)
                         (table.grow $t (ref.null func) (i32.const 1000)))))
                     (unreachable)",
                )
                .build()
        })
        .limited(&[("memory_bytes_max", 192 << 10)])
        .held_by(HELD, &[Stopped(Memory, "")]),
        Attack::new("table-declared", "declares a table of ten million elements", |_| {
            instances("(table 10000000 funcref)", 1)
        })
        .held_by(
            "elements of one table",
            &[Refused("exceeds"), Refused("at most"), Refused("has more than")],
        ),
        Attack::new("many-tables", "has a hundred tables", |_| {
            instances(&"(table 10 funcref)".repeat(100), 1)
        })
        .held_by(
            "tables of one module",
            &[Refused("exceeds"), Refused("at most"), Refused("has more than")],
        ),
    ]
}

fn stacks() -> Vec<Attack> {
    vec![
        Attack::new("endless-recursion", "calls itself for ever", |_| {
            Component::new()
                .code("(func $deep (param i32) (result i32)
                         (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))")
                .run("(drop (call $deep (i32.const 0))) (call $null)")
                .build()
        })
        .held_by("stack", &[Stopped(Stack, "too deep")]),
        Attack::new("recursion-in-turn", "lets three functions call each other through a table", |_| {
            Component::new()
                .code("(type $f (func (param i32) (result i32)))
                       (table 3 funcref) (elem (i32.const 0) $f0 $f1 $f2)
                       (func $next (param i32) (result i32)
                         (i32.rem_u (i32.add (local.get 0) (i32.const 1)) (i32.const 3)))
                       (func $f0 (param i32) (result i32) (i32.add (i32.const 1)
                         (call_indirect (type $f) (local.get 0) (call $next (local.get 0)))))
                       (func $f1 (param i32) (result i32) (i32.add (i32.const 1)
                         (call_indirect (type $f) (i32.const 1) (i32.const 2))))
                       (func $f2 (param i32) (result i32) (i32.add (i32.const 1)
                         (call_indirect (type $f) (i32.const 2) (i32.const 0))))")
                .run("(drop (call $f0 (i32.const 0))) (call $null)")
                .build()
        })
        .held_by("stack", &[Stopped(Stack, "")]),
        Attack::new("recursion-in-describe", "calls itself for ever in its description", |_| {
            Component::new()
                .code("(func $deep (result i32) (i32.add (i32.const 1) (call $deep)))")
                .describe("(call $deep)")
                .build()
        })
        .held_by("stack", &[Refused("too deep")]),
        Attack::new("giant-frames", "fills the stack with few calls of many values", |_| {
            let locals = "(local v128)".repeat(2_000);
            let touch: String = (1..2_001)
                .map(|n| format!("(local.set {n} (i32x4.splat (local.get 0)))"))
                .collect();
            let keep: String = (1..2_001)
                .map(|n| format!("(v128.store (i32.const 2048) (local.get {n}))"))
                .collect();
            Component::new()
                .code(format!(
                    "(func $deep (param i32) (result i32) {locals} {touch}
                       (local.set 0 (call $deep (i32.add (local.get 0) (i32.const 1))))
                       {keep} (local.get 0))"
                ))
                .run("(drop (call $deep (i32.const 0))) (call $null)")
                .build()
        })
        .held_by("stack", &[Stopped(Stack, "")]),
        Attack::new("host-call-on-a-full-stack", "calls the host where the stack is nearly full", |_| {
            Component::new()
                .import(&LOG)
                .import(&RUN_CONTEXT)
                .code("(func $deep (result i32)
                         (call $reset)
                         (call $metadata (i32.const 128))
                         (call $log (i32.const 2) (i32.const 96) (i32.const 4) (i32.const 96)
                           (i32.const 4) (i32.const 0) (i32.const 0))
                         (i32.add (i32.const 1) (call $deep)))")
                .run("(drop (call $deep)) (call $null)")
                .build()
        })
        .held_by("stack", &[Stopped(Stack, ""), Stopped(Trap, "")]),
    ]
}
