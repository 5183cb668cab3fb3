//! Where runs are kept while something is measured: fresh each time, and gone afterwards.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use uuid::Uuid;
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_postgres::{PostgresOptions, PostgresSchema, PostgresStorage};
use zapjobs_redis::{RedisOptions, RedisStorage};
use zapjobs_services::{
    Postgres, PostgresSettings, Redis, RedisCluster, RedisSentinels, RedisSettings,
};
use zapjobs_sqlite::{SqliteOptions, SqliteStorage, Synchronous};
use zapjobs_storage::{SchemaAdmin, Storage};

/// More runs than any measurement makes.
const FINISHED_RUNS_MAX: usize = 10_000_000;

/// A kind of storage, with the server that it needs.
pub(crate) struct Place {
    kind: Kind,
    /// A server that was started for this, and stops with it.
    _server: Option<Box<dyn Any>>,
}

enum Kind {
    Memory,
    Sqlite { given: Option<PathBuf>, synchronous: Synchronous },
    Postgres { url: String },
    Redis { url: String },
}

/// A storage that holds nothing yet.
pub(crate) struct Opened {
    pub(crate) storage: Arc<dyn Storage>,
    schema: Option<PostgresSchema>,
    _folder: Option<TempDir>,
}

impl Place {
    /// The place that a URL names. `sqlite:`, `postgres:`, `redis:`, `redis-sentinel:` and
    /// `redis-cluster:` alone mean a private one, whose server starts now.
    pub(crate) fn find(url: &str, synchronous: &str) -> Result<Self> {
        let (scheme, rest) =
            url.split_once(':').context("a storage is named like `sqlite:` or `postgres://...`")?;
        let synchronous = match synchronous {
            "full" => Synchronous::Full,
            _ => Synchronous::Normal,
        };
        let server_less = |kind| Ok(Self { kind, _server: None });
        match (scheme, rest) {
            ("memory", "") => server_less(Kind::Memory),
            ("sqlite", path) => {
                let given = Some(PathBuf::from(path)).filter(|_| !path.is_empty());
                server_less(Kind::Sqlite { given, synchronous })
            }
            ("postgres", "") => {
                let server = Postgres::start(PostgresSettings::default())?;
                Ok(Self::served(Kind::Postgres { url: server.url() }, server))
            }
            ("postgres" | "postgresql", _) => server_less(Kind::Postgres { url: url.to_owned() }),
            ("redis", "") => {
                let server = Redis::start(&RedisSettings::default())?;
                Ok(Self::served(Kind::Redis { url: server.url() }, server))
            }
            ("redis-sentinel", "") => {
                let servers = RedisSentinels::start()?;
                Ok(Self::served(Kind::Redis { url: servers.url() }, servers))
            }
            ("redis-cluster", "") => {
                let cluster = RedisCluster::start()?;
                Ok(Self::served(Kind::Redis { url: cluster.url() }, cluster))
            }
            (scheme, _) if scheme.starts_with("redis") => {
                server_less(Kind::Redis { url: url.to_owned() })
            }
            (scheme, _) => bail!("unknown storage {scheme:?}: use memory, sqlite, postgres, redis"),
        }
    }

    fn served(kind: Kind, server: impl Any) -> Self {
        Self { kind, _server: Some(Box::new(server)) }
    }

    /// A storage there that nobody else uses.
    pub(crate) async fn open(&self) -> Result<Opened> {
        let name = format!("bench_{}", &Uuid::now_v7().simple().to_string()[12..]);
        let opened = |storage| Opened { storage, schema: None, _folder: None };
        match &self.kind {
            Kind::Memory => {
                let finished_runs_max = FINISHED_RUNS_MAX;
                let options = MemoryOptions {
                    runs_max: FINISHED_RUNS_MAX,
                    finished_runs_max,
                    ..MemoryOptions::default()
                };
                Ok(opened(Arc::new(MemoryStorage::new(options))))
            }
            Kind::Sqlite { given, synchronous } => {
                let folder = TempDir::new()?;
                let path = given.clone().unwrap_or_else(|| folder.path().join("bench.db"));
                let options =
                    SqliteOptions { synchronous: *synchronous, ..SqliteOptions::file(path) };
                let storage = Arc::new(SqliteStorage::open(options)?);
                Ok(Opened { storage, schema: None, _folder: Some(folder) })
            }
            Kind::Postgres { url } => {
                let options = PostgresOptions { schema: name, ..PostgresOptions::new(url) };
                let storage = Arc::new(PostgresStorage::connect(options.clone()).await?);
                Ok(Opened { storage, schema: Some(PostgresSchema::new(options)), _folder: None })
            }
            Kind::Redis { url } => {
                let options = RedisOptions { key_prefix: name, ..RedisOptions::parse(url)? };
                Ok(opened(Arc::new(RedisStorage::connect(options).await?)))
            }
        }
    }
}

impl Opened {
    /// Closes the storage, and deletes what a shared server would keep of it.
    pub(crate) async fn close(self) -> Result<()> {
        self.storage.close().await?;
        if let Some(schema) = self.schema {
            schema.drop_all().await?;
        }
        Ok(())
    }
}
