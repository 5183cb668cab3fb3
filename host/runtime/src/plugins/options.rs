//! How a plugins directory is looked after.

use std::path::PathBuf;
use std::time::Duration;

use zapjobs_model::{Limits, RetryCode, TenantId};

use super::{SchemaCheck, TrustedKeys};
use crate::TenantPolicy;

/// Plugins of one tenant at most unless said.
const PLUGINS_MAX: usize = 100;
/// Bytes of a component at most unless said.
const COMPONENT_BYTES_MAX: u64 = 64 << 20;
/// How long a file must have been left alone unless said: long enough for a copy to end, short
/// enough for a person not to wait.
const SETTLE: Duration = Duration::from_millis(50);
/// Earlier versions of a plugin kept unless said.
const VERSIONS_KEPT: usize = 10;

/// How a plugins directory is looked after.
#[derive(Debug, Clone)]
pub struct PluginOptions {
    /// Whose plugins the files in the directory itself are; those of other tenants lie in
    /// folders with their names.
    pub tenant: TenantId,
    /// What an attempt may use unless a manifest narrows it.
    pub limits: Limits,
    /// Plugins of one tenant that serve at a time, unless its quotas say otherwise. 100.
    pub plugins_max: usize,
    /// The tenants' quotas.
    pub tenants: TenantPolicy,
    /// Size of a component file. 64 MiB.
    pub component_bytes_max: u64,
    /// A file that was written within this time is left for later. 50 ms.
    pub settle: Duration,
    /// Where versions are kept; `.versions` in the directory where absent.
    pub versions_dir: Option<PathBuf>,
    /// Versions of each plugin that can be gone back to. 10.
    pub versions_kept: usize,
    /// Whose signatures count. Where there is a key, every component needs a signature.
    pub trusted_keys: TrustedKeys,
    /// What is done about inputs that wait and do not fit a new version's schema.
    pub schema_check: SchemaCheck,
    /// Which code a further attempt executes; earlier versions are held ready accordingly.
    pub retry_code: RetryCode,
}

impl PluginOptions {
    /// The defaults, for this tenant's files.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            limits: Limits::default(),
            plugins_max: PLUGINS_MAX,
            tenants: TenantPolicy::default(),
            component_bytes_max: COMPONENT_BYTES_MAX,
            settle: SETTLE,
            versions_dir: None,
            versions_kept: VERSIONS_KEPT,
            trusted_keys: TrustedKeys::default(),
            schema_check: SchemaCheck::default(),
            retry_code: RetryCode::default(),
        }
    }

    /// Plugins of this tenant that may serve at a time.
    pub(super) fn plugins_max(&self, tenant: &TenantId) -> usize {
        let own = self.tenants.of(tenant).plugins_max;
        own.map_or(self.plugins_max, |own| usize::try_from(own).unwrap_or(usize::MAX))
    }
}
