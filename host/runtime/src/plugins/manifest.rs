//! What an operator allows one plugin: the file `NAME.toml` beside `NAME.wasm`.

use std::path::PathBuf;

use serde::Deserialize;
use zapjobs_model::{Access, Digest, DirectoryGrant, Grants, Limits, Narrowing};

/// A manifest. An absent file is an empty one: nothing granted, nothing narrowed.
///
/// ```toml
/// digest = "sha256:..."  # no other code than this
///
/// [[directory]]
/// host = "/srv/photos"   # absolute, must exist
/// guest = "/in"          # absolute, how the plugin names it
/// access = "ro"          # or "rw"
///
/// [limits]               # each narrows the host's own limit
/// memory_bytes_max = 67108864
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifest {
    digest: Option<PinnedDigest>,
    directory: Vec<DirectoryEntry>,
    limits: Narrowing,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectoryEntry {
    host: PathBuf,
    guest: String,
    access: Access,
}

/// A digest as people write it: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct PinnedDigest(Digest);

impl TryFrom<String> for PinnedDigest {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("sha256:").and_then(|digits| digits.parse().ok());
        digits.map(Self).ok_or_else(|| {
            "digest must be \"sha256:\" and 64 hexadecimal digits, as `plugins history` shows"
                .to_owned()
        })
    }
}

/// A manifest that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ManifestError(String);

impl Manifest {
    /// Reads a manifest's text.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            ManifestError(format!("line {place}: {}", error.message().replace('\n', ", ")))
        })?;
        match manifest.directory.iter().find_map(DirectoryEntry::problem) {
            Some(problem) => Err(ManifestError(problem)),
            None => Ok(manifest),
        }
    }

    /// The only code that it allows, where it names one.
    pub fn digest(&self) -> Option<Digest> {
        self.digest.map(|PinnedDigest(digest)| digest)
    }

    /// What it allows.
    pub fn grants(&self) -> Grants {
        let directories = self.directory.iter().map(|entry| DirectoryGrant {
            host: entry.host.clone(),
            guest: entry.guest.clone(),
            access: entry.access,
        });
        Grants { directories: directories.collect() }
    }

    /// The host's limits, narrowed; the stricter of both wins.
    pub fn narrow(&self, host: &Limits) -> Limits {
        host.narrowed(&self.limits)
    }
}

impl DirectoryEntry {
    fn problem(&self) -> Option<String> {
        let relative = "must be an absolute path";
        if !self.host.is_absolute() {
            return Some(format!("directory host {:?} {relative}", self.host));
        }
        let climbs = self.guest.split('/').any(|part| part == "..");
        if !self.guest.starts_with('/') || climbs {
            return Some(format!("directory guest {:?} {relative} without ..", self.guest));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_grants_directories_and_narrows_limits() {
        let text = "[[directory]]\nhost = \"/srv\"\nguest = \"/in\"\naccess = \"ro\"\n\
                    [limits]\ncpu_ms_max = 10\nwall_ms_max = 900000000\n";
        let manifest = Manifest::parse(text).expect("a manifest");
        assert_eq!(manifest.grants().directories[0].access, Access::ReadOnly);
        let host = Limits::default();
        let limits = manifest.narrow(&host);
        assert_eq!(limits.cpu_ms_max, 10);
        assert_eq!(limits.wall_ms_max, host.wall_ms_max, "a manifest cannot widen");
    }

    #[test]
    fn a_manifest_that_says_something_unknown_is_refused_with_its_line() {
        for (text, expected) in [
            ("[limits]\ncpu_max = 1\n", "there is no limit \"cpu_max\""),
            ("[[directory]]\nhost = \"in\"\nguest = \"/in\"\naccess = \"ro\"\n", "absolute"),
            ("[[directory]]\nhost = \"/in\"\nguest = \"/a/../b\"\naccess = \"ro\"\n", ".."),
            ("[[directory]]\nhost = \"/in\"\nguest = \"/in\"\naccess = \"all\"\n", "line 4"),
            ("digest = \"sha1:00\"\n", "64 hexadecimal digits"),
        ] {
            let error = Manifest::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
