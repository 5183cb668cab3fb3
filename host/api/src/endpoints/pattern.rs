//! Which paths an endpoint is for.
//!
//! **Invariant:** a path is split before it is decoded, so that no part of it becomes two.

use std::collections::BTreeMap;

/// Parts of a pattern at most.
const PARTS_MAX: usize = 32;
/// Bytes of a pattern at most.
const PATTERN_BYTES_MAX: usize = 500;

/// A pattern such as `/orders/{id}`, or `/files/{*rest}` for all that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathPattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Exactly(String),
    /// One part, by this name.
    One(String),
    /// All that follow, one or more, by this name.
    Rest(String),
}

impl PathPattern {
    /// Reads a pattern. The problem says what to do.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |problem: &str| {
            let shown: String = text.chars().take(80).collect();
            Err(format!("the path {shown:?} {problem}"))
        };
        let Some(inner) = text.strip_prefix('/').filter(|it| !it.is_empty()) else {
            return wrong("does not begin with / and a name: use one such as /orders/{id}");
        };
        let texts: Vec<&str> = inner.split('/').collect();
        if texts.len() > PARTS_MAX || text.len() > PATTERN_BYTES_MAX {
            return wrong("is too long: use at most 32 parts and 500 bytes");
        }
        let last = texts.len() - 1;
        let mut parts: Vec<Part> = Vec::with_capacity(texts.len());
        for (at, text) in texts.into_iter().enumerate() {
            let Some(part) = Part::parse(text) else {
                return wrong(
                    "has a part that is no name: use a-z, A-Z, 0-9, '.', '_', '-', '~', {NAME} or {*NAME}",
                );
            };
            if matches!(part, Part::Rest(_)) && at != last {
                return wrong("has {*NAME} before its end: use it as the last part");
            }
            let is_taken = |it: &Part| part.name().is_some() && it.name() == part.name();
            if parts.iter().any(is_taken) {
                return wrong("has one name twice: name each part once");
            }
            parts.push(part);
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// What the parts of a path stand for, if it fits.
    pub(super) fn matches(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut given = path.strip_prefix('/')?.split('/').peekable();
        let mut params = BTreeMap::new();
        for part in &self.parts {
            match part {
                Part::Exactly(text) => {
                    if decoded(given.next()?)? != *text {
                        return None;
                    }
                }
                Part::One(name) => {
                    let value = decoded(given.next()?).filter(|value| !value.is_empty())?;
                    params.insert(name.clone(), value);
                }
                Part::Rest(name) => {
                    given.peek()?;
                    let rest: Vec<String> = given.by_ref().map(decoded).collect::<Option<_>>()?;
                    params.insert(name.clone(), rest.join("/"));
                }
            }
        }
        given.next().is_none().then_some(params)
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let part = match (inner, inner.and_then(|inner| inner.strip_prefix('*'))) {
            (_, Some(name)) => Self::Rest(name.to_owned()),
            (Some(name), None) => Self::One(name.to_owned()),
            (None, None) => Self::Exactly(text.to_owned()),
        };
        let (Self::Exactly(name) | Self::One(name) | Self::Rest(name)) = &part;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~".contains(&byte);
        let is_good =
            !name.is_empty() && name.bytes().all(is_plain) && !name.trim_matches('.').is_empty();
        is_good.then_some(part)
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Exactly(_) => None,
            Self::One(name) | Self::Rest(name) => Some(name),
        }
    }
}

/// A part of a path without its escapes; `None` where it is no text.
fn decoded(part: &str) -> Option<String> {
    if !part.contains('%') {
        return Some(part.to_owned());
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(*high)? << 4 | digit(*low)?) as u8);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
        let pattern = PathPattern::parse(pattern).expect("a pattern");
        pattern.matches(path).map(|params| params.into_iter().collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_parts_of_a_path_get_their_names() {
        assert_eq!(params("/a/{b}/c", "/a/7/c"), Some(vec![pair("b", "7")]));
        assert_eq!(params("/a/{b}", "/a/x%2Fy%C3%BC+"), Some(vec![pair("b", "x/yü+")]));
        assert_eq!(params("/a/{*b}", "/a/x/y"), Some(vec![pair("b", "x/y")]));
        for path in ["/a", "/a/", "/a/7/c/d", "/b/7/c", "a/7/c", "/a//c", "/a/%f/c", "/a/%ff/c"] {
            assert_eq!(params("/a/{b}/c", path), None, "{path}");
        }
        assert_eq!(params("/a/{*b}", "/a"), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "a", "/", "/a//b", "/{}", "/{a}/{a}", "/{*a}/b", "/a b", "/..", "/a{b}"] {
            assert!(PathPattern::parse(text).is_err(), "{text}");
        }
        let long = "/a".repeat(PARTS_MAX + 1);
        assert!(PathPattern::parse(&long).is_err());
    }
}
