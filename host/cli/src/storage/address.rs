//! What kind of storage a URL names.

use std::path::Path;

use zapjobs_sqlite::Location;

use crate::config::StorageUrl;
use crate::errors::{Done, Failure};

const SUPPORTED: &str = "use sqlite:PATH, postgres://..., redis://..., redis+sentinel://..., \
                         redis-cluster://..., sqlite::memory: or memory:";

/// Where a storage is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address<'a> {
    Memory,
    Sqlite(Location),
    /// With its secrets.
    Postgres(&'a str),
    /// With its secrets.
    Redis(&'a str),
}

impl<'a> Address<'a> {
    pub(super) fn parse(url: &'a StorageUrl) -> Done<Self> {
        let wrong = |what: String| Err(Failure::usage(format!("{what}: {SUPPORTED}")));
        let Some((scheme, rest)) = url.secret().split_once(':') else {
            return wrong(format!("the storage {:?} has no scheme", url.to_string()));
        };
        match (scheme, rest) {
            ("memory", "") => Ok(Self::Memory),
            ("memory", _) => wrong(format!("the storage {:?} has no place", url.to_string())),
            ("sqlite", ":memory:") => Ok(Self::Sqlite(Location::Memory)),
            ("sqlite", path) => match path.strip_prefix("//").unwrap_or(path) {
                "" => wrong(format!("the storage {:?} names no file", url.to_string())),
                path => Ok(Self::Sqlite(Location::File(Path::new(path).to_owned()))),
            },
            ("postgres" | "postgresql", _) => Ok(Self::Postgres(url.secret())),
            (
                "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis-cluster"
                | "rediss-cluster",
                _,
            ) => Ok(Self::Redis(url.secret())),
            (scheme, _) => wrong(format!("this build has no storage {scheme:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_driver_and_a_place() {
        let kind = |url: &str| match Address::parse(&StorageUrl::new(url)) {
            Ok(Address::Memory) => "memory".to_owned(),
            Ok(Address::Sqlite(location)) => format!("sqlite {location}"),
            Ok(Address::Postgres(url)) => format!("postgres {url}"),
            Ok(Address::Redis(url)) => format!("redis {url}"),
            Err(failure) => failure.message,
        };
        assert_eq!(kind("memory:"), "memory");
        assert_eq!(kind("sqlite::memory:"), format!("sqlite {}", Location::Memory));
        assert_eq!(kind("sqlite:a.db"), "sqlite a.db");
        assert_eq!(kind("sqlite:///srv/a.db"), "sqlite /srv/a.db");
        for url in ["postgres://a:b@c/d", "postgresql://c/d"] {
            assert_eq!(kind(url), format!("postgres {url}"));
        }
        for url in ["redis://c", "rediss://c", "redis+sentinel://c/m", "redis-cluster://a,b"] {
            assert_eq!(kind(url), format!("redis {url}"));
        }
        for bad in ["", "zapjobs.db", "memory:x", "sqlite:", "mysql://a:hush@x", "C:\\a.db"] {
            let message = kind(bad);
            assert!(message.contains("use sqlite:PATH"), "{bad}: {message}");
            assert!(!message.contains("hush"), "{message}");
        }
    }
}
