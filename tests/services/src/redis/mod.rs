//! Private Redis servers: one alone, a master with a replica and three Sentinels, or a cluster
//! of three nodes.

mod cluster;
mod config;
mod moving;
mod sentinels;
mod slot;
mod wire;

use std::io;
use std::path::Path;

use rustix::process::Signal;

pub use self::cluster::RedisCluster;
pub use self::config::{Appendfsync, RedisSettings};
pub use self::sentinels::RedisSentinels;

use self::config::{Role, config};
use self::wire::{GREETING_MAX, Reply, Wire};
use crate::certificate::Certificate;
use crate::home::Home;
use crate::port::on_free_port;
use crate::process::until;
use crate::programs::REDIS;
use crate::server::{PATIENCE, Server};
use crate::spawner::tied;
use crate::url::login;

/// A running server; dropped, it is killed and its data deleted.
#[derive(Debug)]
pub struct Redis {
    // First, so that it has ended before its directory goes.
    server: Server,
    home: Home,
    settings: RedisSettings,
    certificate: Option<Certificate>,
    port: u16,
    /// The port without TLS, for questions of our own.
    plain_port: u16,
    is_sentinel: bool,
}

impl Redis {
    /// Starts a server on a free port and in a temporary directory. Waits until it answers.
    ///
    /// # Errors
    ///
    /// Where Redis is not installed or does not start; its own words are repeated.
    pub fn start(settings: &RedisSettings) -> io::Result<Self> {
        Self::start_as(Role::Alone, settings)
    }

    fn start_as(role: Role<'_>, settings: &RedisSettings) -> io::Result<Self> {
        REDIS.find()?;
        let home = Home::make("redis", settings.data_in.as_deref())?;
        let certificate = settings.tls.then(|| Certificate::make(home.path())).transpose()?;
        let server = Server::new("Redis", home.path().join("server.log"), Signal::KILL);
        let mut redis = Self {
            server,
            home,
            settings: settings.clone(),
            certificate,
            port: 0,
            plain_port: 0,
            is_sentinel: matches!(role, Role::Sentinel(..)),
        };
        on_free_port(|port| {
            (redis.port, redis.plain_port) = (port, port);
            if redis.certificate.is_some() {
                redis.plain_port = crate::port::free_port()?;
            }
            std::fs::write(redis.config_file(), config(role, &redis)?)?;
            redis.run()
        })?;
        Ok(redis)
    }

    /// Where it is, with the login. With TLS it begins with `rediss` and clients have to
    /// trust [`Redis::certificate`].
    pub fn url(&self) -> String {
        let kind = if self.settings.tls { "rediss" } else { "redis" };
        let login = login(self.settings.user.as_deref(), self.settings.password.as_deref());
        format!("{kind}://{login}127.0.0.1:{}/0", self.port)
    }

    /// Its port; with TLS the one that speaks it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file with the certificate that clients have to trust, as PEM. Only with TLS. Clients
    /// that use the system's certificates can be made to trust it by `SSL_CERT_FILE` in their
    /// environment.
    pub fn certificate(&self) -> Option<&Path> {
        self.certificate.as_ref().map(|made| made.certificate.as_path())
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Stops the server, which writes first what it has.
    ///
    /// # Errors
    ///
    /// Where it cannot be signalled.
    pub fn stop(&mut self) -> io::Result<()> {
        self.server.stop(Signal::TERM)
    }

    /// Kills the server, as a crash would.
    ///
    /// # Errors
    ///
    /// Where it cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        self.server.kill()
    }

    /// Stops the server where it stands: connections stay, new ones are accepted by the
    /// system, and nobody answers.
    ///
    /// # Errors
    ///
    /// Where it does not run.
    pub fn pause(&mut self) -> io::Result<()> {
        self.server.pause()
    }

    /// Lets it go on after [`Redis::pause`]. Does nothing where it is not paused.
    ///
    /// # Errors
    ///
    /// Where it cannot be signalled.
    pub fn resume(&mut self) -> io::Result<()> {
        self.server.resume()
    }

    /// Starts it again after [`Redis::stop`] or [`Redis::kill`], on the same port and data;
    /// stops it before where it runs.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        self.stop()?;
        self.run()
    }

    fn config_file(&self) -> std::path::PathBuf {
        self.home.path().join("redis.conf")
    }

    fn run(&mut self) -> io::Result<()> {
        let mut command = tied(&REDIS.find()?, "KILL", None)?;
        command.arg(self.config_file()).current_dir(self.home.path());
        if self.is_sentinel {
            command.arg("--sentinel");
        }
        let (port, settings) = (self.plain_port, &self.settings);
        // Another server may have taken the port: ours says its own process id.
        self.server.run(command, |pid| {
            let mut wire = Wire::connect_within(port, settings, GREETING_MAX)?;
            let info = wire.ask(&["INFO", "server"])?.text();
            Ok(field(&info, "process_id") == Some(u64::from(pid)))
        })
    }

    /// The answer to a command. An error of the server is an error.
    fn ask(&self, words: &[&str]) -> io::Result<Reply> {
        Wire::connect(self.plain_port, &self.settings)?.ask(words)
    }

    /// Asks until the answer is as wanted.
    fn wait_until(&self, words: &[&str], is_wanted: impl Fn(&str) -> bool) -> io::Result<()> {
        let mut last = String::new();
        let is_so = until(PATIENCE, || {
            last = self.ask(words).map_or_else(|error| error.to_string(), |reply| reply.text());
            Ok(is_wanted(&last))
        })?;
        if is_so {
            return Ok(());
        }
        let words = words.join(" ");
        Err(io::Error::other(format!("Redis is not as wanted: {words}: {last}")))
    }
}

/// A number in an answer to INFO.
fn field(info: &str, name: &str) -> Option<u64> {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value?.trim().parse().ok()
}

fn places(servers: &[Redis]) -> String {
    let places: Vec<String> =
        servers.iter().map(|server| format!("127.0.0.1:{}", server.port())).collect();
    places.join(",")
}

fn only_plain(settings: &RedisSettings) -> io::Result<()> {
    if !settings.tls {
        return Ok(());
    }
    let words = "TLS is for a Redis server alone, not for Sentinels or a cluster";
    Err(io::Error::new(io::ErrorKind::InvalidInput, words))
}
