//! Makes whole job components of a few lines of WebAssembly text.
//!
//! **Invariant:** whatever is not said is innocent: a component that is built without a word
//! describes one job and answers `null`. So an attack is what its lines say, and nothing else.
//!
//! A component has two core modules: `libc` with the memory and its allocator, and `code` with
//! `describe`, `run` and whatever an attack adds. The memory is laid out as the constants below
//! say; an attack has the bytes from [`DATA`] to [`DESCRIPTION`] for itself, and those from 128
//! on for what host functions leave there.

pub(crate) mod description;
pub(crate) mod http;
pub(crate) mod imports;

use std::fmt::Write as _;

use description::Job;
use imports::Import;

/// Where `run` leaves its answer.
const ANSWER: u32 = 16;
/// Where the words `null`, `true` and `false` are.
const WORDS: u32 = 96;
/// Where an attack's own bytes begin.
const DATA: u32 = 1 << 10;
/// Where the description of the jobs begins; the heap follows it.
const DESCRIPTION: u32 = 16 << 10;
/// Bytes of one page of memory.
const PAGE_BYTES: u32 = 64 << 10;

/// A component in the making.
#[derive(Default)]
pub(crate) struct Component {
    imports: Vec<&'static Import>,
    outer: String,
    allocator: Option<String>,
    hooked: bool,
    memory_pages_more: u32,
    code: String,
    describe: Option<String>,
    jobs: Option<Vec<Job>>,
    run: Option<String>,
    run_options: &'static str,
}

impl Component {
    /// An innocent one.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Imports an interface, and those that it needs.
    pub(crate) fn import(mut self, import: &'static Import) -> Self {
        for needed in import.needs.iter().chain([&import]) {
            if !self.imports.iter().any(|known| known.text == needed.text) {
                self.imports.push(needed);
            }
        }
        self
    }

    /// The body of `run`, which answers an `i32`: where its result is.
    pub(crate) fn run(mut self, body: impl Into<String>) -> Self {
        self.run = Some(body.into());
        self
    }

    /// The body of `describe`, which answers an `i32`: where the list is.
    pub(crate) fn describe(mut self, body: impl Into<String>) -> Self {
        self.describe = Some(body.into());
        self
    }

    /// The jobs that it describes.
    pub(crate) fn jobs(mut self, jobs: impl Into<Vec<Job>>) -> Self {
        self.jobs = Some(jobs.into());
        self
    }

    /// More fields of the core module: functions, tables, data.
    pub(crate) fn code(mut self, fields: impl AsRef<str>) -> Self {
        self.code.push_str(fields.as_ref());
        self
    }

    /// Bytes at [`DATA`].
    pub(crate) fn data(self, bytes: impl AsRef<[u8]>) -> Self {
        let field = format!("(data (i32.const {DATA}) \"{}\")", escaped(bytes.as_ref()));
        self.code(field)
    }

    /// Fields of the component, before anything else.
    pub(crate) fn outer(mut self, fields: impl AsRef<str>) -> Self {
        self.outer.push_str(fields.as_ref());
        self
    }

    /// The body of `realloc`: old pointer, old size, alignment and size in, a pointer out.
    pub(crate) fn allocator(mut self, body: impl Into<String>) -> Self {
        self.allocator = Some(body.into());
        self
    }

    /// Lets the allocator call what the code puts into the table `$hooks`.
    pub(crate) fn hooked(mut self) -> Self {
        self.hooked = true;
        self
    }

    /// Pages of memory beyond those that the component needs.
    pub(crate) fn memory_pages_more(mut self, pages: u32) -> Self {
        self.memory_pages_more = pages;
        self
    }

    /// Further options of the canonical `run`.
    pub(crate) fn run_options(mut self, options: &'static str) -> Self {
        self.run_options = options;
        self
    }

    /// The bytes of the component.
    pub(crate) fn build(&self) -> Vec<u8> {
        let text = self.text();
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"))
    }

    fn text(&self) -> String {
        let one = [Job::default()];
        let list = description::encode(self.jobs.as_deref().unwrap_or(&one), DESCRIPTION);
        let heap = (DESCRIPTION + list.bytes.len() as u32).next_multiple_of(16);
        let pages = heap.div_ceil(PAGE_BYTES) + 1 + self.memory_pages_more;
        let mut text = format!("(component\n{}\n", self.outer);
        for import in &self.imports {
            text.push_str(import.text);
            text.push('\n');
        }
        let _ = writeln!(text, "{}", self.libc(heap, pages, &list.bytes));
        text.push_str(&self.lowered());
        let _ = writeln!(text, "{}", self.core(list.at));
        text.push_str(&instantiated(&self.imports));
        let _ = write!(text, "{CONTRACT}{}", lifted(self.run_options));
        text.push(')');
        text
    }

