//! Copies the write-ahead log into the database, beside the writer.
//!
//! Copying waits for the disk, some tens of milliseconds for a few thousand pages. Done by a
//! thread and connection of its own, it keeps no claim waiting. A log that is copied whole
//! begins anew with the next write. Under a steady load it never is, for the writer goes on
//! meanwhile; so the writer copies what is left, little as a rule, once the log has grown long.
//!
//! **Invariant:** the log never grows without bound for want of a copy: beyond
//! [`LOG_PAGES_LONG`] the writer itself tries after each commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::hooks::Wal;

use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::options::{Location, SqliteOptions};

/// Pages of the log that are not copied yet, from which on the thread copies: 32 MiB. Hot pages
/// are then written back once for many commits.
const PAGES_PER_COPY: u32 = 8 * 1024;
/// The same while the log is nearly long, so that little is left to the writer: 4 MiB.
const PAGES_PER_LAST_COPY: u32 = 1024;
/// Pages of the log from which on the writer copies what is left: 128 MiB.
const LOG_PAGES_LONG: u32 = 32 * 1024;

const COPY: &str = "PRAGMA wal_checkpoint(PASSIVE)";

enum Word {
    Copy,
    Stop,
}

/// The thread that copies. It ends when this is dropped.
pub(crate) struct Checkpointer {
    words: SyncSender<Word>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Copies from now on what `writer` writes. A database in memory has no log.
    pub(crate) fn start(options: &SqliteOptions, writer: &mut Db) -> DbResult<Option<Self>> {
        let Location::File(path) = &options.location else { return Ok(None) };
        let db = Db::open_reader(options, path)?;
        // One word is enough: whoever copies, copies all there is.
        let (words, received) = sync_channel(1);
        let copied = Arc::new(AtomicU32::new(0));
        let watch = Watch { words: words.clone(), copied: Arc::clone(&copied) };
        writer.conn.wal_hook(Some(move |log: &mut Wal, pages| watch.look(log, pages)))?;
        let thread = std::thread::Builder::new()
            .name("zapjobs-sqlite-checkpoint".to_owned())
            .spawn(move || copy_when_told(&db, &received, &copied))?;
        Ok(Some(Self { words, thread: Some(thread) }))
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        // An error means that the thread has ended.
        let _ = self.words.send(Word::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that copies the write-ahead log broke off");
        }
    }
}

/// Looks at the log's length after each commit.
struct Watch {
    words: SyncSender<Word>,
    /// Pages of the log that are copied.
    copied: Arc<AtomicU32>,
}

impl Watch {
    fn look(&self, log: &mut Wal, pages: i32) -> rusqlite::Result<()> {
        let pages = pages.unsigned_abs();
        let copied = self.copied.load(Ordering::Relaxed);
        if pages < copied {
            // The log has begun anew.
            self.copied.store(0, Ordering::Relaxed);
        } else if pages - copied >= pages_per_copy(pages) {
            // Full means that it is told already.
            let _ = self.words.try_send(Word::Copy);
        }
        if pages >= LOG_PAGES_LONG
            && let Err(error) = log.checkpoint()
        {
            // The commit is done and stays; the next one tries again.
            tracing::debug!(%error, "the write-ahead log was not copied");
        }
        Ok(())
    }
}

/// How many pages may wait for their copy in a log of so many pages.
const fn pages_per_copy(pages: u32) -> u32 {
    if pages < LOG_PAGES_LONG - PAGES_PER_COPY { PAGES_PER_COPY } else { PAGES_PER_LAST_COPY }
}

fn copy_when_told(db: &Db, words: &Receiver<Word>, copied: &AtomicU32) {
    while let Ok(Word::Copy) = words.recv() {
        match copy(db) {
            Ok(pages) => copied.store(pages, Ordering::Relaxed),
            Err(error) if error.is_busy() => {}
            Err(error) => tracing::warn!(?error, "failed to copy the write-ahead log"),
        }
    }
}

/// Answers how many pages of the log are copied.
fn copy(db: &Db) -> DbResult<u32> {
    // The columns: whether it was in another's way, the log's pages, those that are copied.
    let pages: i64 = db.prepare(COPY)?.query_row([], |row| row.get(2))?;
    u32::try_from(pages.max(0)).map_err(|_| DbError::corrupt("the log's length is out of bounds"))
}
