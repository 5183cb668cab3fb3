//! Where a guest was when it stopped, for people: names, not addresses.

use serde_json::{Value, json};
use wasmtime::{FrameInfo, WasmBacktrace};

use crate::engine::BACKTRACE_FRAMES_MAX;
use crate::text;

/// Bytes of a mangled name that are looked at; a guest can make names of any length.
const MANGLED_BYTES_MAX: usize = 2 << 10;
/// Functions that take part in a recursion at most, for it to be recognised.
const RECURSION_FUNCTIONS_MAX: usize = 8;
/// Bytes of a name that are kept.
const NAME_BYTES_MAX: usize = 300;

/// The functions that were active, innermost first, if the error tells.
pub(crate) fn of(error: &wasmtime::Error) -> Option<Value> {
    let backtrace = error.downcast_ref::<WasmBacktrace>()?;
    let frames: Vec<Value> = backtrace
        .frames()
        .iter()
        .take(BACKTRACE_FRAMES_MAX)
        .map(|frame| json!(name(frame)))
        .collect();
    (!frames.is_empty()).then_some(Value::Array(frames))
}

/// Whether the same few functions call each other as far as the backtrace reaches.
pub(crate) fn is_recursion(error: &wasmtime::Error) -> bool {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return false };
    let mut functions: Vec<u32> = backtrace.frames().iter().map(FrameInfo::func_index).collect();
    let frames = functions.len();
    functions.sort_unstable();
    functions.dedup();
    frames >= BACKTRACE_FRAMES_MAX && functions.len() <= RECURSION_FUNCTIONS_MAX
}

fn name(frame: &FrameInfo) -> String {
    match frame.func_name() {
        Some(mangled) => {
            let mangled = text::cut(mangled, MANGLED_BYTES_MAX);
            // Without the hash that Rust puts behind each name.
            text::name(&format!("{:#}", rustc_demangle::demangle(mangled)), NAME_BYTES_MAX)
        }
        None => format!("function {}", frame.func_index()),
    }
}
