//! The programs that servers need, where they are, and how they are installed.

use std::io;
use std::path::PathBuf;

/// A program that something here needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// What it belongs to, as people call it.
    pub(crate) of: &'static str,
    /// The package that brings it, as Debian and Ubuntu call it.
    pub(crate) package: &'static str,
}

pub(crate) const INITDB: Program =
    Program { name: "initdb", of: "PostgreSQL", package: "postgresql" };
pub(crate) const POSTGRES: Program = Program { name: "postgres", ..INITDB };
pub(crate) const REDIS: Program =
    Program { name: "redis-server", of: "Redis", package: "redis-server" };
pub(crate) const PGBOUNCER: Program =
    Program { name: "pgbouncer", of: "PgBouncer", package: "pgbouncer" };
pub(crate) const OPENSSL: Program = Program { name: "openssl", of: "OpenSSL", package: "openssl" };

/// All of them.
pub(crate) const ALL: [Program; 5] = [INITDB, POSTGRES, REDIS, PGBOUNCER, OPENSSL];

impl Program {
    /// Where it is: among PostgreSQL's own programs, on the `PATH`, or where the system keeps
    /// servers. Where it is not, the error says what to install.
    pub(crate) fn find(self) -> io::Result<PathBuf> {
        find(self.name).ok_or_else(|| missing(&[self]))
    }
}

/// A program that is there or not, wherever it is kept.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut places =
        versions_of_postgres().into_iter().chain(std::env::split_paths(&path)).chain(own);
    places.find_map(|place| Some(place.join(name)).filter(|file| file.is_file()))
}

/// The error, in one line, that programs are missing: which, and how to get them.
pub(crate) fn missing(programs: &[Program]) -> io::Error {
    let listed = |field: fn(&Program) -> &'static str, between| {
        let mut words: Vec<_> = programs.iter().map(field).collect();
        words.dedup();
        words.join(between)
    };
    let names = listed(|program| program.name, ", ");
    let packages = listed(|program| program.package, " ");
    let of = listed(|program| program.of, ", ");
    let words = format!(
        "not installed: {names}; on Debian and Ubuntu, run as root: \
         apt-get install -y --no-install-recommends {packages}; elsewhere, install {of}"
    );
    io::Error::new(io::ErrorKind::NotFound, words)
}

/// Where Debian and its kin put the programs of each version; the newest first.
fn versions_of_postgres() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, directory)| directory).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_is_missing_and_how_to_get_it() {
        let words = missing(&[INITDB, POSTGRES, REDIS]).to_string();
        assert_eq!(
            words,
            "not installed: initdb, postgres, redis-server; on Debian and Ubuntu, run as root: \
             apt-get install -y --no-install-recommends postgresql redis-server; elsewhere, \
             install PostgreSQL, Redis"
        );
    }

    #[test]
    fn a_program_that_is_nowhere_is_not_found() {
        assert_eq!(find("zapjobs-no-such-program"), None);
        assert!(find("sh").is_some());
    }
}
