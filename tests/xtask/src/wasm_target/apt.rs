//! Debian packages, fetched and unpacked into a folder of their own.
//!
//! **Invariant:** apt's lists, its caches and its settings live in that folder. The system's
//! are read only: nothing is installed, and no rights are needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Debian's own mirror, where the machine names none.
const MIRROR: &str = "http://deb.debian.org/debian";
/// What signs Debian's packages.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A private apt.
pub(super) struct Apt {
    directory: PathBuf,
}

impl Apt {
    /// Sets it up in `directory`, for the suites of the release `codename`, with the mirrors
    /// that the machine uses.
    pub(super) fn set_up(directory: &Path, codename: &str) -> Result<Self> {
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(directory.join(folder)).context("set up a private apt")?;
        }
        let mirrors = Mirrors::in_sources(&machine_sources());
        fs::write(directory.join("sources.list"), mirrors.sources(codename))
            .context("write the sources of a private apt")?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Fetches the lists of packages.
    pub(super) fn update(&self) -> Result<()> {
        process::capture(self.command().arg("update")).map(drop)
    }

    /// Fetches packages and what they need beyond what is installed, and unpacks all of it
    /// below `root`.
    pub(super) fn unpack(&self, packages: &[&str], root: &Path) -> Result<()> {
        let mut fetch = self.command();
        fetch.args(["install", "--download-only", "--yes", "--no-install-recommends"]);
        process::capture(fetch.args(packages)).context("fetch Debian packages")?;
        let archives = self.directory.join("cache/archives");
        let mut unpacked = 0;
        for entry in fs::read_dir(&archives).context("list the fetched packages")? {
            let path = entry.context("list the fetched packages")?.path();
            if path.extension().is_some_and(|ending| ending == "deb") {
                process::capture(Command::new("dpkg").arg("-x").arg(&path).arg(root))?;
                unpacked += 1;
            }
        }
        if unpacked < packages.len() {
            bail!(
                "only {unpacked} of the packages {packages:?} came: those that are installed \
                 already are not fetched; remove them or use `rustup target add`"
            );
        }
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("apt-get");
        let own = |path: &str| self.directory.join(path).display().to_string();
        for setting in [
            format!("Dir::State={}", own("state")),
            format!("Dir::State::lists={}", own("state/lists")),
            "Dir::State::status=/var/lib/dpkg/status".to_owned(),
            format!("Dir::Cache={}", own("cache")),
            format!("Dir::Etc::sourcelist={}", own("sources.list")),
            "Dir::Etc::sourceparts=-".to_owned(),
            // The folder is the user's own: neither apt's user nor the system's lock is needed.
            "APT::Sandbox::User=root".to_owned(),
            "Debug::NoLocking=1".to_owned(),
        ] {
            command.arg("-o").arg(setting);
        }
        command
    }
}

/// Where packages come from.
#[derive(Debug, PartialEq, Eq)]
struct Mirrors {
    main: String,
    security: String,
}

impl Mirrors {
    /// Finds the mirrors in the text of apt's sources, of either format.
    fn in_sources(text: &str) -> Self {
        let addresses = || {
            let lines = text.lines().map(str::trim);
            let lines = lines.filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"));
            lines.flat_map(str::split_whitespace).filter(|word| word.contains("://"))
        };
        let ending_in = |ending: &str| {
            let trimmed = addresses().map(|address| address.trim_end_matches('/'));
            trimmed.into_iter().find(|address| address.ends_with(ending)).map(str::to_owned)
        };
        let main = ending_in("/debian").unwrap_or_else(|| MIRROR.to_owned());
        let security = ending_in("/debian-security").unwrap_or_else(|| format!("{main}-security"));
        Self { main, security }
    }

    fn sources(&self, codename: &str) -> String {
        let Self { main, security } = self;
        [
            (main, codename.to_owned()),
            (main, format!("{codename}-backports")),
            (security, format!("{codename}-security")),
        ]
        .map(|(mirror, suite)| format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"))
        .concat()
    }
}

/// All that apt is configured to read, as one text.
fn machine_sources() -> String {
    let mut text = fs::read_to_string("/etc/apt/sources.list").unwrap_or_default();
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let mut parts: Vec<PathBuf> = parts.map(|entry| entry.path()).collect();
    parts.sort();
    for part in parts {
        if part.extension().is_some_and(|ending| ending == "list" || ending == "sources") {
            text.push('\n');
            text.push_str(&fs::read_to_string(&part).unwrap_or_default());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_found_in_both_formats_of_sources() {
        let old = "# deb http://old.example/debian bookworm main\n\
                   deb [arch=amd64] https://mirror.example/debian/ bookworm main\n\
                   deb https://mirror.example/debian-security bookworm-security main\n";
        let new = "Types: deb\nURIs: https://mirror.example/debian\nSuites: bookworm\n\n\
                   Types: deb\nURIs: https://mirror.example/debian-security\n";
        let expected = Mirrors {
            main: "https://mirror.example/debian".to_owned(),
            security: "https://mirror.example/debian-security".to_owned(),
        };
        assert_eq!(Mirrors::in_sources(old), expected);
        assert_eq!(Mirrors::in_sources(new), expected);
    }

    #[test]
    fn without_sources_debians_own_mirror_serves() {
        let sources = Mirrors::in_sources("deb https://apt.example/tool stable main").sources("x");
        assert!(sources.contains("http://deb.debian.org/debian x-backports main"), "{sources}");
        assert!(sources.contains("http://deb.debian.org/debian-security x-security main"));
    }
}
