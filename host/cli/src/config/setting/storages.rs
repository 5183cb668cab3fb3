//! How each kind of storage is opened.

use std::path::PathBuf;

use super::Setting;
use super::text::{number, one_of_two, span};
use crate::values::format_span;

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "sqlite.synchronous",
        meaning: "What a stored run survives: normal, the death of a process; full, a power failure too.",
        bounds: "normal or full",
        read: |config| if config.sqlite.full_sync { "full" } else { "normal" }.to_owned(),
        write: |config, text| {
            config.sqlite.full_sync = one_of_two(text, "normal", "full")?;
            Ok(())
        },
    },
    Setting {
        key: "sqlite.table_prefix",
        meaning: "What the names of tables begin with.",
        bounds: "a-z, 0-9 and '_', at most 30 bytes",
        read: |config| config.sqlite.table_prefix.clone(),
        write: |config, text| {
            config.sqlite.table_prefix = text.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "sqlite.busy_timeout",
        meaning: "How long a write waits for another process's to end.",
        bounds: "0s to 10m",
        read: |config| format_span(config.sqlite.busy_timeout),
        write: |config, text| {
            config.sqlite.busy_timeout = span(text, 0..=600_000)?;
            Ok(())
        },
    },
    Setting {
        key: "postgres.schema",
        meaning: "The schema that holds the tables.",
        bounds: "a-z, 0-9 and '_', at most 30 bytes",
        read: |config| config.postgres.schema.clone(),
        write: |config, text| {
            config.postgres.schema = text.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "postgres.table_prefix",
        meaning: "What the names of tables, indices and functions begin with.",
        bounds: "empty, or a-z, 0-9 and '_', at most 20 bytes",
        read: |config| config.postgres.table_prefix.clone(),
        write: |config, text| {
            config.postgres.table_prefix = text.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "postgres.connections",
        meaning: "Connections of one host at most, beside the one that listens.",
        bounds: "1 to 200",
        read: |config| config.postgres.connections.to_string(),
        write: |config, text| {
            config.postgres.connections = number(text, 1..=200)? as usize;
            Ok(())
        },
    },
    Setting {
        key: "postgres.wake_ups",
        meaning: "How other hosts' writes are learnt of: by LISTEN, or by asking, as PgBouncer in transaction mode needs it.",
        bounds: "listen or poll",
        read: |config| if config.postgres.polls { "poll" } else { "listen" }.to_owned(),
        write: |config, text| {
            config.postgres.polls = one_of_two(text, "listen", "poll")?;
            Ok(())
        },
    },
    Setting {
        key: "postgres.prepared_statements",
        meaning: "Statements kept prepared on a connection; 0 behind PgBouncer before 1.21.",
        bounds: "0 to 10000",
        read: |config| config.postgres.prepared_statements.to_string(),
        write: |config, text| {
            config.postgres.prepared_statements = number(text, 0..=10_000)? as usize;
            Ok(())
        },
    },
    Setting {
        key: "postgres.connect_timeout",
        meaning: "How long a new connection, or the wait for a free one, may take.",
        bounds: "1ms to 10m",
        read: |config| format_span(config.postgres.connect_timeout),
        write: |config, text| {
            config.postgres.connect_timeout = span(text, 1..=600_000)?;
            Ok(())
        },
    },
    Setting {
        key: "postgres.statement_timeout",
        meaning: "How long one statement may take.",
        bounds: "1s to 1h",
        read: |config| format_span(config.postgres.statement_timeout),
        write: |config, text| {
            config.postgres.statement_timeout = span(text, 1_000..=3_600_000)?;
            Ok(())
        },
    },
    Setting {
        key: "redis.key_prefix",
        meaning: "What all keys begin with, in braces.",
        bounds: "1 to 100 of a-z, A-Z, 0-9, '.', '_', '-', ':'",
        read: |config| config.redis.key_prefix.clone(),
        write: |config, text| {
            config.redis.key_prefix = text.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "redis.connect_timeout",
        meaning: "How long a new connection may take.",
        bounds: "1ms to 10m",
        read: |config| format_span(config.redis.connect_timeout),
        write: |config, text| {
            config.redis.connect_timeout = span(text, 1..=600_000)?;
            Ok(())
        },
    },
    Setting {
        key: "redis.response_timeout",
        meaning: "How long the server may take to answer.",
        bounds: "1ms to 10m",
        read: |config| format_span(config.redis.response_timeout),
        write: |config, text| {
            config.redis.response_timeout = span(text, 1..=600_000)?;
            Ok(())
        },
    },
    Setting {
        key: "redis.log_entries",
        meaning: "Log entries kept of one run; the oldest go first.",
        bounds: "1 to 1000000",
        read: |config| config.redis.log_entries_per_run_max.to_string(),
        write: |config, text| {
            let entries = number(text, 1..=1_000_000)?;
            config.redis.log_entries_per_run_max = u32::try_from(entries).unwrap_or(u32::MAX);
            Ok(())
        },
    },
    Setting {
        key: "redis.log_ttl",
        meaning: "How long a log is kept after its last entry.",
        bounds: "1s to 3650d",
        read: |config| format_span(config.redis.log_ttl),
        write: |config, text| {
            config.redis.log_ttl = span(text, 1_000..=315_360_000_000)?;
            Ok(())
        },
    },
    Setting {
        key: "redis.ca_file",
        meaning: "The only roots that the server's certificate may go back to, as PEM; the machine's where empty.",
        bounds: "a file; only with TLS",
        read: |config| {
            config.redis.ca_file.as_ref().map_or_else(String::new, |it| it.display().to_string())
        },
        write: |config, text| {
            config.redis.ca_file = (!text.is_empty()).then(|| PathBuf::from(text));
            Ok(())
        },
    },
    Setting {
        key: "redis.replicas_acked",
        meaning: "Replicas that must have a write before it is acknowledged: with 1, a failover loses nothing.",
        bounds: "0 to 100; not with a cluster",
        read: |config| config.redis.replicas_acked.to_string(),
        write: |config, text| {
            let replicas = number(text, 0..=100)?;
            config.redis.replicas_acked = u32::try_from(replicas).unwrap_or(u32::MAX);
            Ok(())
        },
    },
];
