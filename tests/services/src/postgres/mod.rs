//! A private PostgreSQL server.

mod settings;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

pub use self::settings::PostgresSettings;

use crate::certificate::Certificate;
use crate::home::Home;
use crate::port::on_free_port;
use crate::process::{give, is_root};
use crate::programs::{INITDB, POSTGRES};
use crate::server::Server;
use crate::spawner::{UNPRIVILEGED, tied_not_as_root};
use crate::url::login;

/// The server's superuser.
pub(crate) const SUPERUSER: &str = "postgres";

/// A running server; dropped, it is shut down at once and its data deleted.
#[derive(Debug)]
pub struct Postgres {
    // First, so that it has ended before its directory goes.
    server: Server,
    home: Home,
    /// `initdb` and `postgres`.
    programs: [PathBuf; 2],
    settings: PostgresSettings,
    certificate: Option<Certificate>,
    port: u16,
}

impl Postgres {
    /// Makes a new database in a temporary directory and starts a server on it, on a free
    /// port. Waits until it answers.
    ///
    /// # Errors
    ///
    /// Where PostgreSQL is not installed or does not start; its own words are repeated.
    pub fn start(settings: PostgresSettings) -> io::Result<Self> {
        let programs = [INITDB.find()?, POSTGRES.find()?];
        let home = Home::make("postgres", settings.data_in.as_deref())?;
        let certificate = settings.tls.then(|| Certificate::make(home.path())).transpose()?;
        if is_root() {
            let mut files = vec![home.path()];
            if let Some(made) = &certificate {
                files.extend([made.certificate.as_path(), &made.key]);
            }
            give(&files, UNPRIVILEGED)?;
        }
        // The "immediate" shutdown, which still gives back what the system lent it.
        let server = Server::new("PostgreSQL", home.path().join("server.log"), Signal::QUIT);
        let mut postgres = Self { server, home, programs, settings, certificate, port: 0 };
        postgres.initialise()?;
        on_free_port(|port| {
            postgres.port = port;
            postgres.run()
        })?;
        Ok(postgres)
    }

