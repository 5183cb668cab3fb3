//! Files that are no components, or change while they load; contracts that are not the host's;
//! components that are large or take long to compile.

use std::fs;
use std::time::Duration;

use crate::attack::Attack;
use crate::attack::Ending::{Answered, Refused};
use crate::component::Component;
use crate::component::imports::LOG;
use crate::place::Place;
use crate::splice::leb128;

/// How long a component may take to compile: a busy machine, not a slow sandbox.
const COMPILE_DEADLINE: Duration = Duration::from_secs(120);

pub(super) fn attacks() -> Vec<Attack> {
    [files(), changing(), contracts(), sizes(), slow()].into_iter().flatten().collect()
}

fn files() -> Vec<Attack> {
    let file = |name: &str, tries: &str, bytes: fn() -> Vec<u8>, words: &'static str| {
        Attack::new(name, tries, move |_: &Place| bytes()).held_by("validation", &[Refused(words)])
    };
    vec![
        file("empty-file", "gives no bytes", Vec::new, "empty"),
        file("script", "gives a script", || b"#!/bin/sh\nrm -rf /\n".to_vec(), "not a WebAssembly"),
        file("elf", "gives a native program", || b"\x7fELF\x02\x01\x01\0".to_vec(), "not a Web"),
        file("core-module", "gives a core module", || b"\0asm\x01\0\0\0".to_vec(), "core Web"),
        file("text", "gives the text of a component", || b"(component)".to_vec(), "not a Web"),
        file(
            "header-only",
            "gives eight bytes",
            || crate::innocent()[..8].to_vec(),
            "does not export",
        ),
        file(
            "random-tail",
            "ends in noise",
            || [crate::innocent(), vec![0xa5; 999]].concat(),
            "damaged",
        ),
        file(
            "section-that-lies-about-its-length",
            "has a section of four gigabytes",
            || [&crate::innocent()[..8], &[0, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2]].concat(),
            "damaged",
        ),
        file(
            "nesting",
            "nests components a thousand levels deep",
            || {
                let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
                for _ in 0..1_000 {
                    let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
                    outer.extend(leb128(bytes.len()));
                    outer.extend(bytes);
                    bytes = outer;
                }
                bytes
            },
            "levels of nesting",
        ),
    ]
}

/// A component that answers a number of its own, and is large enough to be torn.
fn version(digit: char) -> Vec<u8> {
    Component::new()
        .data([digit as u8; 12_000])
        .run("(call $answer (i32.const 1024) (i32.const 1))")
        .build()
}

/// Files that are read while they are written. A host reads a file once, as a whole: whatever
/// it gets has to be refused, or be one component or the other.
fn changing() -> Vec<Attack> {
    let torn = |name: &str, tries: &str, tear: fn(Vec<u8>, Vec<u8>) -> Vec<u8>| {
        Attack::new(name, tries, move |_| tear(version('1'), version('2')))
            .held_by("validation", &[Refused("damaged"), Answered("1"), Answered("2")])
    };
    vec![
        torn("file-half-written", "is read when half of it is there", |one, _| {
            one[..one.len() / 2].to_vec()
        }),
        torn("file-with-a-hole", "is read when its end is not yet written", |mut one, _| {
            let half = one.len() / 2;
            one[half..].fill(0);
            one
        }),
        torn(
            "file-of-two-versions",
            "is read when half of it is another version",
            |one, mut two| {
                let half = one.len() / 3;
                two[..half].copy_from_slice(&one[..half]);
                two[half - 40..half].fill(0xff);
                two
            },
        ),
        torn("file-appended-to", "is read when another version is being appended", |one, two| {
            [&one[..], &two[..two.len() / 2]].concat()
        }),
        Attack::new("file-that-changes-meanwhile", "is rewritten while it is read", |place| {
            let path = place.granted().join("changing.wasm");
            let (one, two) = (version('1'), version('2'));
            let _ = fs::write(&path, &one);
            std::thread::scope(|scope| {
                let writer = scope.spawn(|| {
                    (0..50)
                        .for_each(|n| drop(fs::write(&path, if n % 2 == 0 { &two } else { &one })));
                });
                let mut read = Vec::new();
                while !writer.is_finished() {
                    read = fs::read(&path).unwrap_or_default();
                }
                read
            })
        })
        .held_by(
            "validation",
            &[Refused("damaged"), Refused("empty"), Answered("1"), Answered("2")],
        ),
    ]
}

