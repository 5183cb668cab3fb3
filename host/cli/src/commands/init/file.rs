//! The file is written: whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::errors::{Done, Failure};

/// Refuses early what could not be written later.
pub(super) fn check(path: &Path, force: bool) -> Done {
    if path.is_dir() {
        return Err(Failure::usage(format!("{} is a directory: name a file", path.display())));
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(exists(path));
    }
    Ok(())
}

/// Writes the file; only its owner may read one that is secret.
pub(super) fn write(path: &Path, text: &str, is_secret: bool, force: bool) -> Done {
    let draft = draft(path);
    let written = write_new(&draft, text, is_secret).and_then(|()| place(&draft, path, force));
    written.map_err(|error| {
        // Nothing is there to tidy where it could not be made.
        let _ = fs::remove_file(&draft);
        match error.kind() {
            io::ErrorKind::AlreadyExists if !force => exists(path),
            _ => Failure::unavailable(format!("{} cannot be written: {error}", path.display())),
        }
    })
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!(
        "{} is there already: say --force to replace it, or name another with --config",
        path.display()
    ))
}

/// Beside the file, so that it can be put in its place in one step.
fn draft(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

fn write_new(draft: &Path, text: &str, is_secret: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    let mut file = options.open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Puts the draft in its place; a file that came meanwhile stays, unless it is to be replaced.
fn place(draft: &Path, path: &Path, force: bool) -> io::Result<()> {
    if force {
        return fs::rename(draft, path);
    }
    fs::hard_link(draft, path)?;
    fs::remove_file(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_by_force_and_no_draft_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("z.toml");
        write(&path, "a", false, false).expect("it is new");
        let failure = write(&path, "b", false, false).expect_err("it is there");
        assert!(failure.message.contains("--force"), "{failure}");
        assert!(check(&path, false).is_err() && check(&path, true).is_ok());
        assert_eq!(fs::read_to_string(&path).expect("it stays"), "a");
        write(&path, "b", true, true).expect("by force");
        assert_eq!(fs::read_to_string(&path).expect("it is replaced"), "b");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_a_file_with_a_password() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("z.toml");
        write(&path, "a", true, false).expect("written");
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_place_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let failure = write(&folder.path().join("no/z.toml"), "a", false, false).expect_err("none");
        assert!(failure.message.contains("cannot be written"), "{failure}");
    }
}
