//! Text that a guest chose, made fit to be kept and shown: bounded, and without characters
//! that steer terminals.

use std::fmt::Write as _;

/// The longest part of `text` that fits into `bytes_max` and ends between characters.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    &text[..text.floor_char_boundary(bytes_max)]
}

/// `text` without control characters other than line feed and tab, which are written as
/// `\u{..}` instead; cut at `bytes_max` bytes, with the number of bytes cut behind it.
pub(crate) fn clean(text: &str, bytes_max: usize) -> String {
    let kept = cut(text, bytes_max);
    let mut clean = String::with_capacity(kept.len());
    let mut taken = 0;
    for part in kept.split_inclusive(needs_escape) {
        let (plain, control) = match part.char_indices().next_back() {
            Some((at, last)) if needs_escape(last) => (&part[..at], Some(last)),
            _ => (part, None),
        };
        // Escapes are longer than what they stand for: look at the bound again.
        let room = bytes_max - clean.len();
        let fitting = cut(plain, room);
        clean.push_str(fitting);
        taken += fitting.len();
        let Some(control) = control else { continue };
        let escape = control.escape_unicode();
        if fitting.len() < plain.len() || clean.len() + escape.len() > bytes_max {
            break;
        }
        let _ = write!(clean, "{escape}");
        taken += control.len_utf8();
    }
    if taken < text.len() {
        let _ = write!(clean, " ... ({} bytes cut)", text.len() - taken);
    }
    clean
}

/// One line of at most `bytes_max` bytes, for names and categories.
pub(crate) fn name(text: &str, bytes_max: usize) -> String {
    cut(text, bytes_max).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut parted = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            parted.push(',');
        }
        parted.push(digit);
    }
    parted
}

fn needs_escape(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }

    #[test]
    fn what_steers_terminals_is_written_out() {
        assert_eq!(clean("a\u{1b}[31mb\n\tc\u{9b}", 100), "a\\u{1b}[31mb\n\tc\\u{9b}");
    }

    #[test]
    fn what_is_cut_is_counted() {
        assert_eq!(clean("abcdef", 4), "abcd ... (2 bytes cut)");
        assert_eq!(clean("ab\u{1b}\u{1b}", 8), "ab\\u{1b} ... (1 bytes cut)");
        assert_eq!(clean("\u{1b}\u{1b}ab", 8), "\\u{1b} ... (3 bytes cut)");
    }

    #[test]
    fn thousands_stand_apart() {
        let shown = [0, 999, 1_000, 1_204, 1_234_567].map(count);
        assert_eq!(shown, ["0", "999", "1,000", "1,204", "1,234,567"]);
    }

    #[test]
    fn names_are_one_line() {
        assert_eq!(name("a\nb\u{1b}c", 4), "a b ");
    }
}
