//! How the API is bounded, and whom it lets in.

use std::sync::Arc;
use std::time::Duration;

use zapjobs_model::TenantId;
use zapjobs_runtime::{HostMetrics, PluginDesk, TenantPolicy};

use crate::endpoints::Endpoints;

/// Bytes of one request's body at most: 32 MiB, twice the longest input.
pub const BODY_BYTES_MAX: usize = 32 << 20;
/// The longest `Prefer: wait`: 60 seconds.
pub const WAIT_MAX: Duration = Duration::from_secs(60);
/// Requests that wait at the same time at most; further ones are answered at once.
pub const WAITS_MAX: usize = 256;
/// The same for public endpoints, which take no room from the others.
pub const PUBLIC_WAITS_MAX: usize = 64;
/// How long a request may take beside its wait: 30 seconds.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a client may take to send the head of a request: 10 seconds.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Connections at a time at most; further ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 4_096;

/// Whom the API lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthMode {
    /// Whoever shows a token, as far as its scope goes.
    #[default]
    Tokens,
    /// Everyone who reaches it, with every right. For loopback addresses only.
    Off,
}

/// How the API works.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Whom it lets in. Whoever shows a token.
    pub auth: AuthMode,
    /// The tenant of requests that name none and whose caller is bound to none. The standard one.
    pub tenant: TenantId,
    /// Names that requests may call this host by, beside those of the loopback: without port.
    pub hosts: Vec<String>,
    /// Whether only the names in `hosts`, and those of the loopback, are answered. Yes: what
    /// listens on the loopback must not be reached through another name (DNS rebinding).
    pub check_host: bool,
    /// Bytes of one body at most. [`BODY_BYTES_MAX`].
    pub body_bytes_max: usize,
    /// Bytes of one input at most.
    pub input_bytes_max: u64,
    /// The tenants' quotas.
    pub tenants: TenantPolicy,
    /// The plugins of this host's directory; absent where it has none, or keeps no versions.
    pub plugins: Option<PluginDesk>,
    /// Paths whose requests become runs. None.
    pub endpoints: Endpoints,
    /// What the host of this process counts, for `/metrics`. None.
    pub metrics: Option<Arc<HostMetrics>>,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            auth: AuthMode::default(),
            tenant: TenantId::standard(),
            hosts: Vec::new(),
            check_host: true,
            body_bytes_max: BODY_BYTES_MAX,
            input_bytes_max: zapjobs_model::Limits::default().input_bytes_max,
            tenants: TenantPolicy::default(),
            plugins: None,
            endpoints: Endpoints::default(),
            metrics: None,
        }
    }
}
