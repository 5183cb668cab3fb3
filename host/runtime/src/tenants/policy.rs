//! The quotas of each tenant, as the operator sets them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zapjobs_model::{InvalidQuota, TenantId, TenantQuotas};

/// The quotas of all tenants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantPolicy {
    /// Of tenants that have none of their own. Nothing is bounded, and all weigh 1.
    pub default: TenantQuotas,
    /// Of single tenants, in place of the default as a whole.
    pub tenants: BTreeMap<TenantId, TenantQuotas>,
}

impl TenantPolicy {
    /// The quotas of a tenant.
    pub fn of(&self, tenant: &TenantId) -> &TenantQuotas {
        self.tenants.get(tenant).unwrap_or(&self.default)
    }

    /// Whether any quota of any tenant bounds which runs may start.
    pub(crate) fn bounds_starts(&self) -> bool {
        self.default.bounds_starts() || self.tenants.values().any(TenantQuotas::bounds_starts)
    }

    /// Refuses quotas out of their bounds.
    pub fn checked(self) -> Result<Self, InvalidQuota> {
        self.default.checked()?;
        self.tenants.values().try_for_each(|quotas| quotas.checked().map(drop))?;
        Ok(self)
    }
}
