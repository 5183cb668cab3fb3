//! A private PostgreSQL server.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{find, free_port, give, is_root, signal, wait};

/// How long the server may take to start or stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// The server's superuser; it needs no password from this machine.
const SUPERUSER: &str = "postgres";

/// How a server is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostgresSettings {
    /// Whether commits wait for the disk. True; tests that start it anew for each run turn
    /// it off, benchmarks leave it on.
    pub fsync: bool,
    /// Connections at once at most. 300.
    pub connections_max: u16,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self { fsync: true, connections_max: 300 }
    }
}

/// A running server; dropped, it is stopped and its data deleted.
#[derive(Debug)]
pub struct Postgres {
    home: TempDir,
    programs: Programs,
    settings: PostgresSettings,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// Makes a new database in a temporary directory and starts a server on it. Waits until
    /// it answers.
    ///
    /// # Errors
    ///
    /// Where PostgreSQL is not installed or does not start; its own words are repeated.
    pub fn start(settings: PostgresSettings) -> io::Result<Self> {
        let programs = Programs::find()?;
        let home = tempfile::Builder::new().prefix("zapjobs-postgres-").tempdir()?;
        if is_root() {
            give(home.path(), SUPERUSER)?;
        }
        let mut server = Self { home, programs, settings, port: free_port()?, server: None };
        server.initialise()?;
        server.run()?;
        Ok(server)
    }

    /// Where it is: the superuser's URL.
    pub fn url(&self) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", self.port)
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Stops the server: what is under way is rolled back, and connections are cut.
    ///
    /// # Errors
    ///
    /// Where it cannot be signalled.
    pub fn stop(&mut self) -> io::Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        // The "fast" shutdown: SIGTERM would wait for clients to leave.
        signal(server.id(), "INT")?;
        wait(&mut server, PATIENCE)
    }

    /// Starts it again after [`Postgres::stop`], on the same port and data.
    ///
    /// # Errors
    ///
    /// As [`Postgres::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        self.stop()?;
        self.run()
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("server.log")
    }

    fn initialise(&self) -> io::Result<()> {
        let mut initdb = as_superuser(&self.programs.initdb);
        let made = initdb
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8"])
            .args(["--locale", "C", "--no-sync", "--no-instructions"])
            .current_dir(self.home.path())
            .output()?;
        if made.status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr))))
    }

    fn run(&mut self) -> io::Result<()> {
        let on_off = if self.settings.fsync { "on" } else { "off" };
        let log = File::create(self.log())?;
        let mut server = as_superuser(&self.programs.postgres);
        server
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k", ""])
            .arg("-N")
            .arg(self.settings.connections_max.to_string())
            .args(["-c", &format!("fsync={on_off}")])
            .args(["-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"])
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.server = Some(server.spawn()?);
        self.wait_until_it_answers()
    }

    fn wait_until_it_answers(&mut self) -> io::Result<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let asked = Command::new(&self.programs.pg_isready)
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()?;
            if asked.success() {
                return Ok(());
            }
            let ended = self.server.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let words = std::fs::read_to_string(self.log()).unwrap_or_default();
        Err(io::Error::other(format!("PostgreSQL did not start: {words}")))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nobody is left to be told. A parent that is killed never comes here: its server stays.
        let _ = self.stop();
    }
}

#[derive(Debug)]
struct Programs {
    initdb: PathBuf,
    postgres: PathBuf,
    pg_isready: PathBuf,
}

impl Programs {
    fn find() -> io::Result<Self> {
        let directories = installed();
        let find = |program| find(program, &directories);
        Ok(Self {
            initdb: find("initdb")?,
            postgres: find("postgres")?,
            pg_isready: find("pg_isready")?,
        })
    }
}

/// Where Debian and its kin put each version's programs; the newest first.
fn installed() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, directory)| directory).collect()
}

/// PostgreSQL refuses to be root's.
fn as_superuser(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    // It becomes the program itself, so that the child's id is the server's.
    let mut command = Command::new("setpriv");
    command.args(["--reuid", SUPERUSER, "--regid", SUPERUSER, "--init-groups", "--"]).arg(program);
    command
}
