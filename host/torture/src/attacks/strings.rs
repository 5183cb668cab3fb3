//! Giant strings to every import, giant outputs, strings that lie about where they are, texts
//! that are no UTF-8, and JSON that is deep, broken or none.

use zapjobs_model::StopReason::{Contract, HostcallBytes, OutputTooLarge, Trap};

use crate::attack::Attack;
use crate::attack::Ending::{Completed, Failed, Stopped};
use crate::component::Component;
use crate::component::imports::{FILES, LOG, PROGRESS, SOCKETS, STDOUT};

/// Pages of memory that hold the giants: 80 MiB.
const GIANT_PAGES: u32 = 1_280;
/// Where the giant begins.
const GIANT_AT: u32 = 65_536;
/// Bytes of a giant: more than any host may be set to take in one call.
const GIANT_BYTES: u32 = 70 << 20;

pub(super) fn attacks() -> Vec<Attack> {
    [giants(), outputs(), liars(), no_text(), json(), failures()].into_iter().flatten().collect()
}

/// A component that makes one call with a giant in it, and memory for the giant that it only
/// takes once it runs.
fn giant(import: &'static crate::component::imports::Import, call: &str) -> Vec<u8> {
    let call = call
        .replace("GIANT", &format!("(i32.const {GIANT_AT}) (i32.const {GIANT_BYTES})"))
        .replace("SOME", "(i32.const 96) (i32.const 4)");
    Component::new()
        .import(import)
        .run(format!("(drop (memory.grow (i32.const {GIANT_PAGES}))) {call} (call $null)"))
        .build()
}

fn giants() -> Vec<Attack> {
    let calls: [(&str, &'static crate::component::imports::Import, &str); 9] = [
        ("log-message", &LOG, "(call $log (i32.const 2) SOME GIANT (i32.const 0) (i32.const 0))"),
        ("log-category", &LOG, "(call $log (i32.const 2) GIANT SOME (i32.const 0) (i32.const 0))"),
        (
            "log-field-name",
            &LOG,
            "(i32.store (i32.const 2048) (i32.const 65536))
             (i32.store (i32.const 2052) (i32.const 73400320))
             (call $log (i32.const 2) SOME SOME (i32.const 2048) (i32.const 1))",
        ),
        (
            "log-field-value",
            &LOG,
            "(i32.store (i32.const 2056) (i32.const 65536))
             (i32.store (i32.const 2060) (i32.const 73400320))
             (call $log (i32.const 2) SOME SOME (i32.const 2048) (i32.const 1))",
        ),
        (
            "log-fields",
            &LOG,
            "(call $log (i32.const 2) SOME SOME (i32.const 65536) (i32.const 4500000))",
        ),
        (
            "progress-message",
            &PROGRESS,
            "(call $report (i64.const 1) (i32.const 0) (i64.const 0) GIANT)",
        ),
        ("stdout", &STDOUT, "(call $write (call $stdout) GIANT (i32.const 128))"),
        ("host-name", &SOCKETS, "(call $resolve (call $network) GIANT (i32.const 128))"),
        (
            "path",
            &FILES,
            "(call $directories (i32.const 128))
             (call $open (i32.load (i32.load (i32.const 128))) (i32.const 0) GIANT (i32.const 0)
               (i32.const 1) (i32.const 128))",
        ),
    ];
    calls
        .into_iter()
        .map(|(what, import, call)| {
            Attack::new(
                format!("giant-{what}"),
                format!("passes 70 MiB to the host as {what}"),
                move |_| giant(import, call),
            )
            .granted(zapjobs_model::Access::ReadOnly)
            .held_by("hostcall_bytes_max", &[Stopped(HostcallBytes, "hostcall_bytes_max")])
        })
        .collect()
}

/// A component that answers this many bytes from this address on.
fn answers(at: i64, bytes: i64, pages: u32) -> Vec<u8> {
    Component::new()
        .run(format!(
            "(drop (memory.grow (i32.const {pages})))
             (call $answer (i32.const {at}) (i32.const {bytes}))"
        ))
        .build()
}

fn outputs() -> Vec<Attack> {
    let limit = &[("output_bytes_max", 10_000)];
    vec![
        Attack::new("giant-output", "answers 70 MiB", |_| {
            answers(i64::from(GIANT_AT), i64::from(GIANT_BYTES), GIANT_PAGES)
        })
        .limited(limit)
        .held_by("output_bytes_max", &[Stopped(OutputTooLarge, "output_bytes_max")]),
        Attack::new("output-beyond-its-limit", "answers one byte too many", |_| {
            Component::new()
                .run(
                    "(memory.fill (i32.const 65536) (i32.const 49) (i32.const 10001))
                     (call $answer (i32.const 65536) (i32.const 10001))",
                )
                .memory_pages_more(1)
                .build()
        })
        .limited(limit)
        .held_by("output_bytes_max", &[Stopped(OutputTooLarge, "10001 bytes")]),
    ]
}

/// Answers and arguments that are not where they are said to be.
fn liars() -> Vec<Attack> {
    let border = "checks at the border";
    let wrong = &[Stopped(Contract, ""), Stopped(Trap, "")];
    vec![
        Attack::new("output-out-of-bounds", "answers bytes beyond its memory", |_| {
            answers(65_536, 1 << 20, 0)
        })
        .held_by(border, &[Stopped(Contract, "malformed"), Stopped(OutputTooLarge, "")]),
        Attack::new("output-of-negative-length", "answers 4 GiB minus one byte", |_| {
            answers(65_536, -1, 0)
        })
        .held_by(border, &[Stopped(Contract, "malformed"), Stopped(OutputTooLarge, "")]),
        Attack::new(
            "output-that-wraps-around",
            "answers bytes whose end is before their start",
            |_| answers(-8, 16, 0),
        )
        .held_by(border, &[Stopped(Contract, "malformed")]),
        Attack::new("answer-nowhere", "leaves its answer beyond its memory", |_| {
            Component::new().run("(i32.const -16)").build()
        })
        .held_by(border, wrong),
        Attack::new("answer-misaligned", "leaves its answer at an odd address", |_| {
            Component::new().run("(i32.const 2049)").build()
        })
        .held_by(border, wrong),
        Attack::new("answer-of-no-case", "answers a case that there is not", |_| {
            Component::new()
                .run("(i32.store8 (i32.const 2048) (i32.const 77)) (i32.const 2048)")
                .build()
        })
        .held_by(border, wrong),
        Attack::new("level-of-no-case", "logs with a level that there is not", |_| {
            Component::new()
                .import(&LOG)
                .run(
                    "(call $log (i32.const 99) (i32.const 96) (i32.const 4) (i32.const 96)
                       (i32.const 4) (i32.const 0) (i32.const 0)) (call $null)",
                )
                .build()
        })
        .held_by(border, &[Stopped(Trap, "")]),
        Attack::new("message-out-of-bounds", "logs a message beyond its memory", |_| {
            Component::new()
                .import(&LOG)
                .run(
                    "(call $log (i32.const 2) (i32.const 96) (i32.const 4) (i32.const -8)
                       (i32.const 16) (i32.const 0) (i32.const 0)) (call $null)",
                )
                .build()
        })
        .held_by(border, &[Stopped(Trap, "")]),
        Attack::new("fields-misaligned", "logs fields at an odd address", |_| {
            Component::new()
                .import(&LOG)
                .run(
                    "(call $log (i32.const 2) (i32.const 96) (i32.const 4) (i32.const 96)
                       (i32.const 4) (i32.const 2049) (i32.const 3)) (call $null)",
                )
                .build()
        })
        .held_by(border, &[Stopped(Trap, "")]),
    ]
}

