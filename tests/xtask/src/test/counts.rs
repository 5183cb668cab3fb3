//! How many tests ran, from what the test runners print.

use std::fmt;
use std::iter::Sum;

/// Tests by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
}

impl Counts {
    /// Reads the summaries in the output of `cargo nextest run` and `cargo test`.
    pub(super) fn read(output: &str) -> Self {
        output.lines().map(|line| Self::of_line(&without_colours(line))).sum()
    }

    /// Tests that ran.
    pub(super) fn ran(&self) -> u64 {
        self.passed + self.failed
    }

    fn of_line(line: &str) -> Self {
        let line = line.trim();
        // nextest: `Summary [   0.1s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped`
        let nextest = line.strip_prefix("Summary [").and_then(|rest| rest.split_once("run: "));
        // cargo test: `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; ...`
        let libtest = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "));
        match (nextest, libtest) {
            (Some((_, counts)), _) | (_, Some((_, counts))) => Self::of_parts(counts),
            _ => Self::default(),
        }
    }

    fn of_parts(text: &str) -> Self {
        let mut counts = Self::default();
        for part in text.split([',', ';']) {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
            match words.next() {
                Some("passed") => counts.passed += number,
                Some("failed" | "timed") => counts.failed += number,
                Some("skipped" | "ignored") => counts.skipped += number,
                _ => {}
            }
        }
        counts
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            passed: sum.passed + one.passed,
            failed: sum.failed + one.failed,
            skipped: sum.skipped + one.skipped,
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ran())?;
        if self.skipped > 0 {
            write!(f, " ({} skipped)", self.skipped)?;
        }
        Ok(())
    }
}

/// The line without the sequences that colour a terminal.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_nextest_are_counted() {
        let output = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.126s] \u{1b}[1m12\u{1b}[0m tests run: \
                      \u{1b}[1m10\u{1b}[0m passed (1 slow), 1 failed, 1 timed out, 2 skipped\n";
        assert_eq!(Counts::read(output), Counts { passed: 10, failed: 2, skipped: 2 });
    }

    #[test]
    fn summaries_of_cargo_test_are_added_up() {
        let output = "running 5 tests\n\
            test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; in 0.00s\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Counts::read(output), Counts { passed: 6, failed: 2, skipped: 1 });
    }

    #[test]
    fn output_without_a_summary_counts_nothing() {
        assert_eq!(Counts::read("5 passed\nSummary of it\n").ran(), 0);
    }
}
