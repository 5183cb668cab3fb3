//! JSON in one form, so that the same value makes the same key however it is written.
//!
//! **Invariant:** two texts have one form only if they are the same value: members of objects
//! stand in the order of their names and space is gone, but numbers stay as they are written,
//! for reading them would lose digits. `1` and `1.0` differ.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Levels of nesting that are looked into; what lies deeper counts as it is written.
const DEPTH_MAX: usize = 128;

/// The text of a JSON value in one form.
pub(super) fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    put(text, DEPTH_MAX, &mut out);
    out
}

fn put(text: &str, depth: usize, out: &mut String) {
    let text = text.trim();
    match text.as_bytes().first() {
        Some(b'{') if depth > 0 => {
            let Some(members) = members(text) else { return out.push_str(text) };
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                put_text(name, out);
                out.push(':');
                put(value.get(), depth - 1, out);
            }
            out.push('}');
        }
        Some(b'[') if depth > 0 => {
            let Some(items) = items(text) else { return out.push_str(text) };
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                put(item.get(), depth - 1, out);
            }
            out.push(']');
        }
        // Escapes may be written in several ways.
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(plain) => put_text(&plain, out),
            Err(_) => out.push_str(text),
        },
        _ => out.push_str(text),
    }
}

fn put_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a text always serialises"));
}

/// The value at a JSON pointer (RFC 6901), as it is written.
pub(super) fn at<'a>(text: &'a str, pointer: &str) -> Option<&'a str> {
    let mut value = text.trim();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        value = match value.as_bytes().first()? {
            b'{' => members(value)?.get(&token)?.get(),
            b'[' if token == "0" || !token.starts_with('0') => {
                items(value)?.get(token.parse::<usize>().ok()?)?.get()
            }
            _ => return None,
        }
        .trim();
    }
    Some(value)
}

/// Of two members with one name the later counts, as for every reader.
fn members(text: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(text).ok()
}

fn items(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_has_one_form() {
        let form = r#"{"a":[1,{"x":null,"y":"ä/"}],"b":1.50}"#;
        assert_eq!(canonical(form), form);
        let other = r#" { "b" : 1.50, "a" : [1, {"y":"\u00e4\/", "x":null}] } "#;
        assert_eq!(canonical(other), form);
    }

    #[test]
    fn numbers_keep_every_digit() {
        let [one, other] = ["18446744073709551616", "18446744073709551617"];
        assert_ne!(canonical(one), canonical(other));
    }

    #[test]
    fn what_is_nested_too_deep_is_taken_as_it_is_written() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(canonical(&deep), deep);
    }

    #[test]
    fn pointers_find_members_and_items() {
        let text = r#"{"a":[1,{"b/c":{"":2}}],"~":3}"#;
        assert_eq!(at(text, ""), Some(text));
        assert_eq!(at(text, "/a/1/b~1c/"), Some("2"));
        assert_eq!(at(text, "/~0"), Some("3"));
        for absent in ["/b", "/a/2", "/a/01", "/a/x", "/a/0/b", "/a/1/b"] {
            assert_eq!(at(text, absent), None, "{absent}");
        }
    }
}
