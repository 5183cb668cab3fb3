//! A master with a replica, and the Sentinels that watch them.

use std::io;

use super::config::{MASTER, Role};
use super::{Redis, RedisSettings, field, only_plain, places};
use crate::process::until;
use crate::server::PATIENCE;
use crate::url::login;

/// A master with one replica, watched by three Sentinels.
#[derive(Debug)]
pub struct RedisSentinels {
    /// The servers of data; which is the master changes with a failover. The first begins.
    pub servers: [Redis; 2],
    sentinels: [Redis; 3],
}

impl RedisSentinels {
    /// Starts them all. Waits until the Sentinels know of each other and of the replica.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`].
    pub fn start() -> io::Result<Self> {
        Self::start_with(&RedisSettings::default())
    }

    /// Starts them with servers of data of these settings. Sentinels have no login.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`], and with TLS.
    pub fn start_with(settings: &RedisSettings) -> io::Result<Self> {
        only_plain(settings)?;
        let master = Redis::start_as(Role::Alone, settings)?;
        let replica = Redis::start_as(Role::Replica(master.port()), settings)?;
        replica
            .wait_until(&["INFO", "replication"], |info| info.contains("master_link_status:up"))?;
        let plain = RedisSettings { data_in: settings.data_in.clone(), ..Default::default() };
        let watch = || Redis::start_as(Role::Sentinel(master.port(), settings), &plain);
        let sentinels = [watch()?, watch()?, watch()?];
        let servers = Self { servers: [master, replica], sentinels };
        servers.wait_until_watched()?;
        Ok(servers)
    }

    /// Which of [`RedisSentinels::servers`] is the master, as all Sentinels say.
    ///
    /// # Errors
    ///
    /// Where they do not say the same, or not yet.
    pub fn master(&self) -> io::Result<usize> {
        let mut said = Vec::new();
        for sentinel in &self.sentinels {
            let place = sentinel.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER])?.entries();
            said.push(place.last().map(super::Reply::text).unwrap_or_default());
        }
        let is_said = |server: &Redis| said.iter().all(|port| *port == server.port().to_string());
        let master = self.servers.iter().position(is_said);
        master.ok_or_else(|| io::Error::other("the Sentinels do not agree on the master"))
    }

    /// Has the Sentinels make the replica the master. Waits until all of them know, and the
    /// old master follows the new one, which takes them some ten seconds: until then it still
    /// takes writes, and loses them. Gives back which is the master now. Both servers have
    /// to run.
    ///
    /// A replica that is behind may lose what it has not got yet: see
    /// [`RedisSentinels::wait_for_replica`].
    ///
    /// # Errors
    ///
    /// Where that does not happen in time.
    pub fn failover(&self) -> io::Result<usize> {
        let new = 1 - self.master()?;
        let mut last = String::new();
        let asked = until(PATIENCE, || {
            // Refused shortly after another one, and before it knows the replica well.
            let answer = self.sentinels[0].ask(&["SENTINEL", "FAILOVER", MASTER]);
            last = answer.as_ref().map_or_else(ToString::to_string, super::Reply::text);
            Ok(answer.is_ok())
        })?;
        if !asked {
            return Err(io::Error::other(format!("the Sentinels refuse a failover: {last}")));
        }
        if !until(PATIENCE, || Ok(self.master().is_ok_and(|master| master == new)))? {
            return Err(io::Error::other("the Sentinels do not change the master"));
        }
        let follows = |info: &str| info.contains("master_link_status:up");
        self.servers[1 - new].wait_until(&["INFO", "replication"], follows)?;
        self.wait_until_watched()?;
        Ok(new)
    }

    /// Waits until the replica has all that the master wrote so far.
    ///
    /// # Errors
    ///
    /// Where it does not come that far in time.
    pub fn wait_for_replica(&self) -> io::Result<()> {
        let master = &self.servers[self.master()?];
        let written = field(&master.ask(&["INFO", "replication"])?.text(), "master_repl_offset");
        let written = written.ok_or_else(|| io::Error::other("the master says no offset"))?;
        let caught_up = until(PATIENCE, || {
            let mut behind = self.servers.iter().filter(|server| server.port() != master.port());
            Ok(behind.all(|replica| {
                let info = replica.ask(&["INFO", "replication"]).map(|info| info.text());
                info.is_ok_and(|info| field(&info, "slave_repl_offset") >= Some(written))
            }))
        })?;
        if caught_up { Ok(()) } else { Err(io::Error::other("the replica does not catch up")) }
    }

    /// Where they are: the Sentinels, with the login for the servers of data.
    pub fn url(&self) -> String {
        let settings = &self.servers[0].settings;
        let login = login(settings.user.as_deref(), settings.password.as_deref());
        format!("redis+sentinel://{login}{}/{MASTER}/0", places(&self.sentinels))
    }

    /// Waits until the Sentinels know of each other and of the replica.
    fn wait_until_watched(&self) -> io::Result<()> {
        self.sentinels.iter().try_for_each(|sentinel| {
            sentinel.wait_until(&["INFO", "sentinel"], |info| {
                info.contains("status=ok") && info.contains("slaves=1,sentinels=3")
            })
        })
    }
}
