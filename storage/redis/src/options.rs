//! How a storage is reached.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zapjobs_storage::{Clock, ErrorKind, Result, StorageError};

/// Bytes of a key prefix at most.
pub const KEY_PREFIX_BYTES_MAX: usize = 100;
/// Servers in one address at most.
pub const HOSTS_MAX: usize = 100;

const OPEN: &str = "open the Redis storage";

/// What kind of servers the address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Standalone,
    /// Sentinels, which know where the master of this name is.
    Sentinel {
        /// The master's name, as the Sentinels know it.
        master: String,
    },
    /// Some nodes of a cluster, which know the others.
    Cluster,
}

/// A server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name or number.
    pub name: String,
    /// Its port.
    pub port: u16,
}

/// How a storage is reached.
#[derive(Clone)]
pub struct RedisOptions {
    /// What kind of servers these are.
    pub topology: Topology,
    /// The servers: the one, some Sentinels, or some nodes of the cluster.
    pub hosts: Vec<Host>,
    /// The database's number. A cluster has only 0. 0.
    pub database: u32,
    /// Who logs in; the server's default user where absent.
    pub user: Option<String>,
    /// The password, never shown.
    pub password: Option<String>,
    /// Whether connections are encrypted, and the server's certificate checked against the
    /// machine's roots, or those of `ca_file`. No.
    pub tls: bool,
    /// The file, as PEM, with the only roots that a server's certificate may go back to; the
    /// machine's where absent. Only with `tls`.
    pub ca_file: Option<PathBuf>,
    /// How many replicas must have a submission, a claim or a result before it is acknowledged.
    /// With 1 or more, a failover to such a replica loses nothing acknowledged, and each of these
    /// calls waits for the replicas. A write that too few have received in time is answered as
    /// `Unavailable` and stands all the same. Not with a cluster. 0.
    pub replicas_acked: u32,
    /// What all keys begin with, in braces: 1 to [`KEY_PREFIX_BYTES_MAX`] of a-z, A-Z, 0-9,
    /// '.', '_', '-' and ':'. `zapjobs`.
    pub key_prefix: String,
    /// How long one connection may take to be made. 5 seconds.
    pub connect_timeout: Duration,
    /// How long the server may take to answer. 10 seconds.
    pub response_timeout: Duration,
    /// Entries kept of one run's log; the oldest go first. 10,000.
    pub log_entries_per_run_max: u32,
    /// How long a log is kept after its last entry. 30 days.
    pub log_ttl: Duration,
    /// Where the storage reads the time; the server's clock where absent. Hosts that share a
    /// server leave it so: a clock is for tests.
    pub clock: Option<Arc<dyn Clock>>,
}

impl RedisOptions {
    /// One server at this place, with the defaults.
    pub fn standalone(host: impl Into<String>, port: u16) -> Self {
        Self {
            topology: Topology::Standalone,
            hosts: vec![Host { name: host.into(), port }],
            database: 0,
            user: None,
            password: None,
            tls: false,
            ca_file: None,
            replicas_acked: 0,
            key_prefix: "zapjobs".to_owned(),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(10),
            log_entries_per_run_max: 10_000,
            log_ttl: Duration::from_secs(30 * 24 * 3600),
            clock: None,
        }
    }

    /// From an address, with the defaults for all that it does not say:
    ///
    /// - `redis://[user[:password]@]host[:port][/database]`
    /// - `redis+sentinel://[user[:password]@]host[:port][,host[:port]...]/master[/database]`
    /// - `redis-cluster://[user[:password]@]host[:port][,host[:port]...]`
    ///
    /// Each is encrypted as `rediss`, `rediss+sentinel` or `rediss-cluster`. The port is 6379
    /// unless said, and 26379 for a Sentinel. In user and password, `%` begins two hexadecimal
    /// digits.
    ///
    /// Errors: `Configuration`; the message never repeats the address, which may hold a
    /// password.
    pub fn parse(url: &str) -> Result<Self> {
        crate::address::parse(url).map_err(refused)
    }

    pub(crate) fn checked(self) -> Result<Self> {
        let is_prefix_byte =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':');
        let prefix_len = self.key_prefix.len();
        if !(1..=KEY_PREFIX_BYTES_MAX).contains(&prefix_len)
            || !self.key_prefix.bytes().all(is_prefix_byte)
        {
            return Err(refused(format!(
                "invalid key prefix {:?}: use 1 to {KEY_PREFIX_BYTES_MAX} of a-z, A-Z, 0-9, '.', \
                 '_', '-', ':'",
                self.key_prefix.chars().take(KEY_PREFIX_BYTES_MAX).collect::<String>()
            )));
        }
        if !(1..=HOSTS_MAX).contains(&self.hosts.len()) {
            return Err(refused(format!("{} servers: name 1 to {HOSTS_MAX}", self.hosts.len())));
        }
        if self.topology == Topology::Cluster && self.database != 0 {
            return Err(refused("a cluster has only database 0".to_owned()));
        }
        if self.topology == Topology::Cluster && self.replicas_acked > 0 {
            return Err(refused("replicas_acked is not possible with a cluster".to_owned()));
        }
        if self.ca_file.is_some() && !self.tls {
            return Err(refused("a CA file needs TLS: use rediss://".to_owned()));
        }
        if self.log_entries_per_run_max == 0 || self.log_ttl.as_secs() == 0 {
            return Err(refused("logs must be kept: 1 entry and 1 second or more".to_owned()));
        }
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            return Err(refused("a timeout is zero: use 1 ms or more".to_owned()));
        }
        Ok(self)
    }

    /// Makes sure that encrypted connections can be made.
    pub(crate) fn choose_cryptography(&self) {
        if self.tls {
            // Fails only if the program has chosen a provider before, which then serves.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
    }

    /// Where it is, without secrets.
    pub(crate) fn location(&self) -> String {
        let s = if self.tls { "s" } else { "" };
        let hosts: Vec<String> = self.hosts.iter().map(Host::to_string).collect();
        let hosts = hosts.join(",");
        let place = match &self.topology {
            Topology::Standalone => format!("redis{s}://{hosts}/{}", self.database),
            Topology::Sentinel { master } => {
                format!("redis{s}+sentinel://{hosts}/{master}/{}", self.database)
            }
            Topology::Cluster => format!("redis{s}-cluster://{hosts}"),
        };
        format!("{place} (keys {{{}}}:*)", self.key_prefix)
    }
}

fn refused(message: String) -> StorageError {
    StorageError::new(ErrorKind::Configuration, OPEN, message)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("location", &self.location())
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "(hidden)"))
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("log_entries_per_run_max", &self.log_entries_per_run_max)
            .field("log_ttl", &self.log_ttl)
            .finish_non_exhaustive()
    }
}
