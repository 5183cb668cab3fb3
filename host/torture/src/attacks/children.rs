//! Floods of runs: children without end, one by one and in batches, with giant inputs, and
//! storms of looks at them.

use zapjobs_model::StopReason::{CpuTime, HostcallBytes, WallTime};

use crate::attack::Attack;
use crate::attack::Ending::{Answered, Refused, Stopped};
use crate::component::Component;
use crate::component::imports::CHILDREN;
use crate::scene::Evidence;

/// How many children are allowed.
const ALLOWED: (&str, u64) = ("children_max", 100);
/// Where the requests of a batch are, behind all else.
const REQUESTS: u32 = 1 << 16;

pub(super) fn attacks() -> Vec<Attack> {
    vec![bomb(), batch(), giants(), looks(), ungranted()]
}

/// The job `a` with the input 1, where the attack's own bytes are.
fn component() -> Component {
    Component::new().import(&CHILDREN).data("a1").memory_pages_more(8)
}

fn bomb() -> Attack {
    Attack::new("enqueue-bomb", "enqueues children for ever", |_| {
        component()
            .run(
                "(loop $on (call $reset)
                   (call $enqueue (i32.const 1024) (i32.const 1) (i32.const 1025) (i32.const 1)
                     (i32.const 0) (i32.const 0) (i32.const 128))
                   (br_if $on (i32.eqz (i32.load8_u (i32.const 128)))))
                 ;; Whether it was told that the limit is reached.
                 (call $bool (i32.eq (i32.load8_u (i32.const 132)) (i32.const 5)))",
            )
            .build()
    })
    .enqueuing()
    .limited(&[ALLOWED])
    .copies(4)
    .held_by("children_max", &[Answered("true")])
    .checked(|evidence| born(evidence, 4 * ALLOWED.1))
}

fn batch() -> Attack {
    Attack::new("enqueue-batch-bomb", "enqueues ten thousand children at once", |_| {
        component()
            .code(filled("(i32.const 1025) (i32.const 1)"))
            .run(format!(
                "(call $fill (i32.const 10000))
                 (call $enqueue-all (i32.const {REQUESTS}) (i32.const 10000) (i32.const 128))
                 (call $bool (i32.and (i32.eq (i32.load8_u (i32.const 128)) (i32.const 1))
                   (i32.eq (i32.load8_u (i32.const 132)) (i32.const 5))))"
            ))
            .build()
    })
    .enqueuing()
    .limited(&[ALLOWED])
    .held_by("children_max", &[Answered("true")])
    .checked(|evidence| born(evidence, 0))
}

fn giants() -> Attack {
    let pages = "(i32.const 65536) (i32.const 524288)";
    Attack::new("enqueue-giants", "enqueues children with half a gigabyte of inputs", move |_| {
        component()
            .code(filled(pages))
            .run(format!(
                "(call $fill (i32.const 1000))
                 (call $enqueue-all (i32.const {REQUESTS}) (i32.const 1000) (i32.const 128))
                 (call $null)"
            ))
            .build()
    })
    .enqueuing()
    .held_by("hostcall_bytes_max", &[Stopped(HostcallBytes, "hostcall_bytes_max")])
    .checked(|evidence| born(evidence, 0))
}

fn looks() -> Attack {
    Attack::new("storm-of-looks-at-children", "looks at a child for ever", |_| {
        component()
            .data("")
            .run(
                "(loop $on (call $reset)
                   (call $child (i32.const 2048) (i32.const 36) (i32.const 128)) (br $on))
                 (unreachable)",
            )
            .code("(data (i32.const 2048) \"00000000-0000-7000-8000-000000000000\")")
            .build()
    })
    .enqueuing()
    .limited(&[("wall_ms_max", 300)])
    .held_by("wall_ms_max", &[Stopped(WallTime, ""), Stopped(CpuTime, "")])
}

fn ungranted() -> Attack {
    Attack::new("enqueue-without-a-grant", "wants to enqueue, and nobody allowed it", |_| {
        component().build()
    })
    .held_by("no grant", &[Refused("does not say which jobs it may enqueue")])
}

/// `$fill`, which makes so many requests for the job `a` with this input.
fn filled(input: &str) -> String {
    let stores: String = "(i32.const 1024) (i32.const 1)"
        .split_inclusive(") ")
        .chain(input.split_inclusive(") "))
        .chain(["(i32.const 0)", "(i32.const 0)"])
        .enumerate()
        .map(|(word, value)| format!("(i32.store offset={} (local.get $at) {value})", 4 * word))
        .collect();
    format!(
        "(func $fill (param $count i32) (local $at i32)
           (local.set $at (i32.const {REQUESTS}))
           (loop $next {stores}
             (local.set $at (i32.add (local.get $at) (i32.const 24)))
             (local.set $count (i32.sub (local.get $count) (i32.const 1)))
             (br_if $next (local.get $count))))"
    )
}

/// Whether so many children were born.
fn born(evidence: &Evidence<'_>, expected: u64) -> Result<(), String> {
    match evidence.children {
        count if count == expected => Ok(()),
        count => Err(format!("it enqueued {count} children, and {expected} are allowed")),
    }
}
