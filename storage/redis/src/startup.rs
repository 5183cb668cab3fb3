//! What is looked at before the first run is stored.
//!
//! A server of the wrong kind is refused. A setting under which runs can be lost is only
//! warned of, with what can be lost: operators may know better. The rules are in `settings`.

use redis::{RedisError, Value, cmd};
use zapjobs_storage::{ErrorKind, Result, StorageError};

use crate::answer::Answer;
use crate::connection::dial_first;
use crate::error::describe;
use crate::keys::Keys;
use crate::link::Link;
use crate::options::{RedisOptions, Topology};
use crate::script::{Call, SCRIPTS};
use crate::settings::Settings;

const OPEN: &str = "open the Redis storage";

/// Looks at the server and what it holds.
pub(crate) async fn check(
    link: &Link,
    keys: &Keys,
    options: &RedisOptions,
    schema_version: u32,
) -> Result<()> {
    let info = server_info(link, keys, options).await?;
    let settings = Settings::of(&info);
    for risk in settings.risks() {
        let remedy = risk.remedy.as_deref().unwrap_or_default();
        tracing::warn!(storage = %options.location(), "{}; {remedy}", risk.found);
    }
    check_version(link, keys, schema_version).await
}

/// What the server says of itself, if it is of the kind that was addressed.
pub(crate) async fn server_info(
    link: &Link,
    keys: &Keys,
    options: &RedisOptions,
) -> Result<String> {
    let mut call = Call::new(&SCRIPTS.info, 1);
    call.arg(&keys.indexes()[0]);
    let answer = match link.call(&call).await {
        Ok(answer) => answer,
        Err(error) => return Err(explained(options, &error).await),
    };
    let info = Answer::of(OPEN, &answer).text()?.to_owned();
    let is_cluster = Settings::of(&info).is_cluster();
    if is_cluster != (options.topology == Topology::Cluster) {
        return Err(wrong_kind(is_cluster));
    }
    Ok(info)
}

/// Notes the version of what the keys hold, or finds that another program made them.
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
    let message = if stored > i64::from(version) {
        format!("the keys have version {stored}, this program knows {version}: upgrade it")
    } else {
        format!(
            "the keys have version {stored}, this program needs {version} and converts none: use \
             another key prefix, or delete the keys"
        )
    };
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
