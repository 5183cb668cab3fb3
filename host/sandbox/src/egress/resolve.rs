//! Names to addresses.
//!
//! **Invariant:** a name is looked up once for a request. What comes of it is bounded, and
//! checked before anything is done with it.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;

use tokio::sync::Semaphore;
use zapjobs_model::port::BoxFuture;

/// Addresses of one name that are looked at at most; a name with more is refused.
pub(crate) const ADDRESSES_MAX: usize = 32;
/// Names that are looked up at a time at most, over all attempts. Each takes a thread.
const LOOKUPS_MAX: usize = 64;

/// Looks names up.
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// All addresses of a name. Dropping the future gives the answer up.
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Asks the system, as other programs on this machine do.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self { lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }
}

impl Resolver for SystemResolver {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let (lookups, name) = (Arc::clone(&self.lookups), name.to_owned());
        Box::pin(async move {
            let permit = lookups.acquire_owned().await.map_err(io::Error::other)?;
            let lookup = tokio::task::spawn_blocking(move || {
                // Held by the thread: a lookup that nobody waits for still takes one.
                let _permit = permit;
                let addresses = (name.as_str(), 0).to_socket_addrs()?;
                Ok(addresses.map(|address| address.ip()).take(ADDRESSES_MAX + 1).collect())
            });
            lookup.await.map_err(io::Error::other)?
        })
    }
}
