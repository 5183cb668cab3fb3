//! A storage: connected, described, closed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use redis::Value;
use zapjobs_model::{RunId, Timestamp};
use zapjobs_storage::{Result, Storage, StorageInfo};

use crate::answer::Answer;
use crate::error::{closed, describe};
use crate::events::Listeners;
use crate::keys::Keys;
use crate::link::Link;
use crate::options::RedisOptions;
use crate::script::{Call, SCRIPTS, Script};
use crate::settings::Settings;
use crate::startup;

/// The version of what the keys hold.
pub(crate) const SCHEMA_VERSION: u32 = 5;

/// A storage in Redis. Dropping it ends its connections.
pub struct RedisStorage {
    pub(crate) link: Arc<Link>,
    pub(crate) keys: Keys,
    pub(crate) options: RedisOptions,
    pub(crate) listeners: Arc<Listeners>,
    is_closed: AtomicBool,
}

impl RedisStorage {
    /// Connects, and warns of settings of the server under which runs can be lost.
    ///
    /// Must be called within a tokio runtime, which then serves the connections.
    ///
    /// Errors: `Configuration` for options out of bounds, a refused login, a server of another
    /// kind than addressed; `Unavailable` where none answers; `Schema` for keys that a newer or
    /// an older program made.
    pub async fn connect(options: RedisOptions) -> Result<Self> {
        let options = options.checked()?;
        options.choose_cryptography();
        let link = Arc::new(Link::new(options.clone()));
        let keys = Keys::new(&options.key_prefix);
        startup::check(&link, &keys, &options, SCHEMA_VERSION).await?;
        let listeners = Arc::new(Listeners::new(&link, &keys, &options));
        Ok(Self { link, keys, options, listeners, is_closed: AtomicBool::new(false) })
    }

    /// Now, as scripts are given it: empty where they read the server's clock.
    pub(crate) fn given_now(&self) -> String {
        let now = self.options.clock.as_ref().map(|clock| clock.now().as_micros());
        now.map_or_else(String::new, |now| now.to_string())
    }

    /// A call of a script about runs, begun as all of them are: with the indexes, these runs,
    /// the time, what keys begin with and who calls.
    pub(crate) fn run_call(
        &self,
        script: &'static Script,
        runs: impl ExactSizeIterator<Item = RunId>,
        more_keys: &[String],
    ) -> Call {
        let indexes = self.keys.indexes();
        let mut call = Call::new(script, indexes.len() + runs.len() + more_keys.len());
        call.arg(indexes);
        for run in runs {
            call.arg(self.keys.run(run));
        }
        call.arg(more_keys);
        call.arg(self.given_now()).arg(self.keys.base()).arg(self.listeners.origin());
        call
    }

    /// Calls a script.
    pub(crate) async fn call(&self, operation: &'static str, call: &Call) -> Result<Value> {
        self.check_open(operation)?;
        self.link.call(call).await.map_err(|error| describe(operation, &error))
    }

    pub(crate) fn check_open(&self, operation: &'static str) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) { Err(closed(operation)) } else { Ok(()) }
    }
}

#[async_trait]
impl Storage for RedisStorage {
    async fn now(&self) -> Result<Timestamp> {
        const OPERATION: &str = "read the clock";
        if let Some(clock) = &self.options.clock {
            self.check_open(OPERATION)?;
            return Ok(clock.now());
        }
        let mut call = Call::new(&SCRIPTS.time, 1);
        call.arg(&self.keys.indexes()[0]).arg("");
        let answer = self.call(OPERATION, &call).await?;
        Answer::of(OPERATION, &answer).number().map(Timestamp::from_micros)
    }

    async fn info(&self) -> Result<StorageInfo> {
        const OPERATION: &str = "describe the storage";
        let mut call = Call::new(&SCRIPTS.info, 1);
        call.arg(&self.keys.indexes()[0]);
        let answer = self.call(OPERATION, &call).await?;
        let info = Answer::of(OPERATION, &answer).text()?.to_owned();
        let settings = Settings::of(&info);
        Ok(StorageInfo {
            driver: "redis".to_owned(),
            location: self.options.location(),
            schema_version: SCHEMA_VERSION,
            server_version: settings.version(),
            durability: settings.durability().to_owned(),
        })
    }

    async fn close(&self) -> Result<()> {
        if !self.is_closed.swap(true, Ordering::AcqRel) {
            self.listeners.close();
            self.link.hang_up();
        }
        Ok(())
    }
}

impl Drop for RedisStorage {
    fn drop(&mut self) {
        self.listeners.close();
    }
}

impl fmt::Debug for RedisStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStorage").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A span in microseconds, as scripts take it: at most about 200 years, which doubles hold.
pub(crate) fn micros(span: std::time::Duration) -> u64 {
    const MICROS_MAX: u64 = 200 * 366 * 24 * 3600 * 1_000_000;
    u64::try_from(span.as_micros()).unwrap_or(MICROS_MAX).min(MICROS_MAX)
}
