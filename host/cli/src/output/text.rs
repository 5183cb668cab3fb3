//! Words in colour, and text from elsewhere made harmless.

use std::borrow::Cow;
use std::fmt::Display;

/// What a word's colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Warning,
    Quiet,
    Strong,
}

/// The word in its tone, where colour is wanted.
pub(crate) fn paint(in_color: bool, tone: Tone, word: impl Display) -> String {
    if !in_color {
        return word.to_string();
    }
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "1;31",
        Tone::Warning => "33",
        Tone::Quiet => "2",
        Tone::Strong => "1",
    };
    format!("\x1b[{code}m{word}\x1b[0m")
}

/// Text from elsewhere on one line, without anything that a terminal would obey.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|letter| match letter {
        '\n' | '\r' | '\t' => ' ',
        letter if is_unsafe(letter) => '\u{fffd}',
        letter => letter,
    });
    Cow::Owned(shown.collect())
}

/// The same with line breaks kept; lines after the first are set in.
pub(crate) fn plain_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.lines().map(plain).collect();
    lines.join("\n    ")
}

/// So many runs, and what they are: `1 run is pending`, `3 runs are pending`.
pub(crate) fn runs_are(count: u64, what: impl Display) -> String {
    if count == 1 { format!("1 run is {what}") } else { format!("{count} runs are {what}") }
}

/// Control characters, and those that turn the direction of writing.
fn is_unsafe(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_drive_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(plain("a\nb\tc"), "a b c");
        assert_eq!(plain("\u{202e}abc"), "\u{fffd}abc");
        assert_eq!(plain_lines("a\nb\x07"), "a\n    b\u{fffd}");
        assert!(matches!(plain("grüße"), Cow::Borrowed(_)));
    }
}
