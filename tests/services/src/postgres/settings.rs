//! How a PostgreSQL server is started.

use std::path::PathBuf;

/// How a server is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// Whether commits wait for the disk. True; servers for tests turn it off, benchmarks
    /// leave it on.
    pub fsync: bool,
    /// Connections at once at most. 300.
    pub connections_max: u16,
    /// Memory that connections share, in MiB. 256.
    pub shared_buffers_mb: u32,
    /// Size of the log that brings about a checkpoint, in MiB. 4096.
    pub wal_max_mb: u32,
    /// The superuser's password, which clients must give (SCRAM). None: whoever comes from
    /// this machine is trusted.
    pub password: Option<String>,
    /// Whether clients must speak TLS. False.
    pub tls: bool,
    /// Further settings, each a name and a value, as in the configuration file.
    pub more: Vec<(String, String)>,
    /// The directory to make the temporary directory in. None: the system's temporary one.
    pub data_in: Option<PathBuf>,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            fsync: true,
            connections_max: 300,
            shared_buffers_mb: 256,
            wal_max_mb: 4096,
            password: None,
            tls: false,
            more: Vec::new(),
            data_in: None,
        }
    }
}

impl PostgresSettings {
    /// A server that a whole run of tests shares: cheap, with room for many connections, and
    /// in memory where there is room. Commits are as with others, except that they do not
    /// survive a crash of the machine.
    pub fn for_tests() -> Self {
        Self {
            fsync: false,
            connections_max: 600,
            shared_buffers_mb: 64,
            wal_max_mb: 512,
            data_in: crate::home::memory_directory(),
            ..Self::default()
        }
    }
}
