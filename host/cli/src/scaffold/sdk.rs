//! The SDK that this command carries, put where Cargo finds it.

use std::path::{Path, PathBuf};

use super::embedded::{SDK, SDK_HASH};
use crate::errors::{Done, Failure};

/// Where the SDK's crate is; it is put there where it is not.
///
/// The place is `zapjobs/sdk/VERSION-HASH/sdk` in the user's data directory: `$XDG_DATA_HOME`,
/// or `~/.local/share`. Another version is another directory, so that plugins keep theirs.
pub(crate) fn installed() -> Done<PathBuf> {
    let home = data_home(|name| std::env::var_os(name).map(PathBuf::from))?;
    install(&home.join("zapjobs").join("sdk"))
}

fn data_home(variable: impl Fn(&str) -> Option<PathBuf>) -> Done<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let own = variable("XDG_DATA_HOME").filter(absolute);
    let home = || variable("HOME").filter(absolute).map(|home| home.join(".local/share"));
    let windows = || variable("LOCALAPPDATA").filter(absolute);
    own.or_else(home).or_else(windows).ok_or_else(|| {
        Failure::unavailable("there is no place for the SDK: set HOME or XDG_DATA_HOME")
    })
}

fn install(folder: &Path) -> Done<PathBuf> {
    let place = folder.join(format!("{}-{SDK_HASH}", env!("CARGO_PKG_VERSION")));
    if !place.is_dir() {
        // Under another name first: a half-written SDK is never found.
        let draft = folder.join(format!(".{SDK_HASH}-{}", std::process::id()));
        let written = super::template::write_files(&draft, SDK.iter().copied())
            .and_then(|()| std::fs::rename(&draft, &place));
        // Someone else may have put the same files there meanwhile.
        if let Err(error) =
            written.or_else(|error| if place.is_dir() { Ok(()) } else { Err(error) })
        {
            return Err(Failure::unavailable(format!(
                "the SDK cannot be written to {}: {error}",
                place.display()
            )));
        }
        let _ = std::fs::remove_dir_all(&draft);
    }
    Ok(place.join("sdk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_written_once_and_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let sdk = install(folder.path()).expect("installed");
        assert!(sdk.join("Cargo.toml").is_file() && sdk.join("src/lib.rs").is_file());
        assert!(sdk.join("../macros/Cargo.toml").is_file());
        assert_eq!(install(folder.path()).expect("found"), sdk);
        let entries = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(entries, 1, "no draft is left");
    }

    #[test]
    fn a_relative_data_directory_is_passed_over() {
        let variable = |name: &str| match name {
            "XDG_DATA_HOME" => Some(PathBuf::from("data")),
            "HOME" => Some(PathBuf::from("/home/ada")),
            _ => None,
        };
        assert_eq!(data_home(variable).expect("home"), Path::new("/home/ada/.local/share"));
        assert!(data_home(|_| None).is_err());
    }
}
