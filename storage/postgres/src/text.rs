//! Free text as PostgreSQL can keep it.
//!
//! **Invariant:** what is read equals what was written. The server keeps no NUL in text, and a
//! hostile job may well put one into an error, so NUL is written as U+0001 `0`, and U+0001
//! itself as U+0001 `1`.

use std::borrow::Cow;

/// The text as stored.
pub(crate) fn to_stored(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\u{1}', "\u{1}1").replace('\0', "\u{1}0"))
}

/// The text as it was.
pub(crate) fn from_stored(stored: &str) -> String {
    if !stored.contains('\u{1}') {
        return stored.to_owned();
    }
    stored.replace("\u{1}0", "\0").replace("\u{1}1", "\u{1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back() {
        for text in ["", "plain", "a\0b", "\u{1}", "\u{1}0", "\u{1}1\0\u{1}", "\0\u{1}0\u{1}1"] {
            let stored = to_stored(text);
            assert!(!stored.contains('\0'));
            assert_eq!(from_stored(&stored), text, "{text:?}");
        }
    }
}
