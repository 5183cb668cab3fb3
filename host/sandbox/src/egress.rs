//! What leaves the sandbox over the network: requests that a manifest allows, and no others.
//!
//! **Invariant:** a connection is made only to an address that [`address`] has let pass for
//! the very request that travels on it, and nothing looks the name up again in between.
//!
//! In reading order: [`target`] reads a request, [`policy`] compares it with the grants,
//! [`secret`] fills in what the guest must not see, [`resolve`] and [`address`] find where it
//! may go, [`connect`] goes there (with [`tls`]), [`exchange`] sends it and waits for its
//! answer, and [`body`] and [`budget`] count what passes. [`post`] sends what the host itself says,
//! to addresses that are checked alike.

pub(crate) mod address;
pub(crate) mod body;
pub(crate) mod budget;
mod connect;
pub(crate) mod exchange;
pub(crate) mod policy;
pub(crate) mod post;
pub(crate) mod resolve;
pub(crate) mod secret;
pub(crate) mod target;
mod tls;

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use wasmtime_wasi_http::Error;
use zapjobs_model::HttpGrant;

use resolve::Resolver;

/// What a plugin may reach, made ready when it is loaded.
pub(crate) struct Egress {
    pub(crate) grants: Vec<HttpGrant>,
    /// Whom each of the grants trusts.
    trust: Vec<Arc<ClientConfig>>,
    resolver: Arc<dyn Resolver>,
}

impl Egress {
    /// Reads the certificates that the grants name. Fails if one cannot be read.
    pub(crate) fn new(grants: Vec<HttpGrant>, resolver: Arc<dyn Resolver>) -> Result<Self, String> {
        let public = tls::config(None)?;
        let trusted = |grant: &HttpGrant| match &grant.ca_file {
            Some(file) => tls::config(Some(file)),
            None => Ok(Arc::clone(&public)),
        };
        let trust = grants.iter().map(trusted).collect::<Result<_, _>>()?;
        Ok(Self { grants, trust, resolver })
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("grants", &self.grants).finish_non_exhaustive()
    }
}

/// Why a request has no answer: what the guest is told, and what the run's log says of it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) line: Option<String>,
}

impl Failure {
    pub(crate) fn said(error: Error, line: impl Into<String>) -> Self {
        Self { error, line: Some(line.into()) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, line: None }
    }
}

/// Lines of a manifest, in one line of a log.
pub(crate) fn quoted(lines: &[String]) -> String {
    lines.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(", ")
}
