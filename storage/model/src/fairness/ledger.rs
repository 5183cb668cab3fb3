//! What each tenant used, as far as it matters for the next round.
//!
//! **Invariant:** an account is kept only while it tells something: its tenant has runs under
//! way, or is ahead of the others.

use std::collections::BTreeMap;

use super::Weight;
use crate::TenantId;

/// CPU that a tenant which comes back may be behind at most: 100 ms.
const BURST_US: f64 = 100_000.0;
/// CPU that a run of a tenant is expected to use before one has ended: 10 ms.
const FIRST_EXPECTED_US: f64 = 10_000.0;
/// CPU that a run counts at least, so that runs which use none still take turns: 0.1 ms.
const COUNTED_US_MIN: f64 = 100.0;
/// How much the latest run tells of the next one, against all before it.
const LATEST_PART: f64 = 0.2;

/// The accounts of one host's tenants.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    accounts: BTreeMap<TenantId, Account>,
    /// The virtual time up to which everyone with something to do has come.
    floor_us: f64,
}

#[derive(Debug, Clone)]
struct Account {
    weight: Weight,
    /// Virtual time of runs that ended.
    virtual_us: f64,
    /// Exponentially weighted mean of what a run used.
    expected_us: f64,
    running: usize,
    is_ready: bool,
}

impl Account {
    const fn is_active(&self) -> bool {
        self.running > 0 || self.is_ready
    }

    /// With what is under way, as if it ended as expected.
    fn start_us(&self) -> f64 {
        self.virtual_us + self.weight.normalised(self.running as f64 * self.expected_us)
    }
}

/// How a tenant stands in the present round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Its virtual time, with what its runs under way are expected to use.
    pub virtual_us: f64,
    /// CPU that its next run is expected to use.
    pub expected_us: f64,
    /// Its runs under way.
    pub running: usize,
}

impl Ledger {
    /// Begins a round: these tenants have runs ready, and no others. Answers how they stand, in
    /// the same order.
    pub fn round(&mut self, ready: &[(TenantId, Weight)]) -> Vec<Standing> {
        self.move_floor();
        self.accounts.values_mut().for_each(|account| account.is_ready = false);
        for (tenant, weight) in ready {
            let account = self.account(tenant, *weight);
            account.weight = *weight;
            account.is_ready = true;
        }
        self.forget_idle();
        let standing = |(tenant, _): &(TenantId, Weight)| {
            let account = &self.accounts[tenant];
            Standing {
                virtual_us: account.start_us(),
                expected_us: account.expected_us,
                running: account.running,
            }
        };
        ready.iter().map(standing).collect()
    }

    /// A run of this tenant has started.
    pub fn started(&mut self, tenant: &TenantId, weight: Weight) {
        self.account(tenant, weight).running += 1;
    }

    /// A run of this tenant has ended and used so much CPU.
    pub fn ended(&mut self, tenant: &TenantId, cpu_us: u64) {
        let Some(account) = self.accounts.get_mut(tenant) else { return };
        let cpu_us = (cpu_us as f64).max(COUNTED_US_MIN);
        account.running = account.running.saturating_sub(1);
        account.virtual_us += account.weight.normalised(cpu_us);
        account.expected_us += (cpu_us - account.expected_us) * LATEST_PART;
    }

    /// Runs of this tenant under way.
    pub fn running(&self, tenant: &TenantId) -> usize {
        self.accounts.get(tenant).map_or(0, |account| account.running)
    }

    /// Tenants with something to do, or ahead of those.
    pub fn tenants(&self) -> usize {
        self.accounts.len()
    }

    /// The account; one that is new, or had nothing to do, begins where the others are.
    fn account(&mut self, tenant: &TenantId, weight: Weight) -> &mut Account {
        let begin_us = self.floor_us - weight.normalised(BURST_US);
        if !self.accounts.contains_key(tenant) {
            let account = Account {
                weight,
                virtual_us: self.floor_us,
                expected_us: FIRST_EXPECTED_US,
                running: 0,
                is_ready: false,
            };
            self.accounts.insert(tenant.clone(), account);
        }
        let account = self.accounts.get_mut(tenant).expect("it is there or was just put there");
        if !account.is_active() {
            account.virtual_us = account.virtual_us.max(begin_us);
        }
        account
    }

    /// Moves on to the least virtual time of those that have something to do; once nobody has,
    /// to the greatest of all. Never back.
    fn move_floor(&mut self) {
        let active = self.accounts.values().filter(|account| account.is_active());
        let least = active.map(Account::start_us).reduce(f64::min);
        let reached = least
            .or_else(|| self.accounts.values().map(|account| account.virtual_us).reduce(f64::max));
        self.floor_us = reached.map_or(self.floor_us, |reached| self.floor_us.max(reached));
    }

    /// Drops what would begin anew at the floor anyway.
    fn forget_idle(&mut self) {
        let floor_us = self.floor_us;
        self.accounts.retain(|_, account| account.is_active() || account.virtual_us > floor_us);
    }
}
