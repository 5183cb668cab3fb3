//! The trace that a request belongs to, by W3C Trace Context: kept with the runs that it makes.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use zapjobs_model::submit::METADATA_BYTES_MAX;

/// The header, and what it is called in a run's metadata.
const TRACEPARENT: &str = "traceparent";

/// Puts the request's `traceparent` into the metadata of a run, unless the run brings its own. One
/// that is malformed is passed over, as the specification says, and so is one without room.
pub(crate) fn keep(headers: &HeaderMap, metadata: &mut BTreeMap<String, String>) {
    let given = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let Some(value) = given.filter(|value| is_sound(value)) else { return };
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    let has_room = bytes + TRACEPARENT.len() + value.len() <= METADATA_BYTES_MAX;
    if has_room && !metadata.contains_key(TRACEPARENT) {
        metadata.insert(TRACEPARENT.to_owned(), value.to_owned());
    }
}

/// Whether it is `VERSION-TRACE-PARENT-FLAGS` in lower-case hexadecimal digits, of a version that
/// is known to look so.
fn is_sound(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    let [version, trace, parent, flags] = parts[..] else { return false };
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, digits| is_hex(part, digits) && part.bytes().any(|it| it != b'0');
    version == "00" && is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn kept(header: &str, mut metadata: BTreeMap<String, String>) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_str(header).expect("a header"));
        keep(&headers, &mut metadata);
        metadata.remove("traceparent")
    }

    #[test]
    fn a_sound_one_is_kept_unless_the_run_brings_its_own() {
        assert_eq!(kept(GOOD, BTreeMap::new()).as_deref(), Some(GOOD));
        let own = BTreeMap::from([("traceparent".to_owned(), "mine".to_owned())]);
        assert_eq!(kept(GOOD, own).as_deref(), Some("mine"));
    }

    #[test]
    fn one_that_cannot_be_read_or_has_no_room_refuses_nothing() {
        for bad in [
            "",
            "x",
            &GOOD.to_uppercase(),
            &GOOD.replacen("00", "ff", 1),
            &format!("{GOOD}-00"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(kept(bad, BTreeMap::new()), None, "{bad}");
        }
        let full = BTreeMap::from([("a".to_owned(), "x".repeat(METADATA_BYTES_MAX - 1))]);
        assert_eq!(kept(GOOD, full), None);
    }
}
