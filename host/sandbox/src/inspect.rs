//! Reads a component without running anything of it.
//!
//! **Invariant:** the whole file is validated before anything else looks at it, so that a
//! damaged file is named as such. [`crate::linking`] checks it against this host.

use wasmparser::{Parser, Payload, Validator};
use zapjobs_model::Digest;
use zapjobs_model::port::LoadError;

use crate::host::wasi;
use crate::{structure, text};

/// Bytes of an import's or export's name that are shown.
const NAME_BYTES_MAX: usize = 200;
/// What WebAssembly counts memory in.
const PAGE_BYTES: u64 = 64 << 10;

/// What a component is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Which code it is.
    pub digest: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it wants from its host.
    pub imports: Vec<Import>,
    /// What it offers, by name.
    pub exports: Vec<String>,
    /// How many core modules are in it, those of nested components included.
    pub core_modules: u64,
    /// What the largest of its memories begins with, in bytes.
    pub initial_memory_bytes: u64,
}

/// One thing that a component wants from its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its name, such as `wasi:filesystem/types@0.2.6`.
    pub name: String,
    /// What it is for, and what it takes to get it.
    pub meaning: &'static str,
}

/// Reads a component: validates all of it, and runs nothing.
///
/// The error says what is wrong with the file and what to do: it is empty, no WebAssembly,
/// a core module, truncated, damaged, or larger in some count than is compiled.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
    check_kind(bytes)?;
    structure::check(bytes)?;
    let validated = Validator::new().validate_all(bytes);
    validated.map_err(|error| damaged(&error))?;
    let mut inspection = Inspection {
        digest: Digest::of(bytes),
        bytes: bytes.len() as u64,
        imports: Vec::new(),
        exports: Vec::new(),
        core_modules: 0,
        initial_memory_bytes: 0,
    };
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| damaged(&error))?;
        inspection.read(&payload, &mut depth).map_err(|error| damaged(&error))?;
    }
    Ok(inspection)
}

impl Inspection {
    fn read(&mut self, payload: &Payload<'_>, depth: &mut u32) -> wasmparser::Result<()> {
        match payload {
            Payload::ModuleSection { .. } => {
                self.core_modules += 1;
                *depth += 1;
            }
            Payload::ComponentSection { .. } => *depth += 1,
            Payload::MemorySection(section) => {
                for memory in section.clone() {
                    let bytes = memory?.initial.saturating_mul(PAGE_BYTES);
                    self.initial_memory_bytes = self.initial_memory_bytes.max(bytes);
                }
            }
            Payload::End(_) => *depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if *depth == 0 => {
                for import in section.clone() {
                    let name = import?.name.name;
                    let meaning = meaning(name);
                    self.imports.push(Import { name: text::name(name, NAME_BYTES_MAX), meaning });
                }
            }
            Payload::ComponentExportSection(section) if *depth == 0 => {
                for export in section.clone() {
                    self.exports.push(text::name(export?.name.name, NAME_BYTES_MAX));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `a:b/c` and `1.2.3` of `a:b/c@1.2.3`.
pub(crate) fn split_version(name: &str) -> (&str, Option<&str>) {
    name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)))
}

fn check_kind(bytes: &[u8]) -> Result<(), LoadError> {
    let problem = match (bytes.get(..4), bytes.get(4..8)) {
        (Some(b"\0asm"), Some([0x0d, 0, 1, 0])) => return Ok(()),
        (Some(b"\0asm"), Some([1, 0, 0, 0])) => {
            "this is a core WebAssembly module, not a component: build it with `zapjobs build` \
             or `cargo build --target wasm32-wasip2`"
        }
        (Some(b"\0asm"), Some(_)) => {
            "this is WebAssembly of a version that this host does not know: rebuild it, or update \
             the host"
        }
        (Some(b"\0asm"), None) => "this file is truncated or damaged: copy it again or rebuild it",
        _ if bytes.is_empty() => "this file is empty: copy it again or rebuild it",
        _ => "this is not a WebAssembly component: give the .wasm file that `zapjobs build` makes",
    };
    Err(LoadError(problem.to_owned()))
}

fn damaged(error: &wasmparser::BinaryReaderError) -> LoadError {
    let (what, at) = (text::name(error.message(), 300), error.offset());
    if what.contains("end-of-file") || what.contains("unexpected end") {
        return LoadError(format!(
            "this file is truncated or damaged: it ends unexpectedly at byte {at}: copy it again \
             or rebuild it"
        ));
    }
    LoadError(format!(
        "this file is damaged, or uses a feature that this host does not allow: {what} (at byte \
         {at}): copy it again or rebuild it"
    ))
}

fn meaning(name: &str) -> &'static str {
    let (interface, _) = split_version(name);
    let package = interface.split('/').next().unwrap_or(interface);
    match (package, interface) {
        ("zapjobs:job", "zapjobs:job/log") => "log lines, within limits",
        ("zapjobs:job", "zapjobs:job/progress") => "progress of the run",
        ("zapjobs:job", "zapjobs:job/run-context") => "id, attempt and metadata of the run",
        ("zapjobs:job", "zapjobs:job/cancellation") => "whether the run should stop",
        ("zapjobs:job", _) => "types only",
        ("wasi:filesystem", _) => "files: sees nothing unless a directory is granted",
        ("wasi:sockets", _) => "network: not granted, every call fails",
        ("wasi:http", "wasi:http/outgoing-handler") => "HTTP requests: only to granted hosts",
        ("wasi:http", "wasi:http/types") => "what HTTP requests are made of",
        ("wasi:config", "wasi:config/store") => "settings of the manifest",
        (_, "wasi:cli/environment") => "the environment: only granted variables",
        (_, "wasi:cli/stdin") => "standard input: empty",
        (_, "wasi:cli/stdout" | "wasi:cli/stderr") => "output, kept as log lines",
        (_, "wasi:cli/exit") => "ending early, which counts as a failure",
        ("wasi:cli", _) => "the terminal: there is none",
        ("wasi:clocks", _) => "the time",
        ("wasi:random", _) => "random numbers",
        ("wasi:io", _) => "streams and waiting",
        _ if wasi::PROVIDED.contains(&interface) => "provided",
        _ => "unknown to this host: a call ends the run",
    }
}
