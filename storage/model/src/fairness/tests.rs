use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::TenantId;

fn tenant(at: usize) -> TenantId {
    TenantId::new(format!("t{at:03}")).expect("a good name")
}

fn weight(weight: u32) -> Weight {
    Weight::new(weight).expect("a good weight")
}

fn a_demand(at: usize) -> Demand {
    Demand {
        tenant: tenant(at),
        weight: weight(1),
        virtual_us: 0.0,
        expected_us: 1_000.0,
        running: 0,
        most: usize::MAX,
    }
}

fn total(grants: &[Grant]) -> usize {
    grants.iter().map(|grant| grant.permits).sum()
}

fn demands() -> impl Strategy<Value = Vec<Demand>> {
    let one = (1_u32..=1_000, 0.0..1e9_f64, 0.0..1e7_f64, 0_usize..4, 0_usize..9);
    proptest::collection::vec(one, 0..30).prop_map(|all| {
        let all = all.into_iter().enumerate();
        let demand = |(at, (weighs, virtual_us, expected_us, running, most))| Demand {
            weight: weight(weighs),
            virtual_us,
            expected_us,
            running,
            most,
            ..a_demand(at)
        };
        all.map(demand).collect()
    })
}

proptest! {
    #[test]
    fn nobody_gets_more_than_there_is_nor_more_than_its_quotas_allow(
        free in 0_usize..60, reserved in 0_usize..9, demands in demands(),
    ) {
        let grants = allocate(free, reserved, &demands);
        prop_assert!(total(&grants) <= free);
        for Grant { tenant, permits } in &grants {
            let demand = demands.iter().find(|it| it.tenant == *tenant).expect("it asked");
            prop_assert!((1..=demand.most).contains(permits));
        }
    }

    #[test]
    fn permits_are_left_only_where_nobody_may_have_them(
        free in 0_usize..60, reserved in 0_usize..9, demands in demands(),
    ) {
        let grants = allocate(free, reserved, &demands);
        let wanted: usize = demands.iter().map(|demand| demand.most).sum();
        prop_assert!(total(&grants) >= free.saturating_sub(reserved).min(wanted));
    }

    #[test]
    fn whoever_has_nothing_under_way_starts_one_where_there_is_room(
        free in 30_usize..60, reserved in 0_usize..9, demands in demands(),
    ) {
        let grants = allocate(free, reserved, &demands);
        for demand in demands.iter().filter(|it| it.running == 0 && it.most > 0) {
            prop_assert!(grants.iter().any(|grant| grant.tenant == demand.tenant));
        }
    }

    #[test]
    fn kept_permits_go_to_those_with_fewer_under_way_than_are_left(
        free in 0_usize..60, demands in demands(),
    ) {
        for Grant { tenant, permits } in allocate(free, free, &demands) {
            let demand = demands.iter().find(|it| it.tenant == tenant).expect("it asked");
            let before_the_last = demand.running + permits - 1;
            prop_assert!(before_the_last == 0 || before_the_last < free);
        }
    }
}

proptest! {
    // Each simulates minutes of work.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn cpu_is_divided_by_weight_on_one_permit_whatever_runs_take(
        weights in proptest::collection::vec(1_u32..20, 2..5), seed in any::<u64>(),
    ) {
        // Lengths differ by tenant up to a thousandfold, and from run to run.
        let lengths = |at: usize, random: u64| 10_u64.pow(1 + (at as u32 + 2) % 4) * (50 + random % 100);
        let used = simulate(1, &weights, 200_000_000, seed, lengths);
        assert_divided(&used, &weights, 0.03);
    }

    #[test]
    fn cpu_is_divided_by_weight_on_many_permits(
        weights in proptest::collection::vec(1_u32..4, 2..4), seed in any::<u64>(),
    ) {
        let lengths = |at: usize, random: u64| 10_u64.pow(2 + at as u32 % 3) * (50 + random % 100);
        let used = simulate(32, &weights, 60_000_000, seed, lengths);
        // Permits are whole.
        assert_divided(&used, &weights, 0.06);
    }
}

fn assert_divided(used: &[u64], weights: &[u32], tolerance: f64) {
    let (all, weigh): (u64, u32) = (used.iter().sum(), weights.iter().sum());
    for (used, weight) in used.iter().zip(weights) {
        let (share, fair) = (*used as f64 / all as f64, f64::from(*weight) / f64::from(weigh));
        assert!(
            (share - fair).abs() < tolerance,
            "{share} of the CPU, {fair} is fair: {weights:?}"
        );
    }
}

/// A host on which each permit is a processor. Everyone always has runs ready. Answers the CPU
/// that each tenant used once `until_us` have passed.
fn simulate(
    permits: usize,
    weights: &[u32],
    until_us: u64,
    seed: u64,
    length_of: impl Fn(usize, u64) -> u64,
) -> Vec<u64> {
    let mut random = seed | 1;
    let mut ledger = Ledger::default();
    let mut used = vec![0; weights.len()];
    // By when they end: who, and how long they took.
    let mut running: BTreeMap<(u64, usize), (usize, u64)> = BTreeMap::new();
    let (mut now, mut number) = (0, 0);
    let ready: Vec<_> =
        weights.iter().enumerate().map(|(at, it)| (tenant(at), weight(*it))).collect();
    while now < until_us {
        let demands = asked(&mut ledger, &ready);
        // Kept permits go to whoever has few, and not by weight: here none are kept.
        for grant in allocate(permits - running.len(), 0, &demands) {
            let at = ready.iter().position(|(it, _)| *it == grant.tenant).expect("it asked");
            for _ in 0..grant.permits {
                ledger.started(&grant.tenant, ready[at].1);
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let length = length_of(at, random >> 33);
                running.insert((now + length, number), (at, length));
                number += 1;
            }
        }
        let ((ends, _), (at, length)) = running.pop_first().expect("someone runs");
        now = ends;
        used[at] += length;
        ledger.ended(&tenant(at), length);
    }
    used
}

