//! How the HTTP API listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the HTTP API listens unless said.
pub(crate) const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7878);

/// How the HTTP API is served.
#[derive(Debug, Clone)]
pub(crate) struct HttpConfig {
    pub(crate) listen: HttpListen,
    pub(crate) auth_off: bool,
    pub(crate) hosts: Vec<String>,
    pub(crate) endpoints: Option<PathBuf>,
}

/// Where it listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpListen {
    /// At [`ADDRESS`], or nowhere where that is taken.
    Auto,
    Off,
    At(SocketAddr),
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: HttpListen::Auto, auth_off: false, hosts: Vec::new(), endpoints: None }
    }
}

impl fmt::Display for HttpListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Off => f.write_str("off"),
            Self::At(address) => write!(f, "{address}"),
        }
    }
}