    fn libc(&self, heap: u32, pages: u32, description: &[u8]) -> String {
        let allocator = self.allocator.as_deref().unwrap_or(ALLOCATOR);
        let hooks = match self.hooked {
            true => "(type $hook (func)) (table $hooks (export \"hooks\") 1 funcref)",
            false => "",
        };
        format!(
            r#"(core module $libc-module
  {hooks}
  (memory (export "memory") {pages})
  (global $top (mut i32) (i32.const {heap}))
  (func (export "reset") (global.set $top (i32.const {heap})))
  (func $realloc (export "realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    {allocator})
  (data (i32.const {WORDS}) "nulltruefalse")
  (data (i32.const {DESCRIPTION}) "{}"))
(core instance $libc (instantiate $libc-module))
(alias core export $libc "memory" (core memory $memory))
(alias core export $libc "realloc" (core func $room))"#,
            escaped(description)
        )
    }

    /// The imported functions as core functions.
    fn lowered(&self) -> String {
        let mut text = String::new();
        for function in self.imports.iter().flat_map(|import| import.functions) {
            let _ = match function.target {
                imports::Target::Function(instance, name) => writeln!(
                    text,
                    "(core func ${name_here} (canon lower (func {instance} \"{name}\") (memory \
                     $memory) (realloc $room)))",
                    name_here = function.name
                ),
                imports::Target::Drop(resource) => writeln!(
                    text,
                    "(core func ${} (canon resource.drop {resource}))",
                    function.name
                ),
            };
        }
        text
    }

    fn core(&self, list: u32) -> String {
        let mut imported = String::new();
        for function in self.imports.iter().flat_map(|import| import.functions) {
            let (name, signature) = (function.name, function.signature);
            let _ = writeln!(imported, "  (import \"host\" \"{name}\" (func ${name} {signature}))");
        }
        if self.hooked {
            imported.push_str("  (import \"libc\" \"hooks\" (table $hooks 1 funcref))\n");
        }
        let describe = self.describe.clone().unwrap_or_else(|| format!("(i32.const {list})"));
        let run = self.run.as_deref().unwrap_or("(call $null)");
        format!(
            r#"(core module $code-module
  (import "libc" "memory" (memory 1))
  (import "libc" "reset" (func $reset))
  (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
{imported}
  ;; Answers an output.
  (func $answer (param $at i32) (param $bytes i32) (result i32)
    (i32.store (i32.const {ANSWER}) (i32.const 0))
    (i32.store (i32.const {ok_at}) (local.get $at))
    (i32.store (i32.const {ok_len}) (local.get $bytes))
    (i32.const {ANSWER}))
  (func $null (result i32) (call $answer (i32.const {WORDS}) (i32.const 4)))
  (func $bool (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (call $answer (i32.const {true_at}) (i32.const 4)))
      (else (call $answer (i32.const {false_at}) (i32.const 5)))))
{code}
  (func (export "describe") (result i32) {describe})
  (func (export "run") (param $job i32) (param $job-bytes i32) (param $input i32)
    (param $input-bytes i32) (result i32) {run}))"#,
            ok_at = ANSWER + 8,
            ok_len = ANSWER + 12,
            true_at = WORDS + 4,
            false_at = WORDS + 8,
            code = self.code,
        )
    }
}

/// Takes the next bytes of the heap, and grows it where they are not enough.
const ALLOCATOR: &str = r#"(local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $top) (i32.shl (memory.size) (i32.const 16))))
      (br_if $fits (i32.ne (i32.const -1)
        (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))))
      (unreachable))
    (local.get $at)"#;

/// The types of `zapjobs:job/jobs`.
const CONTRACT: &str = r#"
  (type $retry' (record (field "max-attempts" u32) (field "base" u64) (field "cap" u64)
    (field "jitter-percent" u8)))
  (export $retry "retry-policy" (type $retry'))
  (type $cron' (record (field "expression" string) (field "time-zone" string)))
  (export $cron "cron" (type $cron'))
  (type $schedule' (variant (case "manual") (case "interval" u64) (case "cron" $cron)))
  (export $schedule "schedule" (type $schedule'))
  (type $job' (record (field "id" string) (field "display-name" string)
    (field "description" string) (field "queue" (option string)) (field "retry" (option $retry))
    (field "timeout" (option u64)) (field "schedule" $schedule)
    (field "default-input" (option string)) (field "tags" (list string))
    (field "input-schema" (option string)) (field "output-schema" (option string))))
  (export $job "job-description" (type $job'))
  (type $kind' (variant (case "retry" (option u64)) (case "permanent") (case "snooze" u64)
    (case "cancelled")))
  (export $kind "failure-kind" (type $kind'))
  (type $failure' (record (field "kind" $kind) (field "error-type" string)
    (field "message" string) (field "details" (option string))))
  (export $failure "failure" (type $failure'))
"#;

/// Instantiates the code with what it imports.
fn instantiated(imports: &[&'static Import]) -> String {
    let mut exports = String::new();
    for function in imports.iter().flat_map(|import| import.functions) {
        let _ = write!(exports, "\n    (export \"{0}\" (func ${0}))", function.name);
    }
    format!(
        "(core instance $host{exports})\n(core instance $code (instantiate $code-module (with \
         \"libc\" (instance $libc)) (with \"host\" (instance $host))))\n"
    )
}

/// The exported jobs.
fn lifted(run_options: &str) -> String {
    format!(
        r#"
  (func $describe (result (list $job))
    (canon lift (core func $code "describe") (memory $memory)))
  (func $run (param "job" string) (param "input" string)
    (result (result string (error $failure)))
    (canon lift (core func $code "run") (memory $memory)
      (realloc $room) {run_options}))
  (instance $jobs (export "describe" (func $describe)) (export "run" (func $run)))
  (export "zapjobs:job/jobs@0.1.0" (instance $jobs))"#
    )
}

/// Bytes as a string of WebAssembly text.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=31 | 127.. => {
                let _ = write!(text, "\\{byte:02x}");
            }
            _ => text.push(char::from(*byte)),
        }
    }
    text
}
