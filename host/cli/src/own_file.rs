//! Files that are written whole or not at all, through a draft beside them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner alone.
    Owner,
    /// Whoever may by the user's own settings.
    AsUsual,
}

/// Writes a file that is not there yet.
pub(crate) fn create(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    written(path, text, readers, |draft| {
        // Unlike renaming, this leaves a file alone that came meanwhile.
        fs::hard_link(draft, path)?;
        fs::remove_file(draft)
    })
}

/// Writes a file that only its owner may read, in place of the one that is there.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    replace_for(path, text, Readers::Owner)
}

/// Writes a file in place of the one that is there.
pub(crate) fn replace_for(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    written(path, text, readers, |draft| fs::rename(draft, path))
}

fn written(
    path: &Path,
    text: &str,
    readers: Readers,
    place: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let draft = draft(path);
    let done = write_new(&draft, text, readers).and_then(|()| place(&draft));
    if done.is_err() {
        // Nothing is there to tidy where it could not be made.
        let _ = fs::remove_file(&draft);
    }
    done
}

fn draft(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

fn write_new(draft: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = readers;
    let mut file = options.open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once_and_no_draft_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("z.toml");
        create(&path, "a", Readers::AsUsual).expect("it is new");
        let error = create(&path, "b", Readers::AsUsual).expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).expect("it stays"), "a");
        replace(&path, "b").expect("replaced");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "b");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_what_is_secret() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("z.toml");
        create(&path, "a", Readers::Owner).expect("written");
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
