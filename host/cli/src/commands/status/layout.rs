//! Lines of words in tones, in columns, within a width and a height.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::output::{Tone, paint, plain};

/// The size of what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// A word, and its tone where it means something.
pub(super) type Cell = (String, Option<Tone>);

/// One line: words that stand beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line(Vec<Cell>);

impl Line {
    /// A line of these words. Nothing in them can drive a terminal.
    pub(super) fn new(words: impl IntoIterator<Item = Cell>) -> Self {
        let plain = |(word, tone): Cell| match plain(&word) {
            Cow::Borrowed(_) => (word, tone),
            Cow::Owned(word) => (word, tone),
        };
        Self(words.into_iter().map(plain).collect())
    }

    /// The line as far as it fits; a mark at its end says that there is more.
    pub(super) fn cut(mut self, columns: usize) -> Self {
        let width: usize = self.0.iter().map(|(word, _)| word.width()).sum();
        if width <= columns {
            return self;
        }
        // One for the mark.
        let mut left = columns.saturating_sub(1);
        for (word, _) in &mut self.0 {
            let fits = word.char_indices().find_map(|(at, letter)| {
                let width = letter.width().unwrap_or(0);
                if width > left {
                    return Some(at);
                }
                left -= width;
                None
            });
            if let Some(at) = fits {
                word.truncate(at);
                left = 0;
            }
        }
        if columns > 0 {
            self.0.push(("…".to_owned(), Some(Tone::Quiet)));
        }
        self
    }

    /// The line as it is written.
    pub(super) fn text(&self, in_color: bool) -> String {
        let painted = self.0.iter().map(|(word, tone)| match tone {
            Some(tone) if !word.trim().is_empty() => paint(in_color, *tone, word),
            _ => word.clone(),
        });
        let text: String = painted.collect();
        text.trim_end().to_owned()
    }
}

/// Rows set in, with their words under each other.
pub(super) fn columns(rows: Vec<Vec<Cell>>) -> Vec<Line> {
    const INDENT: &str = "  ";
    const GAP: usize = 2;
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|(word, _)| plain(word).width()).max()
    };
    let widths: Vec<usize> = (0..count).map(|at| width(at).unwrap_or(0)).collect();
    let line = |row: Vec<Cell>| {
        let padded = row.into_iter().zip(&widths).flat_map(|((word, tone), width)| {
            // A column that nobody fills takes no room.
            let gap = if *width == 0 { 0 } else { width - plain(&word).width() + GAP };
            [(word, tone), (" ".repeat(gap), None)]
        });
        Line::new([(INDENT.to_owned(), None)].into_iter().chain(padded))
    };
    rows.into_iter().map(line).collect()
}

/// Divides lines between parts that want so many each: in turns, so that the small ones get all.
pub(super) fn shares<const N: usize>(wanted: [usize; N], available: usize) -> [usize; N] {
    let mut shares = [0; N];
    let mut left = available.min(wanted.iter().fold(0, |sum, it| sum.saturating_add(*it)));
    while left > 0 {
        for (share, wanted) in shares.iter_mut().zip(&wanted) {
            if left > 0 && *share < *wanted {
                *share += 1;
                left -= 1;
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Line {
        Line::new(words.iter().map(|word| ((*word).to_owned(), None)))
    }

    #[test]
    fn a_line_is_cut_by_its_width_on_the_screen() {
        assert_eq!(line(&["ab", "cd"]).cut(4).text(false), "abcd");
        assert_eq!(line(&["ab", "cd"]).cut(3).text(false), "ab…");
        assert_eq!(line(&["日本語", "x"]).cut(5).text(false), "日本…");
        assert_eq!(
            line(&["日本語", "x"]).cut(4).text(false),
            "日…",
            "a letter is two columns wide"
        );
        assert_eq!(line(&["ab"]).cut(0).text(false), "");
    }

    #[test]
    fn words_of_a_job_cannot_drive_the_terminal() {
        assert_eq!(line(&["a\x1b[2Jb"]).text(false), "a\u{fffd}[2Jb");
    }

    #[test]
    fn words_stand_under_each_other() {
        let cell = |word: &str| (word.to_owned(), None);
        let rows =
            vec![vec![cell("a"), cell(""), cell("x")], vec![cell("日本"), cell(""), cell("y")]];
        let texts: Vec<String> = columns(rows).iter().map(|line| line.text(false)).collect();
        assert_eq!(texts, ["  a     x", "  日本  y"]);
    }

    #[test]
    fn small_parts_get_all_and_large_ones_the_rest() {
        assert_eq!(shares([1, 100, 3], 100), [1, 96, 3]);
        assert_eq!(shares([50, 50], 7), [4, 3]);
        assert_eq!(shares([2, 2], 100), [2, 2]);
        assert_eq!(shares([usize::MAX, 2], 5), [3, 2]);
    }
}
