//! The HTTP API of a host that serves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zapjobs_api::{Api, ApiOptions, AuthMode, BindError, Server};
use zapjobs_runtime::{PluginDesk, TenantPolicy};
use zapjobs_storage::Storage;

use crate::commands::App;
use crate::config::{HTTP_ADDRESS, HttpListen, endpoints};
use crate::errors::{Done, Failure};

/// The API while it is served.
pub(super) struct Http {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Http {
    /// Listens as the configuration says; `None` where it is off, or where the usual address is
    /// taken and no other was named.
    pub(super) async fn start(
        app: &App,
        storage: &Arc<dyn Storage>,
        tenants: &TenantPolicy,
        plugins: Option<PluginDesk>,
    ) -> Done<Option<Self>> {
        let config = &app.config.http;
        let (address, is_usual) = match config.listen {
            HttpListen::Off => return Ok(None),
            HttpListen::Auto => (HTTP_ADDRESS, true),
            HttpListen::At(address) => (address, false),
        };
        let options = ApiOptions {
            auth: if config.auth_off { AuthMode::Off } else { AuthMode::Tokens },
            tenant: app.config.tenant.clone(),
            hosts: config.hosts.clone(),
            // Beyond the loopback tokens are asked for, which no page of another origin has.
            check_host: address.ip().is_loopback() || !config.hosts.is_empty(),
            input_bytes_max: app.config.host.limits.input_bytes_max,
            tenants: tenants.clone(),
            plugins,
            endpoints: endpoints::read(config.endpoints.as_deref(), &app.config.tenant)?,
            metrics: Some(Arc::clone(&app.config.host.metrics)),
            ..ApiOptions::default()
        };
        let api = Api::new(Arc::clone(storage), options);
        let routes = zapjobs_dashboard::beside(zapjobs_api::router(&api));
        let server = match Server::bind_routes(address, &api, routes).await {
            Ok(server) => server,
            Err(BindError::Refused(..)) if is_usual => {
                app.output.note(format_args!(
                    "note: {address} is taken, so this host has no HTTP API: name an address with \
                     --http, or say --http off"
                ));
                return Ok(None);
            }
            Err(error @ BindError::Exposed(_)) => return Err(Failure::usage(error.to_string())),
            Err(error) => return Err(Failure::unavailable(error.to_string())),
        };
        let (address, stop) = (server.address(), CancellationToken::new());
        let serving = tokio::spawn(server.serve(stop.clone(), app.config.drain));
        Ok(Some(Self { address, stop, serving }))
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests; those under way may end.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until requests under way have ended, for as long at most.
    pub(super) async fn ended(self, within: Duration) {
        let _ = tokio::time::timeout(within, self.serving).await;
    }
}
