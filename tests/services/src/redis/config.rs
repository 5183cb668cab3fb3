//! A server's settings, and its configuration file.

use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use super::Redis;
use crate::port::free_port;

/// The master's name, as Sentinels know it.
pub(super) const MASTER: &str = "zapjobs";

/// How a server is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Whether it keeps an append-only file. True.
    pub appendonly: bool,
    /// When the append-only file is synced to the disk. Every second.
    pub appendfsync: Appendfsync,
    /// The user that clients log in as: one that may do everything, and the only one, as the
    /// default user is switched off. Needs a password, and has no spaces. None: the default
    /// user.
    pub user: Option<String>,
    /// The password that clients must give. None.
    pub password: Option<String>,
    /// Whether clients must speak TLS. False. Only for a server alone.
    pub tls: bool,
    /// Further settings, each a name and a value as in the configuration file.
    pub more: Vec<(String, String)>,
    /// The directory to make the temporary directory in. None: the system's temporary one.
    pub data_in: Option<PathBuf>,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            appendonly: true,
            appendfsync: Appendfsync::EverySecond,
            user: None,
            password: None,
            tls: false,
            more: Vec::new(),
            data_in: None,
        }
    }
}

/// When the append-only file is synced to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appendfsync {
    /// Before each answer: what is acknowledged survives the machine.
    Always,
    /// Once a second.
    EverySecond,
    /// When the system likes to.
    Never,
}

/// What a server is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role<'a> {
    Alone,
    /// Of the server on this port, with the same settings.
    Replica(u16),
    Node,
    /// Watches the master on this port, which has these settings.
    Sentinel(u16, &'a RedisSettings),
}

/// The configuration file of a server in a role.
pub(super) fn config(role: Role<'_>, redis: &Redis) -> io::Result<String> {
    let mut lines = vec!["bind 127.0.0.1".to_owned(), format!("port {}", redis.plain_port)];
    let settings = &redis.settings;
    match role {
        Role::Sentinel(master, of) => lines.extend(watching(master, of)),
        _ => lines.extend(keeping(settings)?),
    }
    if let Role::Replica(master) = role {
        lines.push(format!("replicaof 127.0.0.1 {master}"));
    }
    if matches!(role, Role::Node) {
        lines.extend(["cluster-enabled yes".to_owned(), format!("cluster-port {}", free_port()?)]);
    }
    if let Some(made) = &redis.certificate {
        lines.extend([
            format!("tls-port {}", redis.port),
            format!("tls-cert-file {}", quoted(&made.certificate.display().to_string())),
            format!("tls-key-file {}", quoted(&made.key.display().to_string())),
            "tls-auth-clients no".to_owned(),
        ]);
    }
    // Last, so that they may change any of the others.
    lines.extend(settings.more.iter().map(|(name, value)| {
        if value.is_empty() { format!("{name} \"\"") } else { format!("{name} {value}") }
    }));
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// What a server of data is told.
fn keeping(settings: &RedisSettings) -> io::Result<Vec<String>> {
    let fsync = match settings.appendfsync {
        Appendfsync::Always => "always",
        Appendfsync::EverySecond => "everysec",
        Appendfsync::Never => "no",
    };
    let mut lines = vec![
        "save \"\"".to_owned(),
        format!("appendonly {}", if settings.appendonly { "yes" } else { "no" }),
        format!("appendfsync {fsync}"),
    ];
    match (&settings.user, &settings.password) {
        (None, None) => {}
        (None, Some(password)) => {
            lines.push(format!("requirepass {}", quoted(password)));
            lines.push(format!("masterauth {}", quoted(password)));
        }
        (Some(user), Some(password)) => {
            let secret = quoted(&format!(">{password}"));
            lines.push(format!("user {} on {secret} ~* &* +@all", quoted(user)));
            lines.push("user default off".to_owned());
            lines.push(format!("masteruser {}", quoted(user)));
            lines.push(format!("masterauth {}", quoted(password)));
        }
        (Some(user), None) => {
            let words = format!("the Redis user {user} needs a password");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
    }
    Ok(lines)
}

/// What a Sentinel is told.
fn watching(master: u16, settings: &RedisSettings) -> Vec<String> {
    let mut lines = vec![
        format!("sentinel monitor {MASTER} 127.0.0.1 {master} 2"),
        format!("sentinel down-after-milliseconds {MASTER} 1000"),
        format!("sentinel failover-timeout {MASTER} 3000"),
    ];
    if let Some(user) = &settings.user {
        lines.push(format!("sentinel auth-user {MASTER} {}", quoted(user)));
    }
    if let Some(password) = &settings.password {
        lines.push(format!("sentinel auth-pass {MASTER} {}", quoted(password)));
    }
    lines
}

/// A value that may have any character, as the configuration file wants it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_./:>".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            write!(quoted, "\\x{byte:02x}").expect("a string takes all");
        }
    }
    quoted + "\""
}
