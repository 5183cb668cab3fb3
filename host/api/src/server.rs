//! What listens: connections in, answers out, and an orderly end.
//!
//! **Invariant:** without authentication it listens on loopback addresses alone; connections, the
//! time for the head of a request and the time to end are bounded.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::options::{AuthMode, CONNECTIONS_MAX, HEAD_TIME_MAX};
use crate::router::router;
use crate::state::Api;

/// How long to wait after the system refused a connection, such as for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often old records are looked for.
const TEND_EVERY: Duration = Duration::from_secs(3_600);

/// A server that listens, and serves once it is told to.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    routes: Router,
    api: Api,
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// It would let in the whole network without asking who it is.
    #[error(
        "without tokens the HTTP API listens on loopback addresses alone, and {0} is none: set \
         http.auth to tokens, or listen on 127.0.0.1"
    )]
    Exposed(SocketAddr),
    /// The system refused.
    #[error("the HTTP API cannot listen on {0}: {1}")]
    Refused(SocketAddr, io::Error),
}

impl Server {
    /// Listens. Port 0 is any that is free.
    pub async fn bind(address: SocketAddr, api: &Api) -> Result<Self, BindError> {
        Self::bind_routes(address, api, router(api)).await
    }

    /// The same with further routes beside those of the API, such as the dashboard's pages.
    pub async fn bind_routes(
        address: SocketAddr,
        api: &Api,
        routes: Router,
    ) -> Result<Self, BindError> {
        if api.options().auth == AuthMode::Off && !address.ip().is_loopback() {
            return Err(BindError::Exposed(address));
        }
        let refused = |error| BindError::Refused(address, error);
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address, routes, api: api.clone() })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then lets requests under way end, for `drain` at most.
    pub async fn serve(self, stop: CancellationToken, drain: Duration) {
        let tending = tokio::spawn(tend(self.api.clone()));
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME_MAX);
        loop {
            let permit = tokio::select! {
                permit = Arc::clone(&room).acquire_owned() => permit,
                () = stop.cancelled() => break,
            };
            let (stream, peer) = tokio::select! {
                accepted = accept(&self.listener) => accepted,
                () = stop.cancelled() => break,
            };
            let routes = self.routes.clone();
            let service = tower_service(routes, peer);
            let connection = http.serve_connection(TokioIo::new(stream), service);
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                // A connection that breaks off is its client's business.
                let _ = connection.await;
                drop(permit);
            });
        }
        drop(self.listener);
        self.api.stopping().cancel();
        tending.abort();
        let _ = tokio::time::timeout(drain, pin!(graceful.shutdown())).await;
    }
}

/// Forgets old records of changes, at the start and then once an hour.
async fn tend(api: Api) {
    let mut ticks = tokio::time::interval(TEND_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = api.forget_old_records().await {
            tracing::warn!("old records of changes stay: failed to {error}");
        }
    }
}

/// The routes for one connection, whose requests know where they come from.
fn tower_service(
    routes: Router,
    peer: SocketAddr,
) -> TowerToHyperService<axum::middleware::AddExtension<Router, ConnectInfo<SocketAddr>>> {
    let layer = axum::Extension(ConnectInfo(peer));
    TowerToHyperService::new(tower_layer::Layer::layer(&layer, routes))
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are short: none waits for more to send.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!("a connection to the HTTP API was not accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
