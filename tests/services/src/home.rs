//! Temporary directories of servers, also those that a killed process left behind.
//!
//! **Invariant:** a directory is removed by its owner, or once its owner has ended: the owner
//! holds a lock on a file in it, which the system releases with the process.

use std::fs::{File, remove_dir_all};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// How the names of all such directories begin.
const PREFIX: &str = "zapjobs-services-";
/// The file that is locked.
const OWNER: &str = "owner";
/// Where Linux keeps a file system in memory.
const MEMORY: &str = "/dev/shm";
/// What has to be free there, in bytes, for it to be used.
const MEMORY_FREE_MIN: u64 = 2 * 1024 * 1024 * 1024;

/// A server's directory; dropped, it is deleted.
#[derive(Debug)]
pub(crate) struct Home {
    directory: TempDir,
    /// Locked as long as it is open.
    _owner: File,
}

impl Home {
    /// Makes a directory within another; where none is named, within the system's temporary
    /// one. Removes what servers of processes that have ended left there.
    pub(crate) fn make(kind: &str, within: Option<&Path>) -> io::Result<Self> {
        let within = within.map_or_else(std::env::temp_dir, Path::to_path_buf);
        sweep(&within);
        let prefix = format!("{PREFIX}{kind}-");
        let directory = tempfile::Builder::new().prefix(&prefix).tempdir_in(&within)?;
        // Under its name it is never seen unlocked.
        let new = directory.path().join("owner.new");
        let owner = File::create(&new)?;
        owner.lock()?;
        std::fs::rename(new, directory.path().join(OWNER))?;
        Ok(Self { directory, _owner: owner })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// A directory in memory, where there is one with at least 2 GiB free: the place for data of
/// servers that a run of tests shares.
pub fn memory_directory() -> Option<PathBuf> {
    let there = rustix::fs::statvfs(MEMORY).ok()?;
    (there.f_bavail.saturating_mul(there.f_frsize) >= MEMORY_FREE_MIN).then(|| MEMORY.into())
}

/// Removes the directories of owners that have ended. What cannot be removed stays.
fn sweep(within: &Path) {
    for entry in std::fs::read_dir(within).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let owner = entry.path().join(OWNER);
        if is_ours
            && owner.is_file()
            && let Ok(owner) = File::open(owner)
            && owner.try_lock().is_ok()
        {
            let _ = remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_an_ended_owner_left_is_removed_and_what_is_owned_stays() {
        let within = tempfile::tempdir().unwrap();
        let owned = Home::make("a", Some(within.path())).unwrap();
        let left = within.path().join(format!("{PREFIX}b-left"));
        let new = within.path().join(format!("{PREFIX}c-new"));
        let other = within.path().join("other");
        for directory in [&left, &new, &other] {
            std::fs::create_dir(directory).unwrap();
        }
        File::create(left.join(OWNER)).unwrap();
        File::create(other.join(OWNER)).unwrap();
        let second = Home::make("a", Some(within.path())).unwrap();
        let there = [owned.path(), second.path(), &new, &other, &left].map(Path::exists);
        assert_eq!(there, [true, true, true, true, false]);
        let path = owned.path().to_owned();
        drop(owned);
        assert!(!path.exists());
    }
}
