//! What a server says of itself, and what follows from it for runs.
//!
//! The rules stand here once: opening a storage warns of the risks, `examine` tells all.

use zapjobs_storage::Finding;

/// The oldest server that serves, as INFO numbers it.
const VERSION_MIN: (u64, u64) = (6, 2);
/// Longest fork that is not remarkable: the server answers nobody meanwhile.
const FORK_US_MAX: u64 = 100_000;
/// Share of its memory that a server may use before it is worth a word, in percent.
const MEMORY_PERCENT_MAX: u64 = 80;

/// What a server says of itself: the answer to INFO.
pub(crate) struct Settings<'a>(&'a str);

impl<'a> Settings<'a> {
    pub(crate) fn of(info: &'a str) -> Self {
        Self(info)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
        self.0.lines().find_map(value).map(str::trim)
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.get("cluster_enabled") == Some("1")
    }

    pub(crate) fn appends(&self) -> bool {
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

    /// Settings under which runs can be lost.
    pub(crate) fn risks(&self) -> Vec<Finding> {
        let rules = [self.eviction(), self.persistence(None)];
        rules.into_iter().filter(|finding| finding.remedy.is_some()).collect()
    }

    pub(crate) fn version_finding(&self) -> Finding {
        let version = self.get("redis_version").unwrap_or_default();
        let mut numbers = version.split('.').map(|number| number.parse::<u64>().unwrap_or(0));
        let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if found >= VERSION_MIN {
            return Finding::good("version", format!("the server is {}", self.version()));
        }
        let (major, minor) = VERSION_MIN;
        Finding::problem(
            "version",
            format!("the server is {}, and {major}.{minor} or newer is needed", self.version()),
            "upgrade the server",
        )
    }

    pub(crate) fn eviction(&self) -> Finding {
        const SUBJECT: &str = "eviction policy";
        match self.get("maxmemory_policy").unwrap_or("noeviction") {
            "noeviction" => {
                Finding::good(SUBJECT, "the server refuses writes once its memory is full")
            }
            policy => Finding::warning(
                SUBJECT,
                format!(
                    "the server's maxmemory-policy is {policy}: once its memory is full it \
                     deletes keys, and runs, their logs or whole queues can be lost without a word"
                ),
                "set maxmemory-policy to noeviction",
            ),
        }
    }

    /// `fsync` is the server's `appendfsync`, where it may be asked.
    pub(crate) fn persistence(&self, fsync: Option<&str>) -> Finding {
        const SUBJECT: &str = "persistence";
        if !self.appends() {
            return Finding::warning(
                SUBJECT,
                "the server keeps no append-only file: when it restarts, every run accepted or \
                 finished since its last snapshot can be lost, and finished runs can run again",
                "set appendonly yes",
            );
        }
        match fsync {
            Some("always") => Finding::good(
                SUBJECT,
                "append-only file, synced at every write: a crash loses nothing acknowledged",
            ),
            Some("no") => Finding::warning(
                SUBJECT,
                "append-only file that the server never syncs: a crash of the machine can lose \
                 half a minute of acknowledged writes",
                "set appendfsync to everysec or always",
            ),
            Some(_) => Finding::good(
                SUBJECT,
                "append-only file, synced every second: a crash of the machine can lose the last \
                 second or two of acknowledged writes",
            ),
            None => Finding::good(
                SUBJECT,
                "append-only file; how often it is synced, the server does not tell this user",
            ),
        }
    }

    /// Whether the append-only file and the forks keep up.
    pub(crate) fn pace(&self) -> Finding {
        const SUBJECT: &str = "pace of persistence";
        for (name, of) in
            [("aof_last_write_status", "write"), ("rdb_last_bgsave_status", "snapshot")]
        {
            if self.get(name).is_some_and(|status| status != "ok") {
                return Finding::problem(
                    SUBJECT,
                    format!("the server's last {of} to disk failed, and it may refuse writes"),
                    "look into the server's log: the disk may be full",
                );
            }
        }
        let (delayed, fork_us) =
            (self.number("aof_delayed_fsync"), self.number("latest_fork_usec"));
        if delayed > 0 {
            return Finding::warning(
                SUBJECT,
                format!(
                    "since it started, the server had to wait {delayed} times for the disk to \
                     sync: claims and submissions waited with it, and up to two seconds of writes \
                     were at risk"
                ),
                "give the append-only file a faster disk of its own",
            );
        }
        if fork_us > FORK_US_MAX {
            return Finding::warning(
                SUBJECT,
                format!("the latest fork stopped the server for {} ms", fork_us / 1_000),
                "give the server less memory to copy: prune runs earlier",
            );
        }
        let found = format!("the disk keeps up; the latest fork took {} ms", fork_us / 1_000);
        Finding::good(SUBJECT, found)
    }

    pub(crate) fn memory(&self) -> Finding {
        const SUBJECT: &str = "memory";
        let (used, most) = (self.number("used_memory"), self.number("maxmemory"));
        let mib = |bytes: u64| bytes >> 20;
        if most == 0 {
            let found = format!("{} MiB are used, without a bound of the server's", mib(used));
            return Finding::good(SUBJECT, found);
        }
        let percent = used.saturating_mul(100) / most;
        let found = format!("{} of {} MiB are used, {percent} %", mib(used), mib(most));
        if percent <= MEMORY_PERCENT_MAX {
            return Finding::good(SUBJECT, found);
        }
        let found = format!("{found}: once it is full, no run is accepted");
        Finding::warning(SUBJECT, found, "raise maxmemory or prune runs earlier")
    }

    /// What a failover can lose. `needed` is the server's `min-replicas-to-write`.
    pub(crate) fn replication(&self, needed: Option<u64>, fails_over: bool) -> Finding {
        const SUBJECT: &str = "replication";
        let replicas = self.number("connected_slaves");
        if self.get("role").is_some_and(|role| role != "master") {
            return Finding::problem(
                SUBJECT,
                "the server is a replica and refuses writes",
                "address the master, or the Sentinels",
            );
        }
        if replicas == 0 && !fails_over {
            return Finding::good(SUBJECT, "one server without replicas");
        }
        if replicas == 0 {
            return Finding::warning(
                SUBJECT,
                "no replica is connected: nobody can take over",
                "start a replica, or look into its log",
            );
        }
        match needed {
            Some(0) => Finding::warning(
                SUBJECT,
                format!(
                    "{replicas} replica(s), and writes are acknowledged without any: a failover \
                     loses what they had not received, and a master cut off from them loses all \
                     it accepts meanwhile"
                ),
                "set min-replicas-to-write to 1 and min-replicas-max-lag to 10 or less",
            ),
            Some(needed) => Finding::good(
                SUBJECT,
                format!(
                    "{replicas} replica(s), {needed} of which must be in touch for a write; a \
                     failover can still lose the last moments before it"
                ),
            ),
            None => Finding::good(
                SUBJECT,
                format!(
                    "{replicas} replica(s); a failover loses what they had not received, and how \
                     many must be in touch for a write, the server does not tell this user"
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use zapjobs_storage::Verdict;

    use super::*;

    const SAFE: &str = "maxmemory_policy:noeviction\r\naof_enabled:1\r\n";

    #[test]
    fn risky_settings_are_warned_of_with_what_can_be_lost() {
        assert!(Settings::of(SAFE).risks().is_empty());
        let evicts = Settings::of("maxmemory_policy:allkeys-lru\r\naof_enabled:1\r\n");
        assert!(evicts.risks()[0].found.contains("allkeys-lru"));
        let forgets = Settings::of("maxmemory_policy:noeviction\r\naof_enabled:0\r\n");
        assert!(forgets.risks()[0].found.contains("lost"));
        assert_ne!(forgets.durability(), Settings::of(SAFE).durability());
    }

    #[test]
    fn the_server_is_named_with_its_version() {
        assert_eq!(Settings::of("redis_version:7.0.15\r\n").version(), "Redis 7.0.15");
        let valkey = Settings::of("redis_version:7.2.4\r\nvalkey_version:8.0.1\r\n");
        assert_eq!(valkey.version(), "Valkey 8.0.1");
    }

    #[test]
    fn an_old_server_is_a_problem() {
        let verdict = |info| Settings::of(info).version_finding().verdict;
        assert_eq!(verdict("redis_version:6.2.0\r\n"), Verdict::Good);
        assert_eq!(verdict("redis_version:10.0.0\r\n"), Verdict::Good);
        assert_eq!(verdict("redis_version:6.0.16\r\n"), Verdict::Problem);
        assert_eq!(verdict(""), Verdict::Problem);
    }

    #[test]
    fn each_way_of_syncing_says_what_a_crash_loses() {
        let safe = Settings::of(SAFE);
        assert_eq!(safe.persistence(Some("always")).verdict, Verdict::Good);
        assert!(safe.persistence(Some("everysec")).found.contains("second"));
        assert_eq!(safe.persistence(Some("no")).verdict, Verdict::Warning);
    }

    #[test]
    fn a_disk_that_lags_or_fails_is_told() {
        let verdict = |info| Settings::of(info).pace().verdict;
        assert_eq!(verdict("aof_delayed_fsync:0\r\nlatest_fork_usec:900\r\n"), Verdict::Good);
        assert_eq!(verdict("aof_delayed_fsync:3\r\n"), Verdict::Warning);
        assert_eq!(verdict("latest_fork_usec:900000\r\n"), Verdict::Warning);
        assert_eq!(verdict("aof_last_write_status:err\r\n"), Verdict::Problem);
    }

    #[test]
    fn memory_that_runs_out_is_told() {
        let verdict = |info| Settings::of(info).memory().verdict;
        assert_eq!(verdict("used_memory:90\r\nmaxmemory:0\r\n"), Verdict::Good);
        assert_eq!(verdict("used_memory:79\r\nmaxmemory:100\r\n"), Verdict::Good);
        assert_eq!(verdict("used_memory:90\r\nmaxmemory:100\r\n"), Verdict::Warning);
    }

    #[test]
    fn what_a_failover_loses_depends_on_the_replicas() {
        let alone = Settings::of("role:master\r\nconnected_slaves:0\r\n");
        assert_eq!(alone.replication(Some(0), false).verdict, Verdict::Good);
        assert_eq!(alone.replication(Some(0), true).verdict, Verdict::Warning);
        let two = Settings::of("role:master\r\nconnected_slaves:1\r\n");
        assert_eq!(two.replication(Some(0), true).verdict, Verdict::Warning);
        assert_eq!(two.replication(Some(1), true).verdict, Verdict::Good);
        let replica = Settings::of("role:slave\r\n");
        assert_eq!(replica.replication(Some(0), true).verdict, Verdict::Problem);
    }
}
