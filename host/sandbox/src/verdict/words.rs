//! Traps, spans and sizes as people say them.

use std::time::Duration;

use wasmtime::Trap;

/// What a trap means, in plain words.
pub(super) const fn plain(trap: Trap) -> &'static str {
    match trap {
        Trap::UnreachableCodeReached => "stopped itself (abort or unreachable code)",
        Trap::MemoryOutOfBounds => "accessed memory out of bounds",
        Trap::TableOutOfBounds => "called a function out of the table's bounds",
        Trap::IndirectCallToNull => "called a function that does not exist",
        Trap::BadSignature => "called a function with the wrong signature",
        Trap::IntegerOverflow => "an integer operation overflowed",
        Trap::IntegerDivisionByZero => "divided an integer by zero",
        Trap::BadConversionToInteger => "converted a number that no integer can hold",
        Trap::CannotEnterComponent => "called itself through the host",
        _ => "broke a rule of WebAssembly",
    }
}

/// A span of time.
pub(super) fn span(span: Duration) -> String {
    match span.as_millis() {
        ms if ms % 1_000 == 0 => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}

/// A number of bytes, rounded up.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 => format!("{} MiB", bytes.div_ceil(1 << 20)),
        bytes if bytes >= 1 << 10 => format!("{} KiB", bytes.div_ceil(1 << 10)),
        bytes => format!("{bytes} bytes"),
    }
}
