//! Servers by name, in a file of the user's own.
//!
//! **Invariant:** the file is written so that only its owner may read it, and is refused where
//! others may. Tokens leave this module for requests alone.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zapjobs_model::TenantId;

use crate::errors::{Done, Failure};
use crate::own_file;

/// The name that means this machine's storage.
pub(crate) const LOCAL: &str = "local";
/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 40;
/// Bytes of the file at most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What a context is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ContextName(String);

impl ContextName {
    /// Whether it means this machine's storage.
    pub(crate) fn is_local(&self) -> bool {
        self.0 == LOCAL
    }
}

impl FromStr for ContextName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > NAME_BYTES_MAX || !text.bytes().all(is_good) {
            return Err(format!("use 1 to {NAME_BYTES_MAX} of a-z, A-Z, 0-9, '.', '_', '-'"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ContextName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ContextName> for String {
    fn from(name: ContextName) -> Self {
        name.0
    }
}

impl fmt::Display for ContextName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A server, and how to be let in. Not shown: it may hold a token.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    pub(crate) server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// The tenant to work for; the token's own where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<TenantId>,
}

/// All of them.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The one that commands work on where they name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<ContextName>,
    #[serde(default)]
    pub(crate) contexts: BTreeMap<ContextName, Context>,
}

impl Contexts {
    /// The file's, none where it is not there.
    pub(crate) fn read(path: &Path) -> Done<Self> {
        let shown = path.display();
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(Failure::usage(format!("{shown} cannot be read: {error}"))),
        };
        if metadata.len() > FILE_BYTES_MAX {
            return Err(Failure::usage(format!("{shown} is longer than 1 MiB")));
        }
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
            return Err(Failure::usage(format!(
                "{shown} holds tokens and may be read by others: chmod 600 {shown}"
            )));
        }
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| Failure::usage(format!("{shown}: {error}")))?;
        // The reader's own words may quote a token: they are not shown.
        toml::from_str(&text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            Failure::usage(format!("{shown} line {line} cannot be read: mend it or remove it"))
        })
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Done {
        let text = toml::to_string(self).expect("names and texts are TOML");
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::unavailable(format!("{} cannot be made: {error}", folder.display()))
            })?;
        }
        own_file::replace(path, &text).map_err(|error| {
            Failure::unavailable(format!("{} cannot be written: {error}", path.display()))
        })
    }

    /// The one with this name.
    pub(crate) fn named(&self, name: &ContextName) -> Done<&Context> {
        self.contexts.get(name).ok_or_else(|| {
            Failure::usage(format!("there is no context {name}: `zapjobs context list` shows them"))
        })
    }
}

/// Where the file is: in the user's own place for configuration.
pub(crate) fn path(variable: impl Fn(&str) -> Option<PathBuf>) -> Done<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let own = variable("XDG_CONFIG_HOME").filter(absolute);
    let home = || variable("HOME").filter(absolute).map(|home| home.join(".config"));
    let windows = || variable("APPDATA").filter(absolute);
    let place = own.or_else(home).or_else(windows).ok_or_else(|| {
        Failure::unavailable("there is no place for contexts: set HOME or XDG_CONFIG_HOME")
    })?;
    Ok(place.join("zapjobs").join("contexts.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(token: &str) -> Context {
        let token = Some(token.to_owned());
        Context { server: "https://jobs.example".to_owned(), token, tenant: None }
    }

    #[test]
    fn contexts_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/er/contexts.toml");
        assert!(Contexts::read(&path).expect("none yet").contexts.is_empty());
        let name: ContextName = "prod.eu-1".parse().expect("a name");
        let mut written = Contexts { current: Some(name.clone()), ..Contexts::default() };
        written.contexts.insert(name.clone(), context("zj_1_hush"));
        written.write(&path).expect("written");
        let read = Contexts::read(&path).expect("read");
        assert_eq!(read.current, Some(name.clone()));
        assert_eq!(read.named(&name).expect("it is there").token.as_deref(), Some("zj_1_hush"));
        assert!(read.named(&"other".parse().expect("a name")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("contexts.toml");
        Contexts::default().write(&path).expect("written");
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        let failure = Contexts::read(&path).err().expect("refused");
        assert!(failure.message.contains("chmod 600"), "{failure}");
    }

    #[test]
    fn a_broken_file_is_told_without_what_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("contexts.toml");
        let broken = "[contexts.a]\nserver = \"x\"\ntoken = \"hush\" hush\n";
        own_file::replace(&path, broken).expect("written");
        let failure = Contexts::read(&path).err().expect("broken");
        assert!(failure.message.contains("line 3"), "{failure}");
        assert!(!failure.message.contains("hush"), "{failure}");
    }

    #[test]
    fn the_place_is_the_users_own() {
        let variable = |name: &str| (name == "HOME").then(|| PathBuf::from("/home/ada"));
        let place = path(variable).expect("a place");
        assert_eq!(place, Path::new("/home/ada/.config/zapjobs/contexts.toml"));
        assert!(path(|_| None).is_err());
    }
}
