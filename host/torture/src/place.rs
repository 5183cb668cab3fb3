//! Where an attack takes place: a directory that it may be granted, with a secret beside it,
//! and a server that it must never reach.
//!
//! **Invariant:** everything is temporary, and lies on this machine.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;
use zapjobs_model::grants::http::Paths;
use zapjobs_model::grants::{HostPattern, PathPattern, PrivateAddresses, Scheme};
use zapjobs_model::{Access, DirectoryGrant, Grants, HttpGrant};

use crate::server::{OPEN, Server};

/// What the secret file says.
const SECRET: &str = "secret";
/// What the granted file says.
pub(crate) const GIVEN: &str = "given";

/// Where one attack takes place.
pub(crate) struct Place {
    directory: TempDir,
    listener: TcpListener,
    /// One that may be reached.
    server: Option<Server>,
    /// The port of the server that must not be reached.
    pub(crate) port: u16,
}

impl Place {
    /// A new place.
    pub(crate) fn new() -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let granted = directory.path().join("granted");
        fs::create_dir(&granted)?;
        fs::write(granted.join("given.txt"), GIVEN)?;
        fs::write(directory.path().join("secret.txt"), SECRET)?;
        symlink("../secret.txt", granted.join("link-up"))?;
        symlink(directory.path().join("secret.txt"), granted.join("link-absolute"))?;
        symlink("/", granted.join("link-root"))?;
        symlink("..", granted.join("link-parent"))?;
        symlink("link-loop", granted.join("link-loop"))?;
        symlink("/proc/self/environ", granted.join("link-environ"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { directory, listener, server: None, port })
    }

    /// Starts the server that may be reached, where it is wanted.
    pub(crate) fn serving(mut self, is_wanted: bool) -> io::Result<Self> {
        if is_wanted {
            self.server = Some(Server::start(self.port)?);
        }
        Ok(self)
    }

    /// The port of the server that may be reached.
    pub(crate) fn server_port(&self) -> u16 {
        self.server.as_ref().map_or(0, |server| server.port)
    }

    /// How often the server that may be reached was asked.
    pub(crate) fn asked(&self) -> usize {
        self.server.as_ref().map_or(0, Server::asked)
    }

    /// The directory that is granted.
    pub(crate) fn granted(&self) -> PathBuf {
        self.directory.path().join("granted")
    }

    /// A grant of the directory, of the server below its open path, and of public addresses at
    /// the port of the other server; and of nothing else.
    pub(crate) fn grants(&self, access: Option<Access>) -> Result<Grants, String> {
        let mut grants = Grants::default();
        grants.directories.extend(access.map(|access| DirectoryGrant {
            host: self.granted(),
            guest: "/data".to_owned(),
            access,
        }));
        if let Some(server) = &self.server {
            let to = |host, port| {
                let host = HostPattern::parse(host).map_err(|error| error.to_string())?;
                Ok::<_, String>(HttpGrant {
                    scheme: Scheme::Http,
                    port: Some(port),
                    ..HttpGrant::to(host)
                })
            };
            let open = PathPattern::parse(&format!("{OPEN}**")).map_err(|it| it.to_string())?;
            let paths = Paths::try_from(vec![open]).map_err(|error| error.to_string())?;
            let private_addresses = PrivateAddresses::Private;
            let served = HttpGrant { paths, private_addresses, ..to("127.0.0.1", server.port)? };
            grants.http = Some(vec![served, to("*", self.port)?]);
        }
        Ok(grants)
    }

    /// What is not as it was outside of the directory, if anything, and whether the server
    /// was reached.
    pub(crate) fn harm(&self) -> Result<(), String> {
        if self.listener.accept().is_ok() {
            return Err("it reached a server of this machine".to_owned());
        }
        let forbidden = self.server.as_ref().map_or(0, Server::forbidden);
        if forbidden > 0 {
            return Err(format!("{forbidden} requests that are not granted reached a server"));
        }
        let secret = fs::read_to_string(self.directory.path().join("secret.txt"));
        if secret.as_deref().ok() != Some(SECRET) {
            return Err("it changed a file outside of its directory".to_owned());
        }
        let beside = fs::read_dir(self.directory.path()).map_or(0, Iterator::count);
        if beside != 2 {
            return Err("it made or removed files outside of its directory".to_owned());
        }
        Ok(())
    }

    /// How many entries the granted directory has.
    pub(crate) fn entries(&self) -> usize {
        fs::read_dir(self.granted()).map_or(0, Iterator::count)
    }

    /// Whether the granted directory holds what it held, for a grant that only lets read.
    pub(crate) fn is_unchanged(&self) -> Result<(), String> {
        let entries = self.entries();
        let given = fs::read_to_string(self.granted().join("given.txt"));
        if entries == 7 && given.as_deref().ok() == Some(GIVEN) {
            return Ok(());
        }
        Err("it changed a directory that it may only read".to_owned())
    }
}
