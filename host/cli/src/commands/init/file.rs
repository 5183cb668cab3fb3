//! The file that `init` writes.

use std::io;
use std::path::Path;

use crate::errors::{Done, Failure};
use crate::own_file::{self, Readers};

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

/// Writes the file; by force, in place of the one that is there.
pub(super) fn write(path: &Path, text: &str, readers: Readers, force: bool) -> Done {
    let written = match force {
        true => own_file::replace_for(path, text, readers),
        false => own_file::create(path, text, readers),
    };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !force => exists(path),
        _ => Failure::unavailable(format!("{} cannot be written: {error}", path.display())),
    })
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!(
        "{} is there already: say --force to replace it, or name another with --config",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("z.toml");
        write(&path, "a", Readers::AsUsual, false).expect("it is new");
        let failure = write(&path, "b", Readers::AsUsual, false).expect_err("it is there");
        assert!(failure.message.contains("--force"), "{failure}");
        assert!(check(&path, false).is_err() && check(&path, true).is_ok());
        write(&path, "b", Readers::Owner, true).expect("by force");
        assert_eq!(std::fs::read_to_string(&path).expect("it is replaced"), "b");
    }

    #[test]
    fn a_place_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("no/z.toml");
        let failure = write(&path, "a", Readers::AsUsual, false).expect_err("none");
        assert!(failure.message.contains("cannot be written"), "{failure}");
    }
}