    /// Where it is: the superuser's URL, with the password. With TLS it has clients verify
    /// the server, and names the certificate for that.
    pub fn url(&self) -> String {
        let login = login(Some(SUPERUSER), self.settings.password.as_deref());
        let plain = format!("postgres://{login}127.0.0.1:{}/postgres", self.port);
        match self.certificate() {
            Some(file) => {
                format!("{plain}?sslmode=verify-full&sslrootcert={}", file.display())
            }
            None => plain,
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The file with the certificate that clients have to trust, as PEM. Only with TLS.
    pub fn certificate(&self) -> Option<&Path> {
        self.certificate.as_ref().map(|made| made.certificate.as_path())
    }

    pub(crate) fn settings(&self) -> &PostgresSettings {
        &self.settings
    }

    /// The server's process.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Stops the server: what is under way is rolled back, and connections are cut.
    ///
    /// # Errors
    ///
    /// Where it cannot be signalled.
    pub fn stop(&mut self) -> io::Result<()> {
        // The "fast" shutdown: SIGTERM would wait for clients to leave.
        self.server.stop(Signal::INT)
    }

    /// Kills the server with all its processes, as a crash would. Started again, it recovers
    /// what was committed.
    ///
    /// # Errors
    ///
    /// Where it cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        self.server.kill()
    }

    /// Stops the server and all its processes where they stand: connections stay, new ones
    /// are accepted by the system, and nobody answers.
    ///
    /// # Errors
    ///
    /// Where it does not run.
    pub fn pause(&mut self) -> io::Result<()> {
        self.server.pause()
    }

    /// Lets it go on after [`Postgres::pause`]. Does nothing where it is not paused.
    ///
    /// # Errors
    ///
    /// Where it cannot be signalled.
    pub fn resume(&mut self) -> io::Result<()> {
        self.server.resume()
    }

    /// Starts it again after [`Postgres::stop`] or [`Postgres::kill`], on the same port and
    /// data; stops it before where it runs.
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

    fn initialise(&self) -> io::Result<()> {
        let mut initdb = tied_not_as_root(&self.programs[0], "KILL")?;
        initdb
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8"])
            .args(["--locale", "C", "--no-sync", "--no-instructions"])
            .current_dir(self.home.path());
        if let Some(password) = &self.settings.password {
            if password.is_empty() || password.contains(['\n', '\r']) {
                let words = "PostgreSQL's password must be one line, and not empty";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
            }
            let file = self.home.path().join("password");
            std::fs::write(&file, password)?;
            initdb.arg("--pwfile").arg(file);
        }
        let made = initdb.output()?;
        if !made.status.success() {
            let words = String::from_utf8_lossy(&made.stderr);
            return Err(io::Error::other(format!("initdb failed: {words}")));
        }
        let kind = if self.certificate.is_some() { "hostssl" } else { "host" };
        let method = self.settings.password.as_ref().map_or("trust", |_| "scram-sha-256");
        let rule = format!("{kind} all,replication all 127.0.0.1/32 {method}\n");
        std::fs::write(self.data().join("pg_hba.conf"), rule)
    }

    fn run(&mut self) -> io::Result<()> {
        // Killed without its children, they would linger: this one shuts them down at once.
        let mut command = tied_not_as_root(&self.programs[1], "QUIT")?;
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        command.args(["-h", "127.0.0.1", "-k", ""]).current_dir(self.home.path());
        for (name, value) in self.configuration() {
            command.args(["-c", &format!("{name}={value}")]);
        }
        let (file, port) = (self.data().join("postmaster.pid"), self.port);
        self.server.run(command, |pid| {
            // Another server may have taken the port: this file is ours.
            let state = std::fs::read_to_string(&file)?;
            Ok(is_ready(&state, pid, port))
        })
    }

    fn configuration(&self) -> Vec<(&str, String)> {
        let settings = &self.settings;
        let on_off = |on| if on { "on" } else { "off" }.to_owned();
        let mut all = vec![
            // In its own directory, where nothing stays behind when it is killed.
            ("dynamic_shared_memory_type", "mmap".to_owned()),
            ("max_connections", settings.connections_max.to_string()),
            ("fsync", on_off(settings.fsync)),
            ("shared_buffers", format!("{}MB", settings.shared_buffers_mb)),
            ("max_wal_size", format!("{}MB", settings.wal_max_mb)),
        ];
        if let Some(made) = &self.certificate {
            all.extend([
                ("ssl", on_off(true)),
                ("ssl_cert_file", made.certificate.display().to_string()),
                ("ssl_key_file", made.key.display().to_string()),
            ]);
        }
        // Last, so that they may change any of the others.
        all.extend(settings.more.iter().map(|(name, value)| (name.as_str(), value.clone())));
        all
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.server.pid().is_some() {
            return;
        }
        // Killed and not started again: what it lent from the system would stay for ever.
        let state = std::fs::read_to_string(self.data().join("postmaster.pid"));
        if let Some(segment) = state.ok().as_deref().and_then(shared_memory) {
            let _ = Command::new("ipcrm").args(["-m", segment]).output();
        }
    }
}

/// The id of the shared memory in the server's file of state.
fn shared_memory(state: &str) -> Option<&str> {
    let segment = state.lines().nth(6)?.split_whitespace().nth(1)?;
    segment.bytes().all(|byte| byte.is_ascii_digit()).then_some(segment)
}

/// Whether the server's file of state says that this process serves this port.
fn is_ready(state: &str, pid: u32, port: u16) -> bool {
    let lines: Vec<&str> = state.lines().map(str::trim).collect();
    lines.first() == Some(&pid.to_string().as_str())
        && lines.get(3) == Some(&port.to_string().as_str())
        && lines.get(7) == Some(&"ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_this_process_that_says_ready_counts() {
        let state = "12\n/data\n1700000000\n5433\n\n127.0.0.1\n  1 2\nready   \n";
        assert!(is_ready(state, 12, 5433));
        assert!(!is_ready(state, 13, 5433));
        assert!(!is_ready(state, 12, 5432));
        assert!(!is_ready(&state.replace("ready", "starting"), 12, 5433));
        assert!(!is_ready("12\n/data\n", 12, 5433));
        assert_eq!(shared_memory(state), Some("2"));
        assert_eq!(shared_memory("12\n/data\n"), None);
    }
}
