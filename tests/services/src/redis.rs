//! Private Redis servers: one alone, a master with a replica and three Sentinels, or a cluster
//! of three nodes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{find, free_port, signal, wait};

/// How long a server may take to start or stop, or a cluster to agree.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a server may take to answer one question.
const ANSWER: Duration = Duration::from_secs(5);
/// Slots of a cluster.
const SLOTS: u16 = 16_384;
/// The master's name, as Sentinels know it.
const MASTER: &str = "zapjobs";

/// How a server is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Whether it keeps an append-only file, synced every second. True.
    pub appendonly: bool,
    /// The password that clients must give. None.
    pub password: Option<String>,
    /// Further settings, each a name and a value.
    pub more: Vec<(String, String)>,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self { appendonly: true, password: None, more: Vec::new() }
    }
}

/// A running server; dropped, it is stopped and its data deleted.
#[derive(Debug)]
pub struct Redis {
    home: TempDir,
    port: u16,
    arguments: Vec<String>,
    password: Option<String>,
    server: Option<Child>,
}

impl Redis {
    /// Starts a server on a free port and in a temporary directory. Waits until it answers.
    ///
    /// # Errors
    ///
    /// Where Redis is not installed or does not start; its own words are repeated.
    pub fn start(settings: &RedisSettings) -> io::Result<Self> {
        Self::start_with(settings, &[])
    }

    fn start_with(settings: &RedisSettings, more: &[&str]) -> io::Result<Self> {
        let home = tempfile::Builder::new().prefix("zapjobs-redis-").tempdir()?;
        let appendonly = if settings.appendonly { "yes" } else { "no" };
        let mut arguments = ["--save", "", "--appendonly", appendonly].map(str::to_owned).to_vec();
        for (name, value) in &settings.more {
            arguments.extend([format!("--{name}"), value.clone()]);
        }
        if let Some(password) = &settings.password {
            arguments.extend(["--requirepass".to_owned(), password.clone()]);
        }
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let password = settings.password.clone();
        let mut server = Self { home, port: free_port()?, arguments, password, server: None };
        server.run()?;
        Ok(server)
    }

    fn start_sentinel(master: u16) -> io::Result<Self> {
        let home = tempfile::Builder::new().prefix("zapjobs-sentinel-").tempdir()?;
        let config = home.path().join("sentinel.conf");
        let text = format!(
            "sentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {MASTER} 1000\n\
             sentinel failover-timeout {MASTER} 5000\n"
        );
        std::fs::write(&config, text)?;
        let arguments = vec![config.display().to_string(), "--sentinel".to_owned()];
        let mut server = Self { home, port: free_port()?, arguments, password: None, server: None };
        server.run()?;
        Ok(server)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        let login = self.password.as_ref().map(|password| format!(":{password}@"));
        format!("redis://{}127.0.0.1:{}/0", login.unwrap_or_default(), self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Stops the server, which writes first what it has.
    ///
    /// # Errors
    ///
    /// Where it cannot be signalled.
    pub fn stop(&mut self) -> io::Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        signal(server.id(), "TERM")?;
        wait(&mut server, PATIENCE)
    }

    /// Kills the server, as a crash would.
    ///
    /// # Errors
    ///
    /// Where it cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        server.kill()?;
        server.wait().map(drop)
    }

