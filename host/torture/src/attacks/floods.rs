//! Floods: of log lines, of output, of progress, of whatever the host keeps for a run.

use zapjobs_model::StopReason::CpuTime;

use crate::attack::Attack;
use crate::attack::Ending::{Answered, Stopped};
use crate::component::Component;
use crate::component::imports::{LOG, PROGRESS, STDERR, STDOUT};
use crate::scene::Evidence;

/// What is allowed of the processor, in milliseconds.
const CPU: (&str, u64) = ("cpu_ms_max", 60);
/// How a flood without end ends.
const ENDS: [super::Ending; 1] = [Stopped(CpuTime, "")];

pub(super) fn attacks() -> Vec<Attack> {
    [logs(), streams(), progress()].into_iter().flatten().collect()
}

/// A component that calls this for ever.
fn for_ever(component: Component, body: &str) -> Vec<u8> {
    component.run(format!("(local $n i32) (loop $on {body} (br $on)) (unreachable)")).build()
}

/// Whether some of it was kept and some was dropped: else it was no flood.
fn dropped(evidence: &Evidence<'_>) -> Result<(), String> {
    for report in &evidence.reports {
        let usage = &report.usage;
        if usage.log_lines_dropped == 0 || usage.log_lines == 0 {
            return Err(format!(
                "{} lines were kept and {} dropped",
                usage.log_lines, usage.log_lines_dropped
            ));
        }
    }
    Ok(())
}

/// A line with a message of `$bytes` bytes from 65536 on, and no category.
fn line(bytes: u32) -> String {
    format!(
        "(call $log (i32.const 2) (i32.const 96) (i32.const 0) (i32.const 65536)
           (i32.const {bytes}) (i32.const 0) (i32.const 0))"
    )
}

fn logs() -> Vec<Attack> {
    vec![
        Attack::new("log-flood", "writes log lines for ever", |_| {
            for_ever(Component::new().import(&LOG).memory_pages_more(1), &line(10))
        })
        .limited(&[CPU, ("log_lines_max", 100)])
        .held_by("log_lines_max", &ENDS)
        .checked(dropped),
        Attack::new("log-flood-at-once", "writes log lines as fast as it can", |_| {
            for_ever(Component::new().import(&LOG).memory_pages_more(1), &line(10))
        })
        .limited(&[CPU, ("log_lines_per_second_max", 100), ("log_lines_burst_max", 50)])
        .held_by("log_lines_per_second_max", &ENDS)
        .checked(dropped)
        .checked(|evidence| {
            let seconds = evidence.took.as_secs() + 1;
            match evidence.words.lines {
                lines if lines > 51 + 100 * seconds => Err(format!("{lines} lines came through")),
                _ => Ok(()),
            }
        }),
        Attack::new("log-flood-of-bytes", "writes long log lines for ever", |_| {
            let filled = "(memory.fill (i32.const 65536) (i32.const 97) (i32.const 65536))";
            let component = Component::new().import(&LOG).memory_pages_more(2);
            component
                .run(format!("{filled} (loop $on {} (br $on)) (unreachable)", line(16_000)))
                .build()
        })
        .limited(&[CPU, ("log_bytes_max", 100_000)])
        .held_by("log_bytes_max", &ENDS)
        .checked(dropped),
        Attack::new(
            "log-flood-below-the-level",
            "writes lines that nobody keeps, for ever",
            |_| {
                let trace = line(10).replace("$log (i32.const 2)", "$log (i32.const 0)");
                for_ever(Component::new().import(&LOG).memory_pages_more(1), &trace)
            },
        )
        .limited(&[CPU])
        .held_by("cpu_ms_max", &ENDS),
        Attack::new("log-fields-flood", "writes lines with a thousand fields each", |_| {
            // All fields are the same bytes: null: null.
            for_ever(
                Component::new().import(&LOG).memory_pages_more(1).code(
                    "(func $fields (local $n i32)
                       (loop $next
                         (i64.store (i32.add (i32.const 65536)
                           (i32.shl (local.get $n) (i32.const 3))) (i64.const 0x400000060))
                         (local.set $n (i32.add (local.get $n) (i32.const 1)))
                         (br_if $next (i32.lt_u (local.get $n) (i32.const 2000)))))",
                ),
                "(call $fields)
                 (call $log (i32.const 2) (i32.const 96) (i32.const 4) (i32.const 96)
                   (i32.const 4) (i32.const 65536) (i32.const 1000))",
            )
        })
        .limited(&[CPU, ("log_bytes_max", 100_000)])
        .held_by("log_bytes_max", &ENDS)
        .checked(dropped),
        Attack::new("log-that-drives-terminals", "writes what a terminal would obey", |_| {
            let words = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\r\u{8}\u{0}\u{85}";
            Component::new()
                .import(&LOG)
                .data(words)
                .run(format!(
                    "(call $log (i32.const 4) (i32.const 1024) (i32.const {0}) (i32.const 1024)
                       (i32.const {0}) (i32.const 0) (i32.const 0)) (call $null)",
                    words.len()
                ))
                .build()
        })
        .held_by("escapes of control characters", &[Answered("null")])
        .checked(said_something),
        Attack::new("log-crowd", "floods the log in eight attempts at a time", |_| {
            for_ever(Component::new().import(&LOG).memory_pages_more(1), &line(100))
        })
        .limited(&[CPU, ("log_lines_max", 1_000)])
        .copies(8)
        .held_by("log_lines_max", &ENDS)
        .checked(dropped),
    ]
}

