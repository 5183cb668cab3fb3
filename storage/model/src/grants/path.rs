//! Paths of URLs, and patterns of them.
//!
//! **Invariant:** only a path that every server reads the same way can match a pattern: one
//! with dot segments, empty segments, backslashes, or encoded slashes, dots and percent signs
//! that could become such at a second decoding, matches none.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::InvalidGrant;

/// Bytes of a pattern at most.
const PATTERN_BYTES_MAX: usize = 1024;

/// Which paths a grant is for: a path in which `*` stands for any characters but `/`, and `**`
/// at the end for all that follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    /// In its plain form, without `**`.
    text: String,
    open: bool,
}

impl PathPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, InvalidGrant> {
        let invalid = |hint: &str| {
            let shown: String = text.chars().take(100).collect();
            Err(InvalidGrant(format!("{shown:?} is no pattern of paths: {hint}")))
        };
        if text.len() > PATTERN_BYTES_MAX {
            return invalid(&format!("use at most {PATTERN_BYTES_MAX} bytes"));
        }
        if !text.starts_with('/') {
            return invalid("begin it with /");
        }
        let (kept, open) = match text.strip_suffix("/**") {
            Some(kept) => (format!("{kept}/"), true),
            None => (text.to_owned(), false),
        };
        if kept.contains("**") || kept.contains(['?', '#']) {
            return invalid("use ** only as its last part, and no query");
        }
        match plain(&kept) {
            Some(text) => Ok(Self { text, open }),
            None => invalid("write it without dot segments, empty parts and encoded slashes"),
        }
    }

    /// The pattern for one path alone; `None` where the path cannot match any.
    pub fn exactly(path: &str) -> Option<Self> {
        let text = plain(path).filter(|text| !text.contains('*'))?;
        Some(Self { text, open: false })
    }

    /// Whether it is for this path, which is as it stands in a URL, without its query.
    pub fn matches(&self, path: &str) -> bool {
        let Some(path) = plain(path) else { return false };
        let mut parts = path.split('/');
        let mut wanted = self.text.split('/').peekable();
        while let Some(pattern) = wanted.next() {
            // What follows the last slash of an open pattern may be anything.
            if self.open && wanted.peek().is_none() {
                return parts.next().is_some();
            }
            if !parts.next().is_some_and(|part| part_matches(pattern, part)) {
                return false;
            }
        }
        parts.next().is_none()
    }
}

/// A path in its one spelling: characters that need no encoding are decoded, and encodings are
/// in upper case. `None` where servers could disagree on what it means.
fn plain(path: &str) -> Option<String> {
    let mut plain = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || (bytes.next()? as char).to_digit(16);
                let decoded = u8::try_from(digit()? * 16 + digit()?).ok()?;
                match decoded {
                    b'/' | b'\\' | b'%' | b';' | 0..0x20 | 0x7f => return None,
                    b'-' | b'.' | b'_' | b'~' => plain.push(char::from(decoded)),
                    _ if decoded.is_ascii_alphanumeric() => plain.push(char::from(decoded)),
                    _ => plain.push_str(&format!("%{decoded:02X}")),
                }
            }
            b'\\' | 0..=0x20 | 0x7f.. => return None,
            b'"' => plain.push_str("%22"),
            _ => plain.push(char::from(byte)),
        }
    }
    if plain.is_empty() {
        plain.push('/');
    }
    let mut parts = plain.strip_prefix('/')?.split('/').peekable();
    while let Some(part) = parts.next() {
        // Some servers cut what follows a semicolon before they look for dots.
        let name = part.split(';').next().unwrap_or_default();
        let is_last = parts.peek().is_none();
        if matches!(name, "." | "..") || (name.is_empty() && !(is_last && part.is_empty())) {
            return None;
        }
    }
    Some(plain)
}

/// Whether a part between slashes matches, where `*` stands for any characters.
fn part_matches(pattern: &str, part: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == part };
    let Some(mut part) = part.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match part.find(piece) {
            Some(at) => part = &part[at + piece.len()..],
            None => return false,
        }
    }
    part.ends_with(last)
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.open { "**" } else { "" })
    }
}