    /// Starts it again after [`Redis::stop`] or [`Redis::kill`], on the same port and data.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        self.stop()?;
        self.run()
    }

    fn run(&mut self) -> io::Result<()> {
        let log = File::create(self.home.path().join("server.log"))?;
        let mut server = Command::new(find("redis-server", &[])?);
        // The configuration file, where there is one, must come first.
        server
            .args(&self.arguments)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.server = Some(server.spawn()?);
        self.wait_until("PING", |answer| answer.starts_with("+PONG") || answer.contains("NOAUTH"))
    }

    /// Asks until the answer is as wanted.
    fn wait_until(&mut self, question: &str, is_wanted: impl Fn(&str) -> bool) -> io::Result<()> {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < PATIENCE {
            match self.ask(question) {
                Ok(answer) if is_wanted(&answer) => return Ok(()),
                Ok(answer) => last = answer,
                Err(error) => last = error.to_string(),
            }
            let ended = self.server.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let words = std::fs::read_to_string(self.home.path().join("server.log"));
        let words = words.unwrap_or_default();
        Err(io::Error::other(format!("Redis is not ready: {question}: {last}\n{words}")))
    }

    /// The answer to a command of plain words, as it comes over the wire.
    fn ask(&self, question: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(format!("{question}\r\n").as_bytes())?;
        let mut reader = BufReader::new(stream);
        let mut answer = String::new();
        reader.read_line(&mut answer)?;
        if let Some(length) = answer.strip_prefix('$') {
            let length: usize = length.trim().parse().unwrap_or(0);
            let mut bytes = vec![0; length];
            io::Read::read_exact(&mut reader, &mut bytes)?;
            answer = String::from_utf8_lossy(&bytes).into_owned();
        }
        Ok(answer)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Nobody is left to be told; the process ends with its parent's at the latest.
        let _ = self.kill();
    }
}

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
        let settings = RedisSettings::default();
        let master = Redis::start(&settings)?;
        let of = master.port().to_string();
        let mut replica = Redis::start_with(&settings, &["--replicaof", "127.0.0.1", &of])?;
        replica.wait_until("INFO replication", |info| info.contains("master_link_status:up"))?;
        let watch = || Redis::start_sentinel(master.port());
        let mut sentinels = [watch()?, watch()?, watch()?];
        for sentinel in &mut sentinels {
            sentinel.wait_until("INFO sentinel", |info| {
                info.contains("status=ok") && info.contains("slaves=1,sentinels=3")
            })?;
        }
        Ok(Self { servers: [master, replica], sentinels })
    }

    /// Waits until the replica has all that the master wrote so far.
    ///
    /// # Errors
    ///
    /// Where it does not come that far in time.
    pub fn wait_for_replica(&self) -> io::Result<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let [master, replica] = &self.servers;
            let written = field(&master.ask("INFO replication")?, "master_repl_offset");
            if written.is_some()
                && field(&replica.ask("INFO replication")?, "slave_repl_offset") >= written
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(io::Error::other("the replica does not catch up"))
    }

    /// Where they are.
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{MASTER}/0", places(&self.sentinels))
    }
}

/// A cluster of three masters.
#[derive(Debug)]
pub struct RedisCluster {
    /// The nodes.
    pub nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts the nodes and makes a cluster of them. Waits until each serves.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`].
    pub fn start() -> io::Result<Self> {
        const NODES: u16 = 3;
        let mut nodes = Vec::new();
        for number in 0..NODES {
            let bus = free_port()?.to_string();
            let more = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            let node = Redis::start_with(&RedisSettings::default(), &more)?;
            let (first, last) = (SLOTS / NODES * number, SLOTS / NODES * (number + 1) - 1);
            let last = if number + 1 == NODES { SLOTS - 1 } else { last };
            expect_ok(&node.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"))?)?;
            nodes.push((node, bus));
        }
        let (first, rest) = nodes.split_first().expect("there are nodes");
        for (node, bus) in rest {
            let meet = format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port());
            expect_ok(&first.0.ask(&meet)?)?;
        }
        let mut nodes: Vec<Redis> = nodes.into_iter().map(|(node, _)| node).collect();
        for node in &mut nodes {
            node.wait_until("CLUSTER INFO", |info| {
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })?;
        }
        Ok(Self { nodes })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis-cluster://{}", places(&self.nodes))
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

fn expect_ok(answer: &str) -> io::Result<()> {
    if answer.starts_with("+OK") {
        return Ok(());
    }
    Err(io::Error::other(format!("the cluster was not made: {}", answer.trim())))
}
