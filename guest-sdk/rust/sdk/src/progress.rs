//! How far a job has come.

use crate::host;

/// Tells that `done` of `total` units of work are done, or of an unknown number where `total`
/// is `None`; `message` says what the job is at, and is cut at 1 KiB. Only the latest word
/// counts; call as often as is convenient.
///
/// ```
/// # use zapjobs_sdk::prelude::*;
/// progress(3, 10, "resizing");
/// progress(3, None, "searching");
/// ```
pub fn progress(done: u64, total: impl Into<Option<u64>>, message: &str) {
    host::report_progress(done, total.into(), message);
}

/// Tells how many items were looked at, and how many of these went well or not. Only the
/// latest word counts.
pub fn count_items(processed: u64, succeeded: u64, failed: u64) {
    host::count_items(processed, succeeded, failed);
}

/// Iterators that tell how far they have come.
pub trait WithProgress: Iterator + Sized {
    /// The same items, told of with this message: at the start, then as items are done, at
    /// most about a thousand times, and at the end. The total is what
    /// [`size_hint`](Iterator::size_hint) says for certain.
    ///
    /// ```
    /// # use zapjobs_sdk::prelude::*;
    /// # let mut files = vec!["a", "b"];
    /// for file in files.iter().with_progress("resizing") {
    ///     // ...
    /// }
    /// ```
    fn with_progress(self, message: &str) -> Progressing<Self> {
        let total = match self.size_hint() {
            (least, Some(most)) if least == most => Some(least as u64),
            _ => None,
        };
        Progressing { items: self, total, begun: 0, next_report: 0, message: message.to_owned() }
    }
}

impl<I: Iterator> WithProgress for I {}

/// Made by [`WithProgress::with_progress`].
#[derive(Debug, Clone)]
pub struct Progressing<I> {
    items: I,
    total: Option<u64>,
    begun: u64,
    next_report: u64,
    message: String,
}

/// Reports of one iterator at most, about.
const REPORTS_MAX: u64 = 1_000;

impl<I: Iterator> Iterator for Progressing<I> {
    type Item = I::Item;

    /// Whoever asks for the next item is done with the one before.
    fn next(&mut self) -> Option<I::Item> {
        let item = self.items.next();
        if item.is_none() || self.begun >= self.next_report {
            progress(self.begun, self.total, &self.message);
            self.next_report = self.begun + (self.total.unwrap_or(self.begun) / REPORTS_MAX).max(1);
        }
        self.begun += u64::from(item.is_some());
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Progressing<I> {}
