//! Directories that hold what no one else may read or change.
//!
//! **Invariant:** such a directory belongs to this process's user, and no one else can write to
//! it. What is made is made for its owner alone.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

/// Checks the directory, and makes it where it is missing. The error says what to do.
pub(crate) fn own(directory: &Path) -> Result<(), String> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| error.to_string())?;
    let metadata = fs::metadata(directory).map_err(|error| error.to_string())?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user: use one of your own".to_owned());
    }
    if metadata.mode() & 0o022 != 0 {
        return Err("others can write to it: chmod it to 0700".to_owned());
    }
    Ok(())
}

/// Removes the oldest files with this ending beyond `files_max`.
pub(crate) fn prune(directory: &Path, ending: &str, files_max: usize) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|found| found == ending) {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    files.sort();
    let excess = files.len().saturating_sub(files_max);
    files.iter().take(excess).try_for_each(|(_, path)| fs::remove_file(path))
}
