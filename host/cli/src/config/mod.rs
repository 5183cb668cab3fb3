//! What the command works with: a file, then the environment, then flags.
//!
//! **Invariant:** every setting stands once, in [`setting`]: its name, meaning, bounds, and
//! how it is read and written. The file, the environment, `--set`, `zapjobs config` and its
//! template all go by that list. [`merge`] says which source wins.

pub(crate) mod endpoints;
mod file;
mod http;
mod merge;
pub(crate) mod quotas;
mod setting;
mod template;
mod url;

use std::path::PathBuf;
use std::time::Duration;

use zapjobs_model::TenantId;
use zapjobs_model::grants::PrivateAddresses;
use zapjobs_runtime::{HostOptions, PluginOptions, SchemaCheck};

pub(crate) use http::{ADDRESS as HTTP_ADDRESS, HttpConfig, HttpListen};
pub(crate) use merge::{Effective, Source, Sources, load};
pub(crate) use setting::{SETTINGS, Setting};
pub(crate) use template::{template, written};
pub(crate) use url::StorageUrl;

/// The file that is read when none is named and it is there.
pub(crate) const DEFAULT_FILE: &str = "zapjobs.toml";

/// What the command works with.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) storage: StorageUrl,
    pub(crate) migrate_by_hand: bool,
    pub(crate) plugins: PathBuf,
    pub(crate) plugin: PluginConfig,
    pub(crate) tenant: TenantId,
    pub(crate) quotas: Option<PathBuf>,
    pub(crate) color: Color,
    pub(crate) drain: Duration,
    pub(crate) log: LogConfig,
    pub(crate) host: HostOptions,
    pub(crate) sandbox: SandboxConfig,
    pub(crate) sqlite: SqliteConfig,
    pub(crate) postgres: PostgresConfig,
    pub(crate) redis: RedisConfig,
    pub(crate) http: HttpConfig,
    pub(crate) webhooks: PrivateAddresses,
}

/// Whether to write in colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// The host's own log.
#[derive(Debug, Clone)]
pub(crate) struct LogConfig {
    pub(crate) level: String,
    pub(crate) json: bool,
}

/// How the plugins directory is looked after.
#[derive(Debug, Clone)]
pub(crate) struct PluginConfig {
    pub(crate) per_tenant_max: usize,
    pub(crate) component_bytes_max: u64,
    pub(crate) versions_dir: Option<PathBuf>,
    pub(crate) versions_kept: usize,
    pub(crate) trusted_keys: Vec<String>,
    pub(crate) schema_check: SchemaCheck,
}

impl Default for PluginConfig {
    fn default() -> Self {
        let options = PluginOptions::new(TenantId::standard());
        Self {
            per_tenant_max: options.plugins_max,
            component_bytes_max: options.component_bytes_max,
            versions_dir: options.versions_dir,
            versions_kept: options.versions_kept,
            trusted_keys: Vec::new(),
            schema_check: options.schema_check,
        }
    }
}

/// What a sandbox is made with, beside what follows from the host's own options.
#[derive(Debug, Clone)]
pub(crate) struct SandboxConfig {
    pub(crate) cache_dir: Option<PathBuf>,
    pub(crate) cancel_grace: Duration,
    pub(crate) job_log_level: zapjobs_model::LogLevel,
    pub(crate) compile_apart: bool,
    pub(crate) compile_time: Duration,
    pub(crate) compile_memory_bytes: u64,
    pub(crate) core_dump_dir: Option<PathBuf>,
}

/// How a SQLite database is opened.
#[derive(Debug, Clone)]
pub(crate) struct SqliteConfig {
    pub(crate) full_sync: bool,
    pub(crate) table_prefix: String,
    pub(crate) busy_timeout: Duration,
}

/// How a PostgreSQL database is opened.
#[derive(Debug, Clone)]
pub(crate) struct PostgresConfig {
    pub(crate) schema: String,
    pub(crate) table_prefix: String,
    pub(crate) connections: usize,
    pub(crate) polls: bool,
    pub(crate) prepared_statements: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) statement_timeout: Duration,
}

/// How a Redis server is used.
#[derive(Debug, Clone)]
pub(crate) struct RedisConfig {
    pub(crate) key_prefix: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) response_timeout: Duration,
    pub(crate) log_entries_per_run_max: u32,
    pub(crate) log_ttl: Duration,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) replicas_acked: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            storage: StorageUrl::new("sqlite:zapjobs.db"),
            migrate_by_hand: false,
            plugins: PathBuf::from("plugins"),
            plugin: PluginConfig::default(),
            tenant: TenantId::standard(),
            quotas: None,
            color: Color::Auto,
            drain: Duration::from_secs(30),
            log: LogConfig { level: "info".to_owned(), json: false },
            host: HostOptions::default(),
            sandbox: SandboxConfig {
                cache_dir: None,
                cancel_grace: Duration::from_secs(5),
                job_log_level: zapjobs_model::LogLevel::Debug,
                compile_apart: true,
                compile_time: Duration::from_secs(60),
                compile_memory_bytes: 2 << 30,
                core_dump_dir: None,
            },
            sqlite: SqliteConfig {
                full_sync: false,
                table_prefix: "zapjobs_".to_owned(),
                busy_timeout: Duration::from_secs(5),
            },
            postgres: PostgresConfig {
                schema: "zapjobs".to_owned(),
                table_prefix: String::new(),
                connections: 8,
                polls: false,
                prepared_statements: 200,
                connect_timeout: Duration::from_secs(10),
                statement_timeout: Duration::from_secs(30),
            },
            redis: RedisConfig {
                key_prefix: "zapjobs".to_owned(),
                connect_timeout: Duration::from_secs(5),
                response_timeout: Duration::from_secs(10),
                log_entries_per_run_max: 10_000,
                log_ttl: Duration::from_secs(30 * 24 * 3600),
                ca_file: None,
                replicas_acked: 0,
            },
            http: HttpConfig::default(),
            webhooks: PrivateAddresses::None,
        }
    }
}
