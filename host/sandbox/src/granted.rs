//! What a plugin was granted, made ready when it is loaded.
//!
//! **Invariant:** whatever of the grants can be missing (a directory, a file of certificates, a
//! secret) was there at least once: a plugin that lacks one is not loaded, and its operator
//! reads why.

use std::sync::Arc;

use zapjobs_model::grants::{EnqueueGrant, Environment, Settings};
use zapjobs_model::{DirectoryGrant, Grants};

use crate::egress::Egress;
use crate::egress::resolve::Resolver;
use crate::egress::secret::Vault;
use crate::host::wasi;

/// What a plugin was granted. The default is nothing.
#[derive(Debug, Default)]
pub(crate) struct Granted {
    pub(crate) directories: Vec<DirectoryGrant>,
    pub(crate) environment: Environment,
    pub(crate) settings: Settings,
    pub(crate) egress: Option<Arc<Egress>>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) enqueue: EnqueueGrant,
}

impl Granted {
    /// Looks for everything that the grants name. Reads files.
    pub(crate) fn prepare(grants: Grants, resolver: &Arc<dyn Resolver>) -> Result<Self, String> {
        let grants = grants.checked().map_err(|error| error.to_string())?;
        wasi::check(&grants.directories)?;
        let vault = Vault::read(&grants.secrets, |name| std::env::var(name))?;
        let hosts = grants.http.unwrap_or_default();
        let egress = match hosts.as_slice() {
            [] => None,
            _ => Some(Arc::new(Egress::new(hosts, Arc::clone(resolver))?)),
        };
        Ok(Self {
            directories: grants.directories,
            environment: grants.environment,
            settings: grants.settings,
            egress,
            vault: Arc::new(vault),
            enqueue: grants.enqueue.unwrap_or_default(),
        })
    }

    /// Whether an attempt finds anything of the outside as soon as it starts.
    pub(crate) fn shows_something(&self) -> bool {
        !self.directories.is_empty() || !self.environment.is_empty() || !self.vault.is_empty()
    }
}