fn contracts() -> Vec<Attack> {
    let http = r#"(import "wasi:http/outgoing-handler@0.2.3" (instance
        (export "handle" (func (param "n" u32)))))"#;
    let with = |imports: &str| Component::new().outer(imports).build();
    vec![
        Attack::new("no-exports", "offers nothing", |_| {
            wat::parse_str("(component)").unwrap_or_default()
        })
        .held_by("contract", &[Refused("does not export")]),
        // Held where it is loaded, or where it is called: both are no way out.
        Attack::new("requests-without-a-grant", "wants to send requests", move |_| with(http))
            .held_by("no network", &[Refused(""), Answered("null")]),
        Attack::new("unknown-import-of-ours", "wants what no host has", move |_| {
            with(r#"(import "zapjobs:job/secrets@0.1.0" (instance))"#)
        })
        .held_by("contract", &[Refused("does not know")]),
        Attack::new(
            "import-of-another-type",
            "wants a known function of another type",
            move |_| {
                with(
                    r#"(import "zapjobs:job/cancellation@0.1.0"
                     (instance (export "is-requested" (func (param "x" string) (result u64)))))"#,
                )
            },
        )
        .held_by("contract", &[Refused("does not fit")]),
        Attack::new("import-that-steers-terminals", "wants a function with a hostile name", |_| {
            let mut bytes = Component::new().outer(r#"(import "aaaa" (func))"#).build();
            if let Some(at) = bytes.windows(4).position(|four| four == b"aaaa") {
                bytes[at..at + 4].copy_from_slice(b"a\x1b[m");
            }
            bytes
        })
        .held_by("validation", &[Refused("")]),
        Attack::new("describe-that-is-a-run", "exports functions of other types", |_| {
            wat::parse_str(
                r#"(component (core module $f (func (export "f"))) (core instance $i
                     (instantiate $f)) (func $f (canon lift (core func $i "f")))
                     (instance $jobs (export "describe" (func $f)) (export "run" (func $f)))
                     (export "zapjobs:job/jobs@0.1.0" (instance $jobs)))"#,
            )
            .unwrap_or_default()
        })
        .held_by("contract", &[Refused("another type of")]),
        Attack::new("threads", "wants memory that threads share", |_| {
            Component::new()
                .outer("(core module $m (memory 1 1 shared)) (core instance (instantiate $m))")
                .build()
        })
        .held_by("features", &[Refused("")]),
        Attack::new("memory-of-64-bits", "wants a memory of more than 4 GiB", |_| {
            Component::new()
                .outer("(core module $m (memory i64 1)) (core instance (instantiate $m))")
                .build()
        })
        .held_by("features", &[Refused("")]),
        Attack::new("garbage-collection", "wants objects that the host collects", |_| {
            Component::new()
                .outer(
                    "(core module $m (type $s (struct (field i64)))
                       (func (drop (struct.new_default $s)))) (core instance (instantiate $m))",
                )
                .build()
        })
        .held_by("features", &[Refused("")]),
        Attack::new("exceptions", "throws exceptions", |_| {
            Component::new()
                .outer(
                    "(core module $m (tag $t) (func (throw $t))) (core instance (instantiate $m))",
                )
                .build()
        })
        .held_by("features", &[Refused("")]),
    ]
}

/// A component with a section of this many bytes that means nothing.
fn padded(bytes: usize) -> Vec<u8> {
    let mut component = crate::innocent();
    component.push(0);
    component.extend(leb128(bytes + 4));
    component.extend(b"\x03pad");
    component.resize(component.len() + bytes, 0);
    component
}

