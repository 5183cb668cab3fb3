//! One line of a log: the combined format (Apache, nginx, Caddy), the common format it
//! extends, and either with the request time as one more field at the end.
//!
//! **Invariant:** parsing borrows from the line and allocates nothing; it looks at each
//! byte about once. A line that does not fit is refused whole, never guessed at.
//!
//! ```text
//! 192.0.2.7 - anna [14/Nov/2026:09:30:00 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8" 0.083
//! ```

use memchr::memchr;

/// Length of `14/Nov/2026:09:30:00 +0000`.
const TIME_BYTES: usize = 26;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Who asked: an address or a host name.
    pub client: &'a [u8],
    /// The hour of the request, `14/Nov/2026:09`, in the log's own time zone.
    pub hour: &'a [u8],
    /// What was asked for, without the query; the whole request where it is not HTTP.
    pub path: &'a [u8],
    /// The answer's status, 100 to 599.
    pub status: u16,
    /// The answer's size; 0 where the log has `-`.
    pub bytes: u64,
    /// The user agent; empty in the common format.
    pub agent: &'a [u8],
    /// How long the answer took, where the log has it.
    pub time_us: Option<u64>,
}

impl<'a> Entry<'a> {
    /// Reads a line, without its line feed. `None` where it is not in the format.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (client, rest) = split_at_byte(line, b' ')?;
        let (_, rest) = split_at_byte(rest, b'[')?;
        let (time, rest) = rest.split_at_checked(TIME_BYTES)?;
        let rest = rest.strip_prefix(b"] \"")?;
        let (request, rest) = split_at_quote(rest)?;
        let (status, rest) = status(rest.strip_prefix(b" ")?)?;
        let (bytes, rest) = size(rest.strip_prefix(b" ")?)?;
        let (agent, rest) = match rest.strip_prefix(b" \"") {
            Some(rest) => agent(rest)?,
            None => (&[][..], rest),
        };
        Some(Self {
            client: Some(client).filter(|client| !client.is_empty())?,
            hour: hour(time)?,
            path: path(request),
            status,
            bytes,
            agent,
            time_us: request_time(rest)?,
        })
    }
}

fn hour(time: &[u8]) -> Option<&[u8]> {
    let is_time = time[2] == b'/' && time[6] == b'/' && time[11] == b':' && time[14] == b':';
    is_time.then_some(&time[..14])
}

/// `200`, and what follows.
fn status(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_at_checked(3)?;
    let status = digits.iter().try_fold(0_u16, |status, byte| {
        byte.is_ascii_digit().then(|| status * 10 + u16::from(byte - b'0'))
    })?;
    (100..600).contains(&status).then_some((status, rest))
}

/// A number or `-`, and what follows.
fn size(text: &[u8]) -> Option<(u64, &[u8])> {
    if let Some(rest) = text.strip_prefix(b"-") {
        return Some((0, rest));
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some((number(&text[..digits])?, &text[digits..]))
}

/// `referer" "agent"`, and what follows.
fn agent(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_referer, rest) = split_at_quote(text)?;
    split_at_quote(rest.strip_prefix(b" \"")?)
}

/// The path between method and protocol, without the query.
fn path(request: &[u8]) -> &[u8] {
    let Some((_method, rest)) = split_at_byte(request, b' ') else { return request };
    let end = rest.iter().position(|byte| matches!(byte, b'?' | b' ')).unwrap_or(rest.len());
    &rest[..end]
}

/// The field after the user agent: seconds with a point (nginx `$request_time`) or whole
/// microseconds (Apache `%D`). Further fields are left alone. The outer `None` says that
/// the line ends in the middle of something.
fn request_time(rest: &[u8]) -> Option<Option<u64>> {
    if rest.is_empty() {
        return Some(None);
    }
    let rest = rest.strip_prefix(b" ")?;
    let field = split_at_byte(rest, b' ').map_or(rest, |(field, _)| field);
    Some(match split_at_byte(field, b'.') {
        None => number(field),
        Some((seconds, fraction)) => micros(seconds, fraction),
    })
}

