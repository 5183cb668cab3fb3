//! Spans of time and sizes, as people write them: `30s`, `1h30m`, `64MiB`.

use std::time::Duration;

const SPAN_UNITS_MS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
];

const SIZE_UNITS: [(&str, u64); 4] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Reads a span such as `250ms`, `30s`, `10m` or `1h30m`.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "invalid duration {text:?}: use numbers with units ms, s, m, h, d or w, such as 30s or 1h30m"
        )
    };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total_ms: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = &rest[..letters];
        let (_, unit_ms) =
            SPAN_UNITS_MS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let part = count.checked_mul(unit_ms).ok_or_else(wrong)?;
        total_ms = total_ms.checked_add(part).ok_or_else(wrong)?;
        rest = &rest[letters..];
    }
    Ok(Duration::from_millis(total_ms))
}

/// Writes a span so that [`parse_span`] reads the same, to the millisecond.
pub(crate) fn format_span(span: Duration) -> String {
    let mut left = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, unit_ms) in SPAN_UNITS_MS.into_iter().rev().filter(|(name, _)| *name != "w") {
        let count = left / unit_ms;
        left %= unit_ms;
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    text
}

/// Reads a size such as `64MiB`, `512 KiB` or a plain number of bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong =
        || format!("invalid size {text:?}: use a number with B, KiB, MiB or GiB, such as 64MiB");
    let trimmed = text.trim();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let count: u64 = trimmed[..digits].parse().map_err(|_| wrong())?;
    let unit = trimmed[digits..].trim();
    let unit = if unit.is_empty() { "B" } else { unit };
    let (_, bytes) = SIZE_UNITS
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .ok_or_else(wrong)?;
    count.checked_mul(bytes).ok_or_else(wrong)
}

/// Writes a size exactly, in the largest unit that divides it.
pub(crate) fn format_size(bytes: u64) -> String {
    let (name, unit) = SIZE_UNITS
        .into_iter()
        .rev()
        .find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .unwrap_or(SIZE_UNITS[0]);
    format!("{}{name}", bytes / unit)
}

/// Writes a size for people, rounded.
pub(crate) fn rounded_size(bytes: u64) -> String {
    match SIZE_UNITS.into_iter().rev().find(|(_, unit)| bytes >= *unit && *unit > 1) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / unit as f64),
        None => format!("{bytes} B"),
    }
}

/// Writes a span for people, rounded to three digits or so.
pub(crate) fn rounded_span(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    match seconds {
        s if s < 0.001 => format!("{} us", span.as_micros()),
        s if s < 1.0 => format!("{:.1} ms", s * 1_000.0),
        s if s < 60.0 => format!("{s:.2} s"),
        s if s < 3_600.0 => format!("{}m {}s", s as u64 / 60, s as u64 % 60),
        s if s < 86_400.0 => format!("{}h {}m", s as u64 / 3_600, s as u64 / 60 % 60),
        s => format!("{}d {}h", s as u64 / 86_400, s as u64 / 3_600 % 24),
    }
}

/// The known word that is most like `wanted`, if one is like it at all.
pub(crate) fn nearest<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Words less alike than this are no help.
    const LIKENESS_MIN: f64 = 0.7;
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(wanted, word), word))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        let ms = |text| parse_span(text).map(|span| span.as_millis());
        assert_eq!(ms("30s"), Ok(30_000));
        assert_eq!(ms("1h30m"), Ok(5_400_000));
        assert_eq!(ms("250ms"), Ok(250));
        assert_eq!(ms("7d"), Ok(604_800_000));
        for bad in ["", "30", "s", "1x", "-1s", "1.5h", "99999999999999999999s", "1h 30m", "ü"] {
            let error = parse_span(bad).expect_err(bad);
            assert!(error.contains("such as 30s"), "{error}");
        }
    }

    #[test]
    fn spans_and_sizes_survive_their_own_text() {
        for text in ["30s", "1h30m", "250ms", "7d", "1m1s1ms"] {
            assert_eq!(format_span(parse_span(text).expect("a span")), text);
        }
        for text in ["64MiB", "1GiB", "1000B", "0B"] {
            assert_eq!(format_size(parse_size(text).expect("a size")), text);
        }
        assert_eq!(parse_size("512 kib"), Ok(512 << 10));
        assert_eq!(parse_size("12"), Ok(12));
        for bad in ["", "MiB", "1MB", "-1", "99999999999GiB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_words_that_are_alike_are_advised() {
        assert_eq!(nearest("concurency", ["queues", "concurrency"]), Some("concurrency"));
        assert_eq!(nearest("zzz", ["queues", "concurrency"]), None);
    }
}
