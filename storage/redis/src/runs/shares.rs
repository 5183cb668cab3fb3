//! What is left of tenants' shares, while a claim goes on over several scripts.

use std::collections::HashMap;

use zapjobs_model::TenantId;
use zapjobs_storage::{ClaimedRun, TenantSelection, TenantShare};

/// Of each tenant, in the order of the request; nothing where tenants have no shares.
pub(super) struct Shares {
    left: Option<Vec<TenantShare>>,
    places: HashMap<TenantId, usize>,
}

impl Shares {
    pub(super) fn of(tenants: &TenantSelection) -> Self {
        let TenantSelection::Shares(shares) = tenants else {
            return Self { left: None, places: HashMap::new() };
        };
        let places = shares.iter().enumerate();
        let places = places.map(|(place, share)| (share.tenant.clone(), place)).collect();
        Self { left: Some(shares.clone()), places }
    }

    /// The shares of which something is left.
    pub(super) fn left(&self) -> impl Iterator<Item = &TenantShare> {
        self.left.iter().flatten().filter(|share| share.limit > 0)
    }

    /// Whether a claim by shares is at its end.
    pub(super) fn are_used_up(&self) -> bool {
        self.left.is_some() && self.left().next().is_none()
    }

    /// Whether the tenants have shares at all.
    pub(super) fn are_there(&self) -> bool {
        self.left.is_some()
    }

    /// Takes what was claimed off the shares.
    pub(super) fn note(&mut self, claimed: &[ClaimedRun]) {
        let Some(left) = &mut self.left else { return };
        for ClaimedRun { run } in claimed {
            if let Some(place) = self.places.get(&run.tenant) {
                left[*place].limit = left[*place].limit.saturating_sub(1);
            }
        }
    }

    /// Brings all that was claimed into the order of the shares: what a later script took of one
    /// stands behind what others got.
    pub(super) fn sort(&self, claimed: &mut [ClaimedRun]) {
        if self.left.is_some() {
            claimed.sort_by_key(|ClaimedRun { run }| self.places.get(&run.tenant).copied());
        }
    }
}
