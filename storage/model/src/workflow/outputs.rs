//! What runs returned, put into the inputs of those that follow them.
//!
//! Wherever an input of a run that follows others holds `{"$output": "NAME"}`, that object stands
//! for what the run of this name returned. All other text stays as it is, to the byte: no
//! number is read and written again.

use crate::Json;

const KEY: &str = "\"$output\"";

/// A place in an input that stands for an output.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place<'a> {
    /// Where its object begins and ends.
    from: usize,
    to: usize,
    /// Whose output.
    name: &'a str,
}

/// The names of those whose outputs an input asks for, in their order, each as often as it
/// stands there.
pub fn names(input: &Json) -> impl Iterator<Item = &str> {
    places(input.as_str()).map(|place| place.name)
}

/// The input with each such object replaced by what `value` answers for its name; `Err` with the
/// first name for which it answers nothing.
pub fn substitute(input: &Json, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let text = input.as_str();
    let mut whole = String::with_capacity(text.len());
    let mut copied = 0;
    for Place { from, to, name } in places(text) {
        whole.push_str(&text[copied..from]);
        whole.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        copied = to;
    }
    whole.push_str(&text[copied..]);
    Ok(whole)
}

/// The object that stands for an output.
pub fn placeholder(name: &str) -> String {
    format!("{{\"$output\":{}}}", serde_json::Value::from(name))
}

/// The text is JSON, so that a brace outside of strings begins an object.
fn places(text: &str) -> impl Iterator<Item = Place<'_>> {
    let mut at = 0;
    // Most inputs hold none: one search tells.
    let mut is_over = !text.contains(KEY);
    std::iter::from_fn(move || {
        while !is_over {
            match text.as_bytes().get(at) {
                None => is_over = true,
                Some(b'"') => at = string_end(text, at),
                Some(b'{') => {
                    if let Some(place) = place_at(text, at) {
                        at = place.to;
                        return Some(place);
                    }
                    at += 1;
                }
                Some(_) => at += 1,
            }
        }
        None
    })
}

/// Behind the string that begins here.
fn string_end(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn place_at(text: &str, from: usize) -> Option<Place<'_>> {
    let rest = blank(&text[from..]).strip_prefix('{')?;
    let rest = blank(blank(rest).strip_prefix(KEY)?).strip_prefix(':')?;
    let (name, rest) = blank(rest).strip_prefix('"')?.split_once('"')?;
    let rest = blank(rest).strip_prefix('}')?;
    // A name with an escape is nobody's.
    (!name.contains('\\')).then_some(Place { from, to: text.len() - rest.len(), name })
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substituted(input: &str) -> Result<String, String> {
        let input = Json::parse(input).expect("JSON");
        substitute(&input, |name| (name != "none").then(|| format!("<{name}>")))
    }

    #[test]
    fn an_output_takes_the_place_of_its_object() {
        assert_eq!(substituted(r#"{"$output":"a"}"#).as_deref(), Ok("<a>"));
        let input =
            r#"{"n":1.50,"of":[{"$output":"a"}, { "$output" : "b" }],"big":99999999999999999999}"#;
        let expected = r#"{"n":1.50,"of":[<a>, <b>],"big":99999999999999999999}"#;
        assert_eq!(substituted(input).as_deref(), Ok(expected));
        let input = Json::parse(input).expect("JSON");
        assert_eq!(names(&input).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for input in [
            r#"{"$output":"a","more":1}"#,
            r#"{"$output":1}"#,
            r#"{"$output":"a\u0041"}"#,
            r#""{\"$output\":\"a\"}""#,
            r#"["$output","a"]"#,
            "null",
        ] {
            assert_eq!(substituted(input).as_deref(), Ok(input), "{input}");
        }
    }

    #[test]
    fn a_name_without_an_output_is_told() {
        assert_eq!(substituted(r#"[{"$output":"none"}]"#), Err("none".to_owned()));
    }

    #[test]
    fn a_placeholder_is_found_again() {
        let json = Json::parse(&placeholder("a-b")).expect("JSON");
        assert_eq!(names(&json).collect::<Vec<_>>(), ["a-b"]);
    }
}