/// `12` and `083` as 12,083,000 microseconds.
fn micros(seconds: &[u8], fraction: &[u8]) -> Option<u64> {
    let digits = fraction.len().min(6);
    let fraction = number(&fraction[..digits])? * 10_u64.pow(6 - digits as u32);
    number(seconds)?.checked_mul(1_000_000)?.checked_add(fraction)
}

/// At most 18 digits, so that it cannot overflow.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })
}

fn split_at_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(byte, text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Splits at the first quote that no backslash escapes.
fn split_at_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    loop {
        let at = from + memchr(b'"', &text[from..])?;
        let backslashes = text[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        if backslashes % 2 == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "192.0.2.7 - anna [14/Nov/2026:09:30:00 +0000] ";

    fn parsed(tail: &str) -> Option<(String, u16, u64, String, Option<u64>)> {
        let line = format!("{HEAD}{tail}");
        let entry = Entry::parse(line.as_bytes())?;
        assert_eq!((entry.client, entry.hour), (&b"192.0.2.7"[..], &b"14/Nov/2026:09"[..]));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(entry.path), entry.status, entry.bytes, text(entry.agent), entry.time_us))
    }

    #[test]
    fn a_combined_line_gives_all_its_fields() {
        let entry = parsed(r#""GET /a/b?c=1 HTTP/1.1" 200 512 "https://x.example/" "curl/8""#);
        assert_eq!(entry, Some(("/a/b".into(), 200, 512, "curl/8".into(), None)));
    }

    #[test]
    fn a_common_line_has_no_agent() {
        let entry = parsed(r#""HEAD / HTTP/1.0" 304 -"#);
        assert_eq!(entry, Some(("/".into(), 304, 0, String::new(), None)));
    }

    #[test]
    fn the_time_is_seconds_with_a_point_and_else_microseconds() {
        let time = |field: &str| parsed(&format!(r#""GET / HTTP/2" 200 1 "-" "a" {field}"#))?.4;
        assert_eq!(time("0.083"), Some(83_000));
        assert_eq!(time("12.5"), Some(12_500_000));
        assert_eq!(time("1500"), Some(1_500));
        assert_eq!(time("0.083 0.080"), Some(83_000));
        assert_eq!(time("-"), None);
    }

    #[test]
    fn escaped_quotes_belong_to_their_field() {
        let entry = parsed(r#""GET /\"x HTTP/1.1" 200 1 "-" "a \"b\" \\" 0.001"#);
        assert_eq!(entry, Some((r#"/\"x"#.into(), 200, 1, r#"a \"b\" \\"#.into(), Some(1_000))));
    }

    #[test]
    fn a_request_that_is_not_http_is_its_own_path() {
        let entry = parsed(r#""\x16\x03\x01" 400 150 "-" "-""#).expect("it is in the format");
        assert_eq!((entry.0.as_str(), entry.1), (r"\x16\x03\x01", 400));
    }

    #[test]
    fn every_cut_of_a_line_is_refused_or_common_and_none_panics() {
        let line = format!(r#"{HEAD}"GET / HTTP/1.1" 200 512 "-" "curl/8" 0.083"#);
        let common = format!(r#"{HEAD}"GET / HTTP/1.1" 200 5"#).len();
        for end in 0..common {
            assert_eq!(Entry::parse(&line.as_bytes()[..end]), None, "{}", &line[..end]);
        }
        for end in common..line.len() {
            let _ = Entry::parse(&line.as_bytes()[..end]);
        }
    }

    #[test]
    fn other_programs_lines_are_refused() {
        for line in ["", "\0\0\0", "2026/11/20 03:14:15 [error] 1077#0: *93 timed out, client: 1"] {
            assert_eq!(Entry::parse(line.as_bytes()), None, "{line}");
        }
        assert_eq!(parsed(r#""GET / HTTP/1.1" 999 1"#), None);
        assert_eq!(parsed(r#""GET / HTTP/1.1" 200 99999999999999999999"#), None);
    }
}
