use zapjobs_model::{JobType, Json, RunError, TenantId};

use super::*;

const RULES: BreakerRules = BreakerRules {
    threshold: 3,
    window: Duration::from_secs(60),
    cool_down: Duration::from_secs(100),
    cool_down_max: Duration::from_secs(250),
};

struct Bench {
    breakers: Breakers,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        Self { breakers: Breakers::default(), now: Timestamp::from_micros(0) }
    }

    fn pass(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.plus(Duration::from_secs(seconds));
        self
    }

    fn admit(&self) -> bool {
        self.breakers.admit(&key("job"), code(), self.now) == Admission::Pass
    }

    fn note(&self, sign: Sign) -> Option<Change> {
        self.breakers.note(&key("job"), code(), sign, self.now, &RULES)
    }

    fn opened() -> Self {
        let bench = Self::new();
        let changes = [Sign::Trapped; 3].map(|sign| bench.note(sign));
        assert_eq!(changes, [None, None, Some(Change::Opened(RULES.cool_down))]);
        bench
    }
}

fn key(name: &str) -> JobKey {
    JobKey { tenant: TenantId::standard(), job_type: JobType::new(name).expect("a name") }
}

fn code() -> Digest {
    Digest::of(b"code")
}

#[test]
fn code_that_traps_again_and_again_is_taken_out_of_service() {
    let mut bench = Bench::opened();
    assert!(!bench.admit());
    assert!(!bench.pass(99).admit());
    let other = bench.breakers.admit(&key("job"), Digest::of(b"fixed"), bench.now);
    assert_eq!(other, Admission::Pass, "another version is another matter");
    let other = bench.breakers.admit(&key("sibling"), code(), bench.now);
    assert_eq!(other, Admission::Pass, "and so is another job of the same code");
}

#[test]
fn one_run_that_ends_well_or_a_long_time_between_keeps_code_in_service() {
    let mut bench = Bench::new();
    for _ in 0..2 {
        bench.note(Sign::Trapped);
    }
    bench.note(Sign::Well);
    for _ in 0..10 {
        assert_eq!(bench.pass(40).note(Sign::Trapped), None, "two within the window at most");
    }
    assert!(bench.admit());
}

#[test]
fn errors_that_a_job_returns_neither_open_nor_clear() {
    let bench = Bench::new();
    for sign in [Sign::Trapped, Sign::Returned, Sign::Trapped, Sign::None] {
        assert_eq!(bench.note(sign), None);
    }
    assert!(bench.note(Sign::Trapped).is_some());
}

#[test]
fn after_the_cool_down_one_probe_goes_and_decides() {
    let mut bench = Bench::opened();
    assert!(bench.pass(100).admit(), "the probe");
    assert!(!bench.admit(), "and nothing beside it");
    assert_eq!(bench.note(Sign::Trapped), Some(Change::Opened(RULES.cool_down * 2)));
    assert!(!bench.pass(199).admit());
    assert!(bench.pass(1).admit());
    assert_eq!(bench.note(Sign::Trapped), Some(Change::Opened(RULES.cool_down_max)));
    assert!(bench.pass(250).admit());
    assert_eq!(bench.note(Sign::Returned), Some(Change::Closed), "it did not trap");
    assert!(bench.admit() && bench.breakers.0.lock().is_empty());
}

#[test]
fn a_probe_that_tells_nothing_makes_room_for_another() {
    let mut bench = Bench::opened();
    assert!(bench.pass(100).admit());
    assert_eq!(bench.note(Sign::None), None);
    assert!(bench.admit(), "the next one");
    assert!(!bench.admit());
    assert!(bench.pass(PROBE_MAX.as_secs()).admit(), "one that never ends holds up nothing");
}

#[test]
fn a_late_trap_of_an_earlier_attempt_does_not_prolong_the_time() {
    let mut bench = Bench::opened();
    assert_eq!(bench.pass(50).note(Sign::Trapped), None);
    assert!(bench.pass(50).admit());
}

#[test]
fn an_operator_puts_code_into_service_at_once() {
    let bench = Bench::opened();
    assert!(bench.breakers.reset(&[key("sibling")]).is_empty());
    assert!(!bench.admit());
    assert_eq!(bench.breakers.reset(&[key("job")]), [(key("job"), code())]);
    assert!(bench.admit());
}

#[test]
fn what_another_host_took_out_of_service_is_so_here_until_then() {
    let mut bench = Bench::new();
    let until = bench.now.plus(Duration::from_secs(30));
    assert!(bench.breakers.adopt(&key("job"), code(), until, bench.now));
    assert!(!bench.breakers.adopt(&key("job"), code(), until, bench.now), "told once");
    assert!(!bench.pass(29).admit());
    assert!(bench.pass(1).admit());
}

#[test]
fn a_threshold_of_zero_never_opens() {
    let bench = Bench::new();
    let rules = BreakerRules { threshold: 0, ..RULES };
    for _ in 0..100 {
        let change = bench.breakers.note(&key("job"), code(), Sign::Trapped, bench.now, &rules);
        assert_eq!(change, None);
    }
    assert!(bench.admit());
}

#[test]
fn only_a_breakdown_of_the_guest_counts_as_a_trap() {
    let stopped = |reason: StopReason, blame| Outcome::Stopped {
        reason,
        error: RunError::new(blame, reason.name(), "it stopped"),
    };
    for (outcome, sign) in [
        (stopped(StopReason::Panic, Blame::Guest), Sign::Trapped),
        (stopped(StopReason::Memory, Blame::Guest), Sign::Trapped),
        (stopped(StopReason::WallTime, Blame::Guest), Sign::None),
        (stopped(StopReason::Trap, Blame::Host), Sign::None),
        (Outcome::Completed(Json::null()), Sign::Well),
        (Outcome::Failed(RunError::new(Blame::Guest, "no", "no")), Sign::Returned),
        (Outcome::Lost, Sign::None),
    ] {
        assert_eq!(Sign::of(&outcome), sign, "{outcome:?}");
    }
}
