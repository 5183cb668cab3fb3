//! `zapjobs run`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use zapjobs_model::{Access, DirectoryGrant, JobType};

/// Run a component once, here and now, without a server.
///
/// The manifest beside the file (NAME.toml) is used where it is there. The output goes to
/// stdout, logs and progress to stderr.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    pub(crate) file: PathBuf,
    /// Which of its jobs; may be left out where it has one
    #[arg(long, value_name = "ID")]
    pub(crate) job: Option<JobType>,
    /// The input: JSON, @FILE, or - for stdin [default: the job's own default]
    #[arg(long, short, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub(crate) input: Option<String>,
    /// Let it see a directory, such as ./photos:/in:ro (ro unless said)
    #[arg(long = "dir", value_name = "HOST:GUEST[:ro|rw]")]
    pub(crate) dirs: Vec<Grant>,
}

/// A directory that a component may see.
#[derive(Debug, Clone)]
pub(crate) struct Grant(pub(crate) DirectoryGrant);

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (paths, access) = match text.rsplit_once(':') {
            Some((paths, "ro")) => (paths, Access::ReadOnly),
            Some((paths, "rw")) => (paths, Access::ReadWrite),
            _ => (text, Access::ReadOnly),
        };
        let wrong = |what: &str| format!("{what}: use HOST:GUEST[:ro|rw], such as ./photos:/in:ro");
        let (host, guest) =
            paths.rsplit_once(':').ok_or_else(|| wrong("no path inside the sandbox is named"))?;
        if !guest.starts_with('/') || guest.split('/').any(|part| part == "..") {
            return Err(wrong("the path inside the sandbox must be absolute without .."));
        }
        let host = std::fs::canonicalize(host).map_err(|error| format!("{host}: {error}"))?;
        if !host.is_dir() {
            return Err(format!("{} is no directory", host.display()));
        }
        Ok(Self(DirectoryGrant { host, guest: guest.to_owned(), access }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_names_both_sides_and_is_read_only_unless_said() {
        let grant = |text: &str| text.parse::<Grant>().map(|Grant(grant)| grant);
        assert_eq!(grant(".:/in").map(|it| it.access), Ok(Access::ReadOnly));
        assert_eq!(grant(".:/in:rw").map(|it| it.access), Ok(Access::ReadWrite));
        assert_eq!(grant(".:/in:ro").map(|it| it.guest), Ok("/in".to_owned()));
        for bad in [".", ".:in", ".:/a/../b", "./no-such-folder:/in", "Cargo.toml:/in"] {
            assert!(grant(bad).is_err(), "{bad}");
        }
    }
}
