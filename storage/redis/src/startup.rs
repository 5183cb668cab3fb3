//! What is looked at before the first run is stored.
//!
//! A server of the wrong kind is refused. A setting under which runs can be lost is only
//! warned of, with what can be lost: operators may know better.

use redis::{RedisError, Value, cmd};
use zapjobs_storage::{ErrorKind, Result, StorageError};

use crate::answer::Answer;
use crate::connection::dial_first;
use crate::error::describe;
use crate::keys::Keys;
use crate::link::Link;
use crate::options::{RedisOptions, Topology};
use crate::script::{Call, SCRIPTS};

const OPEN: &str = "open the Redis storage";

/// Looks at the server and what it holds.
pub(crate) async fn check(
    link: &Link,
    keys: &Keys,
    options: &RedisOptions,
    schema_version: u32,
) -> Result<()> {
    let mut call = Call::new(&SCRIPTS.info, 1);
    call.arg(&keys.indexes()[0]);
    let answer = match link.call(&call).await {
        Ok(answer) => answer,
        Err(error) => return Err(explained(options, &error).await),
    };
    let settings = Settings::of(Answer::of(OPEN, &answer).text()?);
    if settings.is_cluster() != (options.topology == Topology::Cluster) {
        return Err(wrong_kind(settings.is_cluster()));
    }
    for warning in settings.warnings() {
        tracing::warn!(storage = %options.location(), "{warning}");
    }
    check_version(link, keys, schema_version).await
}

/// Notes the version of what the keys hold, or finds that it is newer than this program.
async fn check_version(link: &Link, keys: &Keys, version: u32) -> Result<()> {
    let mut commands = redis::pipe();
    let key = keys.named("schema");
    commands.cmd("SET").arg(&key).arg(version).arg("NX").ignore().cmd("GET").arg(&key);
    let answers = link.read(&commands).await.map_err(|error| describe(OPEN, &error))?;
    let stored = match answers.last() {
        Some(value @ Value::BulkString(_)) => Answer::of(OPEN, value).number()?,
        _ => return Err(crate::error::unexpected(OPEN)),
    };
    if stored == i64::from(version) {
        return Ok(());
    }
    let message =
        format!("the keys have version {stored}, this program knows {version}: upgrade it");
    Err(StorageError::new(ErrorKind::Schema, OPEN, message))
}

/// Why the first call failed, where another kind of server than addressed may be the cause.
async fn explained(options: &RedisOptions, error: &RedisError) -> StorageError {
    if options.topology == Topology::Cluster
        && let Ok(mut conn) = dial_first(options).await
        && let Err(answer) = cmd("CLUSTER").arg("INFO").query_async::<String>(&mut conn).await
        && answer.to_string().contains("cluster support disabled")
    {
        return wrong_kind(false);
    }
    let is_moved = error.kind() == redis::ErrorKind::Server(redis::ServerErrorKind::Moved);
    if is_moved && options.topology != Topology::Cluster {
        return wrong_kind(true);
    }
    describe(OPEN, error)
}

fn wrong_kind(is_cluster: bool) -> StorageError {
    let message = if is_cluster {
        "the server is a node of a cluster: address it as redis-cluster://"
    } else {
        "the server is no node of a cluster: address it as redis:// or redis+sentinel://"
    };
    StorageError::new(ErrorKind::Configuration, OPEN, message)
}

/// What a server says of itself: the answer to INFO.
pub(crate) struct Settings<'a>(&'a str);

impl<'a> Settings<'a> {
    pub(crate) fn of(info: &'a str) -> Self {
        Self(info)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
        self.0.lines().find_map(value).map(str::trim)
    }

    fn is_cluster(&self) -> bool {
        self.get("cluster_enabled") == Some("1")
    }

    fn appends(&self) -> bool {
        self.get("aof_enabled") == Some("1")
    }

    pub(crate) fn version(&self) -> String {
        match (self.get("valkey_version"), self.get("redis_version")) {
            (Some(version), _) => format!("Valkey {version}"),
            (None, version) => format!("Redis {}", version.unwrap_or("of unknown version")),
        }
    }

    /// What an acknowledged write survives.
    pub(crate) fn durability(&self) -> &'static str {
        if self.appends() {
            "survives the death of this process; a crash of the server may lose what its \
             append-only file had not synced (one second with appendfsync everysec), a failover \
             what the replica had not received"
        } else {
            "survives the death of this process; a restart of the server loses all that came \
             after its last snapshot, or everything where it takes none"
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let policy = self.get("maxmemory_policy").unwrap_or("noeviction");
        if policy != "noeviction" {
            warnings.push(format!(
                "the server's maxmemory-policy is {policy}: once its memory is full it deletes \
                 keys, and runs, their logs or whole queues can be lost without a word; set it \
                 to noeviction"
            ));
        }
        if !self.appends() {
            warnings.push(
                "the server keeps no append-only file: when it restarts, every run accepted or \
                 finished since its last snapshot can be lost, and finished runs can run again; \
                 set appendonly yes"
                    .to_owned(),
            );
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risky_settings_are_warned_of_with_what_can_be_lost() {
        let safe = Settings::of("maxmemory_policy:noeviction\r\naof_enabled:1\r\n");
        assert!(safe.warnings().is_empty());
        let evicts = Settings::of("maxmemory_policy:allkeys-lru\r\naof_enabled:1\r\n");
        assert!(evicts.warnings()[0].contains("allkeys-lru"));
        let forgets = Settings::of("maxmemory_policy:noeviction\r\naof_enabled:0\r\n");
        assert!(forgets.warnings()[0].contains("lost"));
        assert_ne!(forgets.durability(), safe.durability());
    }

    #[test]
    fn the_server_is_named_with_its_version() {
        assert_eq!(Settings::of("redis_version:7.0.15\r\n").version(), "Redis 7.0.15");
        let valkey = Settings::of("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n");
        assert_eq!(valkey.version(), "Valkey 8.0.1");
    }
}
