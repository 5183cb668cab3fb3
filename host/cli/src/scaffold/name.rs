//! What a plugin may be called.

use crate::errors::{Done, Failure};

/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 64;
/// Names that Rust or Cargo keep for themselves.
const TAKEN: [&str; 12] = [
    "alloc",
    "build",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc-macro",
    "self",
    "std",
    "super",
    "test",
    "zapjobs-sdk",
];
/// Rust's keywords of two letters or more that a name could be.
const KEYWORDS: [&str; 39] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "pub", "ref", "return", "static",
    "struct", "trait", "true", "type", "use",
];

/// A name for a plugin: a good file name, package name and crate name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PluginName(String);

impl PluginName {
    /// Checks a name.
    pub(crate) fn new(name: &str) -> Done<Self> {
        let mut letters = name.bytes();
        let begins_well = letters.next().is_some_and(|it| it.is_ascii_lowercase());
        let goes_on_well =
            letters.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
        if !begins_well || !goes_on_well || name.ends_with('-') || name.len() > NAME_BYTES_MAX {
            return Err(Failure::usage(format!(
                "{name:?} cannot be a plugin's name: use 1 to {NAME_BYTES_MAX} of a-z, 0-9 and \
                 '-', beginning with a letter, such as image-tools"
            )));
        }
        if TAKEN.contains(&name) || KEYWORDS.contains(&name) {
            return Err(Failure::usage(format!(
                "{name:?} cannot be a plugin's name: Rust keeps it for itself; try my-{name}"
            )));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_cargo_takes_are_taken() {
        for good in ["a", "image-tools", "v2"] {
            assert_eq!(PluginName::new(good).expect("a name").as_str(), good);
        }
        let long = "a".repeat(65);
        for bad in ["", "A", "2a", "-a", "a-", "a_b", "a/b", "..", "a b", "fn", "test", &long] {
            assert!(PluginName::new(bad).is_err(), "{bad:?}");
        }
    }
}