impl TryFrom<String> for PathPattern {
    type Error = InvalidGrant;

    fn try_from(text: String) -> Result<Self, InvalidGrant> {
        Self::parse(&text)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, path: &str) -> bool {
        PathPattern::parse(pattern).expect(pattern).matches(path)
    }

    #[test]
    fn patterns_match_whole_paths() {
        assert!(matches("/v1/things", "/v1/things"));
        assert!(!matches("/v1/things", "/v1/things/") && !matches("/v1/things", "/v1/thing"));
        assert!(matches("/", "") && matches("/", "/") && !matches("/", "/a"));
        assert!(matches("/v1/*", "/v1/a") && matches("/v1/*", "/v1/") && !matches("/v1/*", "/v1"));
        assert!(!matches("/v1/*", "/v1/a/b") && matches("/*/b", "/a/b"));
        assert!(matches("/a*c*e", "/abcde") && !matches("/a*c*e", "/abde"));
        assert!(matches("/a*a", "/aa") && !matches("/a*a", "/a"));
    }

    #[test]
    fn an_open_pattern_is_for_all_that_follows() {
        for path in ["/v1/", "/v1/a", "/v1/a/b/"] {
            assert!(matches("/v1/**", path), "{path}");
        }
        assert!(!matches("/v1/**", "/v1") && !matches("/v1/**", "/v10/a"));
        assert!(matches("/**", "/") && matches("/**", "/a/b") && matches("/*/b/**", "/a/b/c"));
    }

    #[test]
    fn spellings_of_one_path_are_one() {
        assert!(matches("/a-b", "/%61%2Db") && matches("/%7ea", "/~a"));
        assert!(matches("/a%c3", "/a%C3"));
    }

    #[test]
    fn what_servers_could_read_otherwise_matches_nothing() {
        for path in [
            "/v1/../admin",
            "/v1/..",
            "/v1/./a",
            "/v1/%2e%2e/admin",
            "/v1/.%2E/admin",
            "/v1/..%2fadmin",
            "/v1/..%5cadmin",
            "/v1/..\\admin",
            "/v1/%252e%252e/admin",
            "/v1/..;/admin",
            "/v1/..;x=1/admin",
            "/v1/;/a",
            "/v1//admin",
            "//v1/a",
            "/v1/%00",
            "/v1/%0d%0aa",
            "/v1/%zz",
            "/v1/%2",
            "/v1/a%",
            "/v1/\u{e4}",
            "v1/a",
            "/v1/%3b/a",
        ] {
            assert!(!matches("/**", path), "{path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told_why() {
        for (text, hint) in [
            ("v1", "begin it with /"),
            ("/a/**/b", "only as its last part"),
            ("/a**", "only as its last part"),
            ("/a?b=c", "no query"),
            ("/a/../b", "without dot segments"),
        ] {
            let error = PathPattern::parse(text).expect_err(text).to_string();
            assert!(error.contains(hint), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_path_under_a_prefix_climbs_out_of_it(path in "/v1/[.a/%2eEfF5cC;\\\\]{0,16}") {
            if matches("/v1/**", &path) {
                let decoded = plain(&path).expect("it matched");
                prop_assert!(decoded.starts_with("/v1/"));
                prop_assert!(!decoded.split('/').any(|part| part == ".." || part == "."));
                let hidden = ["\\", "%2e", "%2f", "%5c"];
                let lower = decoded.to_ascii_lowercase();
                prop_assert!(!hidden.iter().any(|it| lower.contains(it)), "{decoded}");
            }
        }

        #[test]
        fn a_pattern_for_one_path_matches_it(path in "(/[a-z%20-9.]{1,5}){1,3}") {
            if let Some(pattern) = PathPattern::exactly(&path) {
                prop_assert!(pattern.matches(&path));
                prop_assert_eq!(PathPattern::parse(&pattern.to_string()), Ok(pattern));
            }
        }
    }
}