fn asked(ledger: &mut Ledger, ready: &[(TenantId, Weight)]) -> Vec<Demand> {
    let standings = ledger.round(ready);
    let demand = |((tenant, weight), standing): (&(TenantId, Weight), Standing)| Demand {
        tenant: tenant.clone(),
        weight: *weight,
        virtual_us: standing.virtual_us,
        expected_us: standing.expected_us,
        running: standing.running,
        most: usize::MAX,
    };
    ready.iter().zip(standings).map(demand).collect()
}

#[test]
fn a_lone_tenant_gets_everything() {
    assert_eq!(allocate(7, 0, &[a_demand(1)]), [Grant { tenant: tenant(1), permits: 7 }]);
    assert_eq!(reserve(128, 1), 0);
    assert_eq!([reserve(1, 2), reserve(2, 2), reserve(128, 2)], [0, 1, 32]);
}

#[test]
fn any_number_of_queued_runs_delays_anothers_first_by_no_round() {
    let (crowd, newcomer) = (tenant(1), tenant(2));
    let mut ledger = Ledger::default();
    // 100,000 runs wait, in rounds of 8, and some were executed before.
    for _ in 0..1_000 {
        asked(&mut ledger, &[(crowd.clone(), weight(1_000))]);
        ledger.started(&crowd, weight(1_000));
        ledger.ended(&crowd, 50);
    }
    (0..7).for_each(|_| ledger.started(&crowd, weight(1_000)));
    let ready = [(crowd, weight(1_000)), (newcomer.clone(), weight(1))];
    let demands = asked(&mut ledger, &ready);
    assert_eq!(allocate(1, reserve(8, 2), &demands), [Grant { tenant: newcomer, permits: 1 }]);
}

#[test]
fn each_that_comes_finds_half_of_the_kept_permits_that_others_left() {
    let mut left = 32;
    let mut got = Vec::new();
    for at in 0..7 {
        let grants = allocate(left, left, &[a_demand(at)]);
        got.push(total(&grants));
        left -= total(&grants);
    }
    assert_eq!(got, [16, 8, 4, 2, 1, 1, 0]);
}

#[test]
fn more_tenants_than_permits_take_turns() {
    let mut ledger = Ledger::default();
    let ready: Vec<_> = (0..10).map(|at| (tenant(at), weight(1))).collect();
    let mut turns = BTreeMap::<TenantId, usize>::new();
    for _ in 0..50 {
        for grant in allocate(2, 0, &asked(&mut ledger, &ready)) {
            *turns.entry(grant.tenant.clone()).or_default() += grant.permits;
            (0..grant.permits).for_each(|_| ledger.started(&grant.tenant, weight(1)));
            (0..grant.permits).for_each(|_| ledger.ended(&grant.tenant, 1_000));
        }
    }
    assert_eq!(turns.into_values().collect::<Vec<_>>(), [10; 10]);
}

#[test]
fn runs_that_use_no_cpu_take_turns_too() {
    let used = simulate_waiters();
    assert_eq!(used[0], used[1]);
}

/// Two tenants on one permit, whose runs use nothing. Answers how many each has started.
fn simulate_waiters() -> [usize; 2] {
    let mut ledger = Ledger::default();
    let ready = [(tenant(0), weight(1)), (tenant(1), weight(1))];
    let mut started = [0; 2];
    for _ in 0..100 {
        for grant in allocate(1, 0, &asked(&mut ledger, &ready)) {
            started[usize::from(grant.tenant == tenant(1))] += 1;
            ledger.started(&grant.tenant, weight(1));
            ledger.ended(&grant.tenant, 0);
        }
    }
    started
}

#[test]
fn a_tenant_that_was_away_has_saved_up_no_more_than_a_burst() {
    let mut ledger = Ledger::default();
    let (worker, sleeper) = ((tenant(1), weight(1)), (tenant(2), weight(1)));
    let spend = |ledger: &mut Ledger, ready: &[(TenantId, Weight)], who: &TenantId| {
        ledger.round(ready);
        ledger.started(who, weight(1));
        ledger.ended(who, 1_000_000);
    };
    spend(&mut ledger, &[worker.clone(), sleeper.clone()], &sleeper.0);
    for _ in 0..60 {
        spend(&mut ledger, std::slice::from_ref(&worker), &worker.0);
    }
    let standings = ledger.round(&[worker, sleeper]);
    let behind_us = standings[0].virtual_us - standings[1].virtual_us;
    assert!((0.0..=100_000.0).contains(&behind_us), "{behind_us} µs behind");
}

#[test]
fn accounts_of_those_who_left_are_dropped() {
    let mut ledger = Ledger::default();
    for at in 0..500 {
        let ready = [(tenant(at), weight(1))];
        ledger.round(&ready);
        ledger.started(&ready[0].0, weight(1));
        ledger.ended(&ready[0].0, 1_000);
    }
    ledger.round(&[]);
    ledger.round(&[]);
    assert_eq!(ledger.tenants(), 0);
}