/// Bytes that are no UTF-8, each of another kind.
const NO_TEXT: &[(&str, &[u8])] = &[
    ("stray-byte", b"\"\xff\""),
    ("overlong", b"\"\xc0\x80\""),
    ("surrogate", b"\"\xed\xa0\x80\""),
    ("cut-off", b"\"\xf0\x9f\x92"),
    ("beyond-unicode", b"\"\xf4\x90\x80\x80\""),
];

fn no_text() -> Vec<Attack> {
    let outputs = NO_TEXT.iter().map(|(kind, bytes)| {
        Attack::new(
            format!("output-no-utf8-{kind}"),
            format!("answers text that is no UTF-8: {kind}"),
            move |_| {
                let length = bytes.len();
                let run = format!("(call $answer (i32.const 1024) (i32.const {length}))");
                Component::new().data(bytes).run(run).build()
            },
        )
        .held_by("UTF-8", &[Stopped(Contract, "malformed")])
    });
    let bad = "(i32.const 1024) (i32.const 3)";
    let good = "(i32.const 96) (i32.const 4)";
    let none = "(i32.const 0) (i32.const 0)";
    let calls = [
        ("log-message", format!("(call $log (i32.const 2) {good} {bad} {none})")),
        ("log-category", format!("(call $log (i32.const 2) {bad} {good} {none})")),
        (
            "log-field",
            format!(
                "(i32.store (i32.const 2048) (i32.const 1024))
                 (i32.store (i32.const 2052) (i32.const 3))
                 (call $log (i32.const 2) {good} {good} (i32.const 2048) (i32.const 1))"
            ),
        ),
        ("progress", format!("(call $report (i64.const 1) (i32.const 0) (i64.const 0) {bad})")),
    ];
    let calls = calls.into_iter().map(|(what, call)| {
        Attack::new(
            format!("no-utf8-{what}"),
            format!("says something that is no UTF-8: {what}"),
            move |_| {
                let component = Component::new().import(&LOG).import(&PROGRESS).data(b"\"\xff\"");
                component.run(format!("{call} (call $null)")).build()
            },
        )
        .held_by("UTF-8", &[Stopped(Trap, "")])
    });
    outputs.chain(calls).collect()
}

