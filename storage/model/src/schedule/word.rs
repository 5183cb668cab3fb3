//! Pieces of an expression, and what is wrong with them.
//!
//! **Invariant:** a piece knows where it stands, so that a refusal can point there.

use std::ops::Range;

/// What is wrong with an expression, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) problem: String,
    pub(super) at: Range<usize>,
}

/// A piece of the text and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Word<'a> {
    pub(super) fn place(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    pub(super) fn mistake(self, problem: impl Into<String>) -> Mistake {
        Mistake { problem: problem.into(), at: self.place() }
    }

    pub(super) fn split(self, separator: char) -> impl Iterator<Item = Word<'a>> {
        let start = self.text.as_ptr() as usize;
        self.text
            .split(separator)
            .map(move |text| Word { text, at: self.at + (text.as_ptr() as usize - start) })
    }

    pub(super) fn split_once(self, separator: char) -> Option<(Word<'a>, Word<'a>)> {
        let (left, right) = self.text.split_once(separator)?;
        let right = Word { text: right, at: self.at + left.len() + separator.len_utf8() };
        Some((Word { text: left, at: self.at }, right))
    }

    /// This word without some text at its end.
    pub(super) fn without_end(self, end: &str) -> Option<Word<'a>> {
        Some(Word { text: self.text.strip_suffix(end)?, at: self.at })
    }
}

/// The words between spaces.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let start = text.as_ptr() as usize;
    text.split_whitespace().map(|text| Word { text, at: text.as_ptr() as usize - start }).collect()
}
