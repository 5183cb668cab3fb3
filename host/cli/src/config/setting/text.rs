//! Values of settings as text.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::values::{format_size, format_span, parse_size, parse_span};

pub(super) fn unlike(text: &str, expected: &str) -> String {
    format!("{text:?} is none of them: use {expected}")
}

/// Whether the text is the second of both words.
pub(super) fn one_of_two(text: &str, first: &str, second: &str) -> Result<bool, String> {
    if text == first || text == second {
        return Ok(text == second);
    }
    Err(unlike(text, &format!("{first} or {second}")))
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("the path is empty".to_owned());
    }
    Ok(PathBuf::from(text))
}

pub(super) fn number(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    let expected =
        || format!("{text:?} is out of bounds: use {} to {}", bounds.start(), bounds.end());
    let number = text.trim().parse().map_err(|_| expected())?;
    if bounds.contains(&number) { Ok(number) } else { Err(expected()) }
}

pub(super) fn span_ms(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    let ms = u64::try_from(parse_span(text)?.as_millis()).unwrap_or(u64::MAX);
    if bounds.contains(&ms) {
        return Ok(ms);
    }
    let [from, to] = [*bounds.start(), *bounds.end()].map(millis);
    Err(format!("{text:?} is out of bounds: use {from} to {to}"))
}

pub(super) fn span(text: &str, bounds: RangeInclusive<u64>) -> Result<Duration, String> {
    span_ms(text, bounds).map(Duration::from_millis)
}

pub(super) fn millis(ms: u64) -> String {
    format_span(Duration::from_millis(ms))
}

pub(super) fn size(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if bounds.contains(&bytes) {
        return Ok(bytes);
    }
    let [from, to] = [*bounds.start(), *bounds.end()].map(format_size);
    Err(format!("{text:?} is out of bounds: use {from} to {to}"))
}