fn json() -> Vec<Attack> {
    let no_json = &[Stopped(Contract, "the output is no JSON")];
    let outputs: [(&str, &str, &'static [u8]); 5] = [
        ("broken-json", "answers half a document", b"{\"a\":[1,2,"),
        ("empty-output", "answers nothing", b""),
        ("two-documents", "answers two documents", b"null null"),
        ("json-with-a-tail", "answers a document and a control character", b"1\x00"),
        ("json-with-a-comment", "answers a document with a comment", b"/* */ 1"),
    ];
    let outputs = outputs.into_iter().map(|(name, tries, bytes)| {
        Attack::new(name, tries, move |_| {
            let length = bytes.len();
            let run = format!("(call $answer (i32.const 1024) (i32.const {length}))");
            Component::new().data(bytes).run(run).build()
        })
        .held_by("JSON", no_json)
    });
    let deep = |name: &str, tries: &str, closed: bool| {
        Attack::new(name, tries, move |_| {
            let close = if closed { "(i32.const 93)" } else { "(i32.const 91)" };
            Component::new()
                .memory_pages_more(16)
                .run(format!(
                    "(memory.fill (i32.const 65536) (i32.const 91) (i32.const 500000))
                     (memory.fill (i32.const 565536) {close} (i32.const 500000))
                     (call $answer (i32.const 65536) (i32.const 1000000))"
                ))
                .build()
        })
    };
    // Output is kept as text and never walked, so that its depth harms nobody.
    let deep = [
        deep("deep-json", "answers half a million lists in one another", true)
            .held_by("JSON", &[Completed, Stopped(Contract, "the output is no JSON")]),
        deep("deep-json-left-open", "answers a million lists that never end", false)
            .held_by("JSON", no_json),
        Attack::new("deep-json-in-a-log-field", "logs a field of ten thousand lists", |_| {
            Component::new()
                .import(&LOG)
                .run(
                    "(memory.fill (i32.const 4096) (i32.const 91) (i32.const 6000))
                     (memory.fill (i32.const 10096) (i32.const 93) (i32.const 6000))
                     (i32.store (i32.const 2048) (i32.const 96))
                     (i32.store (i32.const 2052) (i32.const 4))
                     (i32.store (i32.const 2056) (i32.const 4096))
                     (i32.store (i32.const 2060) (i32.const 12000))
                     (call $log (i32.const 2) (i32.const 96) (i32.const 4) (i32.const 96)
                       (i32.const 4) (i32.const 2048) (i32.const 1)) (call $null)",
                )
                .build()
        })
        .held_by("JSON", &[Completed]),
    ];
    outputs.chain(deep).collect()
}

/// A component that fails: its answer has a kind, and texts of these many bytes.
fn fails(kind: u32, error_type: u32, message: u32, details: u32) -> Vec<u8> {
    Component::new()
        .memory_pages_more(32)
        .run(format!(
            "(memory.fill (i32.const 65536) (i32.const 27) (i32.const 2000000))
             (i32.store8 (i32.const 2048) (i32.const 1))
             (i32.store8 (i32.const 2056) (i32.const {kind}))
             (i64.store (i32.const 2064) (i64.const -1))
             (i64.store (i32.const 2072) (i64.const -1))
             (i32.store (i32.const 2080) (i32.const 65536))
             (i32.store (i32.const 2084) (i32.const {error_type}))
             (i32.store (i32.const 2088) (i32.const 65536))
             (i32.store (i32.const 2092) (i32.const {message}))
             (i32.store8 (i32.const 2096) (i32.const 1))
             (i32.store (i32.const 2100) (i32.const 65536))
             (i32.store (i32.const 2104) (i32.const {details}))
             (i32.const 2048)"
        ))
        .build()
}

fn failures() -> Vec<Attack> {
    /// The case `permanent`.
    const PERMANENT: u32 = 1;
    vec![
        Attack::new(
            "failure-with-giant-texts",
            "fails with a megabyte of control characters",
            |_| fails(PERMANENT, 500_000, 500_000, 10),
        )
        .held_by("bytes of an error", &[Failed]),
        Attack::new("failure-with-giant-details", "fails with a megabyte of details", |_| {
            fails(PERMANENT, 10, 10, 1_000_000)
        })
        .held_by("bytes of an error", &[Failed]),
        Attack::new("failure-of-no-kind", "fails in a way that there is not", |_| {
            fails(9, 10, 10, 10)
        })
        .held_by("checks at the border", &[Stopped(Contract, "malformed"), Stopped(Trap, "")]),
    ]
}
