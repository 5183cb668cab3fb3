//! Who may start how many runs in this round: fair between tenants by the CPU they use.
//!
//! Start-time fair queuing (P. Goyal, H. M. Vin, H. Cheng: *Start-time Fair Queuing: A
//! Scheduling Algorithm for Integrated Services Packet Switching Networks*, SIGCOMM 1996), with
//! tenants as flows and CPU as length. Each tenant has a virtual time, the CPU that it used
//! divided by its weight, and the one with the least goes next. How much CPU a run takes is
//! known only at its end: until then it counts as much as the tenant's runs took lately. A
//! tenant that comes back after it had nothing to do begins at the present virtual time, save
//! for a bounded burst, so that nobody saves up.
//!
//! Beyond the paper, since runs are not taken off their permits: a tenant with nothing under
//! way gets one permit before anyone gets a further one, whatever it used; and some permits
//! may be kept for tenants with few of them ([`reserve`]). So runs that only wait, and use no CPU,
//! cannot keep others out.
//!
//! **Invariant:** it is pure: nothing here reads a clock, and equal calls give equal answers.

mod allocate;
mod ledger;
mod queues;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use allocate::{Demand, Grant, allocate, reserve};
pub use ledger::{Ledger, Standing};
pub use queues::{QueueDivider, WEIGHTED_QUEUES_MAX};

/// A tenant's part against the others', 1 to 1,000. 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Weight(u32);

/// A weight out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid weight {0}: use 1 to 1000")]
pub struct InvalidWeight(u32);

impl Weight {
    /// Checks the bounds.
    pub fn new(weight: u32) -> Result<Self, InvalidWeight> {
        if (1..=1_000).contains(&weight) { Ok(Self(weight)) } else { Err(InvalidWeight(weight)) }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// So much CPU as virtual time.
    fn normalised(self, cpu_us: f64) -> f64 {
        cpu_us / f64::from(self.0)
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u32> for Weight {
    type Error = InvalidWeight;
    fn try_from(weight: u32) -> Result<Self, InvalidWeight> {
        Self::new(weight)
    }
}

impl From<Weight> for u32 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}
