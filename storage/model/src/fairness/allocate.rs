//! One round.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Weight;
use crate::TenantId;

/// Of all permits, one in so many is kept for tenants with few runs under way.
const RESERVED_SHARE: usize = 4;

/// A tenant that has runs ready.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// Who.
    pub tenant: TenantId,
    /// Its part against the others'.
    pub weight: Weight,
    /// Its virtual time, with what its runs under way are expected to use.
    pub virtual_us: f64,
    /// CPU that its next run is expected to use.
    pub expected_us: f64,
    /// Its runs under way.
    pub running: usize,
    /// How many more its quotas allow.
    pub most: usize,
}

/// What a tenant may start in this round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub tenant: TenantId,
    /// How many runs, at least 1.
    pub permits: usize,
}

/// How many of a host's permits are kept for tenants with few runs under way: a quarter, at
/// least one, of a host that executes more than one run at once and has several tenants.
pub fn reserve(concurrency: usize, tenants: usize) -> usize {
    if concurrency > 1 && tenants > 1 { (concurrency / RESERVED_SHARE).max(1) } else { 0 }
}

/// Gives `free` permits to tenants that have runs ready, the last `reserved` of them only to
/// those with fewer runs under way than permits are left: so each tenant that comes finds half of
/// what the others left, and nobody can take all. Nor does a tenant take of them beyond its part
/// of all permits by weight. Answers who may start how many, the least virtual time first.
///
/// Each tenant with nothing under way gets one first; every further permit goes to whoever has
/// the least virtual time, each permit counted as a run of the expected length.
pub fn allocate(free: usize, reserved: usize, demands: &[Demand]) -> Vec<Grant> {
    let mut line: Vec<Place<'_>> = demands
        .iter()
        .filter(|demand| demand.most > 0)
        .map(|demand| Place { virtual_us: demand.virtual_us, granted: 0, demand })
        .collect();
    line.sort_by(|one, other| other.cmp(one));
    let order: Vec<&TenantId> = line.iter().map(|place| &place.demand.tenant).collect();
    let mut left = free;
    for place in line.iter_mut().filter(|place| place.demand.running == 0).take(free) {
        place.grant();
        left -= 1;
    }
    let mut done = Vec::with_capacity(line.len());
    let weights: u64 = demands.iter().map(|demand| u64::from(demand.weight.get())).sum();
    let permits = free + demands.iter().map(|demand| demand.running).sum::<usize>();
    let mut line = BinaryHeap::from(line);
    while left > 0
        && let Some(mut place) = line.pop()
    {
        let may_have_it = left > reserved
            || (place.under_way() < left && place.is_below_its_part(permits, weights));
        if !may_have_it || place.granted == place.demand.most {
            // Neither changes in this round: fewer are left, and more are under way.
            done.push(place);
            continue;
        }
        place.grant();
        left -= 1;
        line.push(place);
    }
    let granted: std::collections::BTreeMap<_, _> =
        line.into_iter().chain(done).map(|place| (&place.demand.tenant, place.granted)).collect();
    let grants = order.into_iter().filter_map(|tenant| {
        let permits = *granted.get(tenant)?;
        (permits > 0).then(|| Grant { tenant: tenant.clone(), permits })
    });
    grants.collect()
}

/// A tenant in line. The greatest goes next: the least virtual time, then the fewest runs under
/// way, then the first name.
struct Place<'a> {
    virtual_us: f64,
    granted: usize,
    demand: &'a Demand,
}

impl Place<'_> {
    fn under_way(&self) -> usize {
        self.demand.running + self.granted
    }

    /// Whether it has fewer of all permits than its weight among all weights says.
    fn is_below_its_part(&self, permits: usize, weights: u64) -> bool {
        let part = u64::from(self.demand.weight.get()).saturating_mul(permits as u64);
        (self.under_way() as u64).saturating_mul(weights) < part
    }

    fn grant(&mut self) {
        self.granted += 1;
        self.virtual_us += self.demand.weight.normalised(self.demand.expected_us);
    }
}

impl Ord for Place<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .virtual_us
            .total_cmp(&self.virtual_us)
            .then_with(|| other.under_way().cmp(&self.under_way()))
            .then_with(|| other.demand.tenant.cmp(&self.demand.tenant))
    }
}

impl PartialOrd for Place<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place<'_> {}