/// An innocent component with one more core module, of functions with these instructions.
fn with_functions(count: usize, instructions: &[u8]) -> Vec<u8> {
    let section = |id: u8, bytes: &[u8]| [&[id][..], &leb128(bytes.len()), bytes].concat();
    let body = [b"\0", instructions, b"\x0b"].concat();
    let body = [leb128(body.len()), body].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, b"\x01\x60\0\0"),
        section(3, &[leb128(count), vec![0; count]].concat()),
        section(10, &[leb128(count), body.repeat(count)].concat()),
    ];
    [crate::innocent(), section(1, &module.concat())].concat()
}

fn sizes() -> Vec<Attack> {
    vec![
        Attack::new("component-of-100-mb", "is a file of 100 MB", |_| padded(100_000_000))
            .takes_itself(2 * 100_000)
            .held_by("component_bytes_max", &[Refused("more than the")]),
        Attack::new("function-of-eight-megabytes", "has one function of eight megabytes", |_| {
            with_functions(1, &b"\x41\x01\x1a".repeat(2_700_000))
        })
        .within(COMPILE_DEADLINE)
        .held_by("bytes of one function", &[Refused("bytes in one function")]),
        Attack::new("three-hundred-thousand-functions", "has 300,000 functions", |_| {
            with_functions(300_000, b"\x01")
        })
        .held_by("functions of one component", &[Refused("functions")]),
        Attack::new("sixty-thousand-locals", "has a function of sixty thousand locals", |_| {
            let locals = "(local i64)".repeat(60_000);
            Component::new().outer(format!("(core module (func {locals}))")).build()
        })
        .held_by("locals of one function", &[Refused("")]),
        Attack::new("giant-names", "imports by a name of fifty kilobytes", |_| {
            let name = "a".repeat(50_000);
            Component::new().outer(format!("(import \"{name}\" (func))")).build()
        })
        .held_by("bytes of one name", &[Refused("bytes in one name")]),
        Attack::new("thousands-of-imports", "imports ten thousand functions", |_| {
            let imports: String =
                (0..10_000).map(|n| format!("(import \"f{n}\" (func))")).collect();
            Component::new().outer(imports).build()
        })
        .within(COMPILE_DEADLINE)
        .held_by("a call of what is not there ends the run", &[Answered("null"), Refused("")]),
    ]
}

fn slow() -> Vec<Attack> {
    // Taken or not: what counts is that it ends, and that the neighbour does not notice.
    let either = &[Answered("null"), Refused("")];
    let slow = |name: &str, tries: &str, make: fn() -> String| {
        Attack::new(name, tries, move |_| Component::new().import(&LOG).code(make()).build())
            .within(COMPILE_DEADLINE)
            .held_by("compiling", either)
    };
    vec![
        slow("slow-to-compile-blocks", "nests blocks with branches to all of them", || {
            let depth = 900;
            let labels: String = (0..depth).map(|n| format!("{n} ")).collect();
            let table = format!("(br_table {labels} (local.get 0))");
            let body = format!("{}{table}{}", "(block ".repeat(depth), ")".repeat(depth));
            format!("(func (param i32) {})", body.repeat(8))
        }),
        slow("slow-to-compile-values", "keeps thousands of values alive at a time", || {
            let count = 3_000;
            let locals = "(local i64)".repeat(count);
            let set: String = (1..=count)
                .map(|n| format!("(local.set {n} (i64.mul (local.get {n}) (local.get 0)))"))
                .collect();
            let sum: String = (1..=count).map(|n| format!("(local.get {n}) (i64.xor) ")).collect();
            format!("(func (param i64) (result i64) {locals} (loop {set}) (i64.const 0) {sum})")
        }),
        slow("slow-to-compile-functions", "has six thousand functions", || {
            let function = "(func (param i64) (result i64) (i64.div_s (i64.mul (local.get 0)
                (local.get 0)) (i64.const 3)))";
            function.repeat(6_000)
        }),
    ]
}
