//! What an attempt may do in granted directories, counted.
//!
//! **Invariant:** no count exceeds its limit. What was refused is counted and said at the end,
//! by limit.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Weak};

use zapjobs_model::Limits;

use crate::text;

/// Directory entries that the host holds for a guest at a time, in all its listings: about
/// 100 bytes each. 100,000.
pub(super) const ENTRIES_HELD_MAX: usize = 100_000;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Exceeded {
    /// Files open at a time.
    #[error("limit open_files_max reached")]
    Open,
    /// Files and directories created.
    #[error("limit files_created_max reached")]
    Created,
    /// Bytes written.
    #[error("limit file_bytes_written_max reached")]
    Bytes,
    /// Directory entries held.
    #[error("too many directory entries")]
    Entries,
}

/// The counts of one attempt.
#[derive(Debug)]
pub(crate) struct Quota {
    open_max: usize,
    created_max: u64,
    bytes_max: u64,
    /// Files that were opened; those that still are can be upgraded. A stream keeps its file
    /// open after its descriptor was dropped, and so counts as well.
    open: Vec<Weak<File>>,
    created: u64,
    bytes: u64,
    /// Entries by the listing that holds them.
    listings: HashMap<u32, usize>,
    refused: [u64; 4],
}

impl Quota {
    /// Nothing done yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            open_max: usize::try_from(limits.open_files_max).unwrap_or(usize::MAX),
            created_max: limits.files_created_max,
            bytes_max: limits.file_bytes_written_max,
            open: Vec::new(),
            created: 0,
            bytes: 0,
            listings: HashMap::new(),
            refused: [0; 4],
        }
    }

    /// Whether one more file may be opened.
    pub(super) fn may_open(&mut self) -> Result<(), Exceeded> {
        if self.open.len() >= self.open_max {
            self.open.retain(|file| file.strong_count() > 0);
        }
        let fits = self.open.len() < self.open_max;
        self.allow(fits, Exceeded::Open)
    }

    /// Counts a file that was opened.
    pub(super) fn opened(&mut self, file: &Arc<File>) {
        self.open.push(Arc::downgrade(file));
    }

    /// Counts a file, directory or link that is about to be created.
    pub(super) fn create(&mut self) -> Result<(), Exceeded> {
        self.allow(self.created < self.created_max, Exceeded::Created)?;
        self.created += 1;
        Ok(())
    }

    /// It was not created after all.
    pub(super) const fn not_created(&mut self) {
        self.created = self.created.saturating_sub(1);
    }

    /// Counts bytes that are about to be written: all of them or none.
    pub(super) fn write(&mut self, bytes: u64) -> Result<(), Exceeded> {
        let written = self.bytes.saturating_add(bytes);
        self.allow(written <= self.bytes_max, Exceeded::Bytes)?;
        self.bytes = written;
        Ok(())
    }

    /// Some of them were not written after all.
    pub(super) const fn not_written(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// How many more directory entries may be held.
    pub(super) fn entries_left(&self) -> usize {
        ENTRIES_HELD_MAX.saturating_sub(self.listings.values().sum())
    }

    /// Counts the refusal of a directory that has more entries than that.
    pub(super) fn refuse_listing(&mut self) -> Exceeded {
        self.refused[Exceeded::Entries as usize] += 1;
        Exceeded::Entries
    }

    /// A listing holds so many entries from now on.
    pub(super) fn listed(&mut self, listing: u32, entries: usize) {
        self.listings.insert(listing, entries);
    }

    /// A listing is gone.
    pub(super) fn unlisted(&mut self, listing: u32) {
        self.listings.remove(&listing);
    }

    /// One sentence for each limit that something was refused by.
    pub(crate) fn say(&self) -> Vec<String> {
        let sentences = [
            ("opening files", format!("limit open_files_max = {}", self.open_max)),
            ("creating files", format!("limit files_created_max = {}", self.created_max)),
            ("writing to files", format!("limit file_bytes_written_max = {}", self.bytes_max)),
            ("listing directories", format!("at most {ENTRIES_HELD_MAX} entries at a time")),
        ];
        let said = sentences.into_iter().zip(self.refused).filter(|(_, refused)| *refused > 0);
        said.map(|((what, why), refused)| {
            let times = if refused == 1 { "time" } else { "times" };
            format!("{what} was refused {} {times}: {why}", text::count(refused))
        })
        .collect()
    }

    const fn allow(&mut self, fits: bool, limit: Exceeded) -> Result<(), Exceeded> {
        if fits {
            return Ok(());
        }
        self.refused[limit as usize] += 1;
        Err(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota() -> Quota {
        Quota::new(&Limits {
            open_files_max: 2,
            files_created_max: 1,
            file_bytes_written_max: 100,
            ..Limits::default()
        })
    }

    #[test]
    fn a_file_counts_as_open_while_anything_holds_it() {
        let mut quota = quota();
        let file = || Arc::new(File::open("/dev/null").expect("opens"));
        let (one, two) = (file(), file());
        for file in [&one, &two] {
            assert_eq!(quota.may_open(), Ok(()));
            quota.opened(file);
        }
        let stream = Arc::clone(&two);
        drop(two);
        assert_eq!(quota.may_open(), Err(Exceeded::Open));
        drop(stream);
        assert_eq!(quota.may_open(), Ok(()));
        assert_eq!(quota.say(), ["opening files was refused 1 time: limit open_files_max = 2"]);
    }

    #[test]
    fn what_did_not_happen_does_not_count() {
        let mut quota = quota();
        assert_eq!(quota.create(), Ok(()));
        quota.not_created();
        assert_eq!(quota.create(), Ok(()));
        assert_eq!(quota.create(), Err(Exceeded::Created));
        assert_eq!(quota.write(100), Ok(()));
        quota.not_written(40);
        assert_eq!(quota.write(41), Err(Exceeded::Bytes));
        assert_eq!(quota.write(40), Ok(()));
        assert_eq!(quota.write(u64::MAX), Err(Exceeded::Bytes));
        assert_eq!(
            quota.say(),
            [
                "creating files was refused 1 time: limit files_created_max = 1",
                "writing to files was refused 2 times: limit file_bytes_written_max = 100",
            ]
        );
    }

    #[test]
    fn listings_share_one_bound() {
        let mut quota = quota();
        quota.listed(1, 60_000);
        quota.listed(2, 40_000);
        assert_eq!(quota.entries_left(), 0);
        quota.unlisted(1);
        assert_eq!(quota.entries_left(), 60_000);
    }
}
