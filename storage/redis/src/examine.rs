//! All that can be said of a server, for operators. Nothing is written.

use std::cmp::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::{Cmd, Value, cmd};
use zapjobs_storage::{Finding, Result, StorageError};

use crate::answer::Answer;
use crate::error::describe;
use crate::keys::Keys;
use crate::link::Link;
use crate::options::{RedisOptions, Topology};
use crate::script::{Call, SCRIPTS};
use crate::settings::Settings;
use crate::startup::server_info;
use crate::storage::SCHEMA_VERSION;

const OPERATION: &str = "examine the Redis storage";
/// Questions whose median is the round trip.
const ROUND_TRIPS: usize = 5;
/// Longest round trip that is not remarkable.
const ROUND_TRIP_MAX: Duration = Duration::from_millis(20);
/// Difference of clocks that is not remarkable.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(1);

/// Looks at the servers and at what the keys hold, and says what was found. A server that cannot
/// be used is a finding too. Writes nothing. Must be called within a tokio runtime.
pub async fn examine(options: &RedisOptions) -> Vec<Finding> {
    let options = match options.clone().checked() {
        Ok(options) => options,
        Err(error) => {
            return vec![Finding::problem("options", error.to_string(), "correct the options")];
        }
    };
    options.choose_cryptography();
    let keys = Keys::new(&options.key_prefix);
    let examined = Examined { link: Link::new(options.clone()), keys, options };
    match examined.all().await {
        Ok(findings) => findings,
        Err(error) => vec![unusable(&examined.options, &error)],
    }
}

fn unusable(options: &RedisOptions, error: &StorageError) -> Finding {
    let found = format!("{} cannot be used: {error}", options.location());
    Finding::problem("connection", found, "check the address, the login and the server's log")
}

struct Examined {
    link: Link,
    keys: Keys,
    options: RedisOptions,
}

impl Examined {
    async fn all(&self) -> Result<Vec<Finding>> {
        let info = server_info(&self.link, &self.keys, &self.options).await?;
        let settings = Settings::of(&info);
        let fsync = self.setting("appendfsync").await;
        let needed = self.setting("min-replicas-to-write").await;
        let needed = needed.and_then(|text| text.parse().ok());
        let fails_over = self.options.topology != Topology::Standalone;
        let mut findings = vec![
            self.connection().await?,
            settings.version_finding(),
            self.schema().await?,
            settings.eviction(),
            settings.persistence(fsync.as_deref()),
            settings.pace(),
            settings.memory(),
            settings.replication(needed, fails_over),
            self.clock().await?,
            self.quarantine().await?,
        ];
        if self.options.topology == Topology::Cluster {
            findings.push(self.cluster().await?);
        }
        Ok(findings)
    }

    async fn ask(&self, command: &Cmd) -> Result<Value> {
        self.link.send(command).await.map_err(|error| describe(OPERATION, &error))
    }

    /// The server's clock, in microseconds since 1970.
    async fn time(&self) -> Result<i64> {
        let mut call = Call::new(&SCRIPTS.time, 1);
        call.arg(&self.keys.indexes()[0]).arg("");
        let answer = self.link.call(&call).await;
        let answer = answer.map_err(|error| describe(OPERATION, &error))?;
        Answer::of(OPERATION, &answer).number()
    }

    /// A setting, where this user may ask for it; of a cluster, any node's.
    async fn setting(&self, name: &str) -> Option<String> {
        let answer = self.ask(cmd("CONFIG").arg("GET").arg(name)).await.ok()?;
        let fields = Answer::of(OPERATION, &answer).fields().ok()?;
        let (_, value) = fields.first()?;
        std::str::from_utf8(value).ok().map(str::to_owned)
    }

    async fn connection(&self) -> Result<Finding> {
        let mut trips = Vec::with_capacity(ROUND_TRIPS);
        for _ in 0..ROUND_TRIPS {
            let asked = Instant::now();
            self.time().await?;
            trips.push(asked.elapsed());
        }
        trips.sort_unstable();
        let trip = trips[ROUND_TRIPS / 2];
        let kind = match &self.options.topology {
            Topology::Standalone => "one server".to_owned(),
            Topology::Sentinel { master } => format!("the master {master:?} that Sentinels named"),
            Topology::Cluster => "a cluster".to_owned(),
        };
        let found = format!(
            "{} is {kind}, as addressed, and answers in {:.1} ms",
            self.options.location(),
            trip.as_secs_f64() * 1e3
        );
        if trip <= ROUND_TRIP_MAX {
            return Ok(Finding::good("connection", found));
        }
        let found = format!("{found}: each claim waits as long");
        Ok(Finding::warning("connection", found, "run hosts nearer to the server"))
    }

    async fn schema(&self) -> Result<Finding> {
        let answer = self.ask(cmd("GET").arg(self.keys.named("schema"))).await?;
        if answer == Value::Nil {
            let found = "the keys are not made yet; the first host makes them";
            return Ok(Finding::good("schema", found));
        }
        let version = Answer::of(OPERATION, &answer).number()?;
        let found = format!("the keys have version {version}, this program knows {SCHEMA_VERSION}");
        Ok(match version.cmp(&i64::from(SCHEMA_VERSION)) {
            Ordering::Equal => Finding::good("schema", found),
            Ordering::Greater => Finding::problem("schema", found, "upgrade this program"),
            Ordering::Less => {
                Finding::problem("schema", found, "use another key prefix, or delete the keys")
            }
        })
    }

    async fn clock(&self) -> Result<Finding> {
        let asked = Instant::now();
        let there = self.time().await?;
        let half = asked.elapsed() / 2;
        let here = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() - half;
        let there = Duration::from_micros(u64::try_from(there).unwrap_or(0));
        let skew = here.abs_diff(there);
        let found =
            format!("the server's clock and this machine's differ by {:.3} s", skew.as_secs_f64());
        if skew <= CLOCK_SKEW_MAX {
            return Ok(Finding::good("clock", found));
        }
        let found = format!("{found}, which harms nothing: hosts go by the server's");
        Ok(Finding::good("clock", found))
    }

    async fn quarantine(&self) -> Result<Finding> {
        let answer = self.ask(cmd("HLEN").arg(self.keys.named("quarantine"))).await?;
        let set_aside = Answer::of(OPERATION, &answer).number()?;
        Ok(if set_aside == 0 {
            Finding::good("quarantine", "no record was set aside as unreadable")
        } else {
            Finding::warning(
                "quarantine",
                format!("{set_aside} record(s) were set aside as unreadable, and run no more"),
                "read their reasons in the hash named quarantine, mend them and enqueue them anew",
            )
        })
    }

    async fn cluster(&self) -> Result<Finding> {
        let answer = self.ask(cmd("CLUSTER").arg("INFO")).await?;
        let info = Answer::of(OPERATION, &answer).text()?;
        let cluster = Settings::of(info);
        let slots = cluster.number("cluster_slots_ok");
        let state = cluster.get("cluster_state").unwrap_or("unknown");
        let found = format!(
            "the cluster's state is {state}, {slots} of 16384 slots are served by {} masters; \
             all keys of one prefix are in one slot, and so on one of them",
            cluster.number("cluster_size")
        );
        Ok(if state == "ok" && slots == 16_384 {
            Finding::good("cluster", found)
        } else {
            Finding::problem("cluster", found, "run redis-cli --cluster check on a node")
        })
    }
}
