//! A private PgBouncer: a pool of connections between clients and PostgreSQL.

use std::io;

use rustix::process::Signal;

use crate::home::Home;
use crate::port::on_free_port;
use crate::postgres::{Postgres, SUPERUSER};
use crate::process::{give, is_root};
use crate::programs::PGBOUNCER;
use crate::server::Server;
use crate::spawner::{UNPRIVILEGED, tied_not_as_root};
use crate::url::login;

/// Clients at once at most.
const CLIENTS_MAX: u16 = 600;
/// Connections to the server at most.
const SERVERS_MAX: u16 = 20;

/// How long a client keeps a connection to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// Until it leaves.
    Session,
    /// For one transaction: what belongs to a session, such as `LISTEN`, does not work.
    Transaction,
    /// For one statement: transactions of several are refused.
    Statement,
}

/// A running PgBouncer; dropped, it is killed.
#[derive(Debug)]
pub struct PgBouncer {
    // First, so that it has ended before its directory goes.
    server: Server,
    home: Home,
    password: Option<String>,
    port: u16,
}

impl PgBouncer {
    /// Starts one in front of a server, on a free port. Waits until it answers. Whoever comes
    /// from this machine is trusted, and is the superuser to the server; with a password for
    /// the server, clients must give the same one.
    ///
    /// At most 20 connections to the server, and 600 clients. Of the parameters of a client's
    /// start that it does not know, it ignores `extra_float_digits` alone, and refuses others,
    /// such as `options`. It speaks no TLS with clients.
    ///
    /// # Errors
    ///
    /// Where PgBouncer is not installed or does not start; its own words are repeated.
    pub fn start(postgres: &Postgres, pool_mode: PoolMode) -> io::Result<Self> {
        PGBOUNCER.find()?;
        let home = Home::make("pgbouncer", None)?;
        let server = Server::new("PgBouncer", home.path().join("server.log"), Signal::KILL);
        let password = postgres.settings().password.clone();
        let mut bouncer = Self { server, home, password, port: 0 };
        bouncer.write("users.txt", &bouncer.users())?;
        on_free_port(|port| {
            bouncer.port = port;
            bouncer.write("pgbouncer.ini", &bouncer.config(postgres, pool_mode))?;
            bouncer.run()
        })?;
        Ok(bouncer)
    }

    /// Where it is: the superuser's URL.
    pub fn url(&self) -> String {
        let login = login(Some(SUPERUSER), self.password.as_deref());
        format!("postgres://{login}127.0.0.1:{}/postgres", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Stops it at once: connections are cut on both sides.
    ///
    /// # Errors
    ///
    /// Where it cannot be signalled.
    pub fn stop(&mut self) -> io::Result<()> {
        self.server.stop(Signal::TERM)
    }

    /// Starts it again after [`PgBouncer::stop`], on the same port; stops it before where it
    /// runs.
    ///
    /// # Errors
    ///
    /// As [`PgBouncer::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        self.stop()?;
        self.run()
    }

    fn run(&mut self) -> io::Result<()> {
        let mut command = tied_not_as_root(&PGBOUNCER.find()?, "KILL")?;
        command.arg(self.home.path().join("pgbouncer.ini")).current_dir(self.home.path());
        let log = self.home.path().join("server.log");
        self.server.run(command, |_| {
            // It ends where it cannot listen: having come up, the port is its own.
            Ok(std::fs::read_to_string(&log)?.contains("process up"))
        })
    }

    fn users(&self) -> String {
        // A quote is written twice.
        let password = self.password.as_deref().unwrap_or_default().replace('"', "\"\"");
        format!("\"{SUPERUSER}\" \"{password}\"\n")
    }

    fn config(&self, postgres: &Postgres, pool_mode: PoolMode) -> String {
        let pool_mode = match pool_mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
            PoolMode::Statement => "statement",
        };
        let auth = if self.password.is_some() { "scram-sha-256" } else { "trust" };
        let tls = if postgres.settings().tls { "require" } else { "disable" };
        format!(
            "[databases]\n\
             * = host=127.0.0.1 port={}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {}\n\
             unix_socket_dir =\n\
             auth_type = {auth}\n\
             auth_file = {}\n\
             pool_mode = {pool_mode}\n\
             max_client_conn = {CLIENTS_MAX}\n\
             default_pool_size = {SERVERS_MAX}\n\
             server_tls_sslmode = {tls}\n\
             ignore_startup_parameters = extra_float_digits\n",
            postgres.port(),
            self.port,
            self.home.path().join("users.txt").display(),
        )
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let file = self.home.path().join(name);
        std::fs::write(&file, text)?;
        if is_root() { give(&[self.home.path(), &file], UNPRIVILEGED) } else { Ok(()) }
    }
}