fn said_something(evidence: &Evidence<'_>) -> Result<(), String> {
    match evidence.words.lines {
        0 => Err("it said nothing".to_owned()),
        _ => Ok(()),
    }
}

/// A component that takes a stream and writes these bytes to it for ever.
fn writes(to: &'static str, bytes: u32, fill: u32) -> Vec<u8> {
    let import = if to == "stdout" { &STDOUT } else { &STDERR };
    Component::new()
        .import(import)
        .memory_pages_more(2)
        .run(format!(
            "(local $to i32)
             (memory.fill (i32.const 65536) (i32.const {fill}) (i32.const 65536))
             (local.set $to (call ${to}))
             (loop $on
               (call $write (local.get $to) (i32.const 65536) (i32.const {bytes}) (i32.const 128))
               (br $on)) (unreachable)"
        ))
        .build()
}

fn streams() -> Vec<Attack> {
    /// The letter a.
    const LETTER: u32 = 97;
    /// A line's end.
    const LINE_END: u32 = 10;
    vec![
        Attack::new("stdout-without-a-line-end", "writes one line that never ends", |_| {
            writes("stdout", 60_000, LETTER)
        })
        .limited(&[CPU])
        .held_by("log_line_bytes_max", &ENDS),
        Attack::new("stdout-of-empty-lines", "writes millions of empty lines", |_| {
            writes("stdout", 60_000, LINE_END)
        })
        .limited(&[CPU])
        .held_by("cpu_ms_max", &ENDS),
        Attack::new("stdout-flood", "writes short lines for ever", |_| {
            Component::new()
                .import(&STDOUT)
                .data("out\n".repeat(1_000))
                .run(
                    "(local $to i32) (local.set $to (call $stdout))
                     (loop $on
                       (call $write (local.get $to) (i32.const 1024) (i32.const 4000)
                         (i32.const 128))
                       (br $on)) (unreachable)",
                )
                .build()
        })
        .limited(&[CPU, ("log_lines_max", 100)])
        .held_by("log_lines_max", &ENDS)
        .checked(dropped),
        Attack::new("stderr-flood", "writes to standard error for ever", |_| {
            writes("stderr", 1, LETTER)
        })
        .limited(&[CPU])
        .held_by("log_line_bytes_max", &ENDS),
        Attack::new("stdout-of-no-text", "writes bytes that are no text", |_| {
            writes("stdout", 65_000, 0xff)
        })
        .limited(&[CPU])
        .held_by("log_line_bytes_max", &ENDS),
    ]
}

fn progress() -> Vec<Attack> {
    vec![
        Attack::new("progress-flood", "reports progress for ever", |_| {
            for_ever(
                Component::new().import(&PROGRESS).memory_pages_more(1),
                "(call $report (i64.const -1) (i32.const 1) (i64.const 0) (i32.const 65536)
                   (i32.const 5000))",
            )
        })
        .limited(&[CPU, ("wall_ms_max", 2_000)])
        .held_by("progress_per_second_max", &ENDS)
        .checked(|evidence| paced(evidence, evidence.words.progress)),
        Attack::new("count-flood", "counts items for ever", |_| {
            for_ever(
                Component::new().import(&PROGRESS),
                "(call $count-items (i64.const -1) (i64.const -1) (i64.const -1))",
            )
        })
        .limited(&[CPU, ("wall_ms_max", 2_000)])
        .held_by("progress_per_second_max", &ENDS)
        .checked(|evidence| paced(evidence, evidence.words.counts)),
    ]
}

/// Whether something was told, and no more often than allowed: once at the start, once at the
/// end, and as often as the time it took allows in between.
fn paced(evidence: &Evidence<'_>, told: u64) -> Result<(), String> {
    let seconds = evidence.took.as_secs() + 1;
    let allowed = 2 + evidence.limits.progress_per_second_max.saturating_mul(seconds);
    match told {
        0 => Err("it told nothing".to_owned()),
        told if told > allowed => Err(format!("the host was told {told} times")),
        _ => Ok(()),
    }
}
