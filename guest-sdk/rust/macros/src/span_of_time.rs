//! Spans of time such as `30s` or `1h30m`, in milliseconds.

/// Reads a span of time. The error says what was wrong with it.
pub(crate) fn parse_ms(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "`{text}` is no span of time: write \"500ms\", \"30s\", \"15m\", \"1h30m\" or \"1d\""
        )
    };
    let mut rest = text;
    let mut sum_ms: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let part_ms = number.checked_mul(unit_ms(unit).ok_or_else(wrong)?).ok_or_else(wrong)?;
        sum_ms = sum_ms.checked_add(part_ms).ok_or_else(wrong)?;
        rest = after;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(sum_ms) }
}

fn unit_ms(unit: &str) -> Option<u64> {
    match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_ms;

    #[test]
    fn parts_add_up() {
        assert_eq!(parse_ms("500ms"), Ok(500));
        assert_eq!(parse_ms("30s"), Ok(30_000));
        assert_eq!(parse_ms("1h30m"), Ok(5_400_000));
        assert_eq!(parse_ms("1d"), Ok(86_400_000));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for bad in ["", "10", "s", "10 s", "-1s", "1.5s", "1w", "99999999999999999999s", "1sä"] {
            assert!(parse_ms(bad).is_err(), "{bad:?} was taken");
        }
        assert!(parse_ms("999999999999999999d").is_err());
    }
}
