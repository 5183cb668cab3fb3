use std::time::Duration;

use super::*;
use crate::{JobKey, JobType, Json, LimitKey, Priority, QueueName, RunId, TenantId, Timestamp};

const T0: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn job() -> JobKey {
    JobKey { tenant: TenantId::standard(), job_type: JobType::new("mail").expect("a name") }
}

fn line(queue: &str, key: Option<&str>) -> Line {
    Line {
        tenant: TenantId::standard(),
        queue: QueueName::new(queue).expect("a name"),
        job_type: job().job_type,
        key: key.map(|key| LimitKey::new(key).expect("a key")),
    }
}

fn held(n: u128, priority: i16) -> HeldRun {
    let priority = Priority::new(priority).expect("a priority");
    HeldRun { id: RunId(uuid::Uuid::from_u128(n)), priority, due_at: T0 }
}

fn slots(run: &AdmittedRun) -> Vec<&str> {
    run.slots.iter().map(|gate| &**gate).collect()
}

/// Meets lines, whose gates have nothing in use.
fn open_all(look: &mut Admission<'_>, lines: &[Line]) {
    lines.iter().for_each(|line| _ = look.meet(line));
    look.gates_asked().iter().for_each(|gate| look.load(gate, GateUse::default()));
}

/// The runs line by line, each in the order of claims.
fn in_lines(runs: &[(Line, HeldRun)]) -> Vec<HeldLine> {
    let mut lines: Vec<HeldLine> = Vec::new();
    for (line, run) in runs {
        match lines.iter_mut().find(|held| held.line == *line) {
            Some(held) => held.heads.push(*run),
            None => {
                lines.push(HeldLine { line: line.clone(), wanted: usize::MAX, heads: vec![*run] });
            }
        }
    }
    lines
}

/// A minute in which whoever may go goes, looked at every `step`: how many went, and the most in
/// any span of `per`.
fn minute(rate: Rate, step: Duration) -> (usize, usize) {
    let (mut state, mut gone) = (None, Vec::new());
    let mut now = T0;
    while now.since(T0) < Duration::from_secs(60) {
        while rate.room(state.as_ref(), now) > 0 {
            state = Some(rate.taken(state.as_ref(), now));
            gone.push(now);
        }
        now = now.plus(step);
    }
    let mut from = 0;
    let most = gone.iter().enumerate().map(|(at, instant)| {
        while instant.since(gone[from]) >= rate.per() {
            from += 1;
        }
        at + 1 - from
    });
    let most = most.max().unwrap_or(0);
    (gone.len(), most)
}

#[test]
fn a_hundred_a_second_are_a_hundred_within_two_percent() {
    // Hosts look again when they were told to; here they look no later than the window counts.
    for step_us in [1_000, 3_700, 10_000] {
        let step = Duration::from_micros(step_us);
        let bucket = Rate::new(100, Duration::from_secs(1));
        let (all, most) = minute(bucket, step);
        assert!((5_880..=6_120).contains(&all), "bucket, every {step:?}: {all}");
        assert!(most <= 110, "bucket, every {step:?}: {most} in a second");
        let (all, most) = minute(bucket.kept_by(RateAlgorithm::SlidingWindow), step);
        assert!((5_880..=6_120).contains(&all), "window, every {step:?}: {all}");
        assert!(most <= 100, "window, every {step:?}: {most} in a second");
    }
}

#[test]
fn after_an_outage_no_more_than_the_burst_goes_at_once() {
    let rate =
        Rate::new(100, Duration::from_secs(1)).kept_by(RateAlgorithm::TokenBucket { burst: 7 });
    let mut state = None;
    for outage in [0, 1, 3_600] {
        let now = T0.plus(Duration::from_secs(outage * 24));
        let mut gone = 0;
        while rate.room(state.as_ref(), now) > 0 {
            assert_eq!(rate.next_at(state.as_ref(), now), now);
            state = Some(rate.taken(state.as_ref(), now));
            gone += 1;
        }
        assert_eq!(gone, 7);
        let next = rate.next_at(state.as_ref(), now);
        assert_eq!(next, now.plus(Duration::from_millis(10)));
        assert_eq!(rate.room(state.as_ref(), next), 1);
        assert_eq!(rate.room(state.as_ref(), next.minus(Duration::from_micros(1))), 0);
    }
}

#[test]
fn a_rate_opens_exactly_when_it_says() {
    for per_ms in [1_u64, 7, 1_000, 86_400_000] {
        for count in [1_u32, 3, 999] {
            for algorithm in [RateAlgorithm::TokenBucket { burst: 2 }, RateAlgorithm::SlidingWindow]
            {
                let rate = Rate::new(count, Duration::from_millis(per_ms)).kept_by(algorithm);
                let (mut state, mut now) = (None, T0);
                for _ in 0..2_000 {
                    let next = rate.next_at(state.as_ref(), now);
                    assert!(rate.room(state.as_ref(), next) > 0, "{rate:?}");
                    if next > now {
                        let before = next.minus(Duration::from_micros(1));
                        assert_eq!(rate.room(state.as_ref(), before), 0, "{rate:?}");
                    }
                    now = next;
                    state = Some(rate.taken(state.as_ref(), now));
                    let text = serde_json::to_string(&state).expect("plain data");
                    assert_eq!(
                        serde_json::from_str::<Option<RateState>>(&text).ok(),
                        Some(state.clone())
                    );
                }
                let state = state.expect("it was used");
                let end = rate.forgets_at(&state);
                assert_eq!(rate.room(Some(&state), end), rate.room(None, end), "{rate:?}");
            }
        }
    }
}

#[test]
fn the_first_run_of_all_lines_goes_first_and_takes_all_its_slots() {
    let limits: FlowLimits = [
        (LimitScope::Queue(QueueName::new("a").expect("a name")), FlowLimit::concurrency(2)),
        (LimitScope::PerKey(job()), FlowLimit::concurrency(1)),
    ]
    .into_iter()
    .collect();
    let lines = [line("a", Some("x")), line("a", Some("y")), line("b", Some("x")), line("b", None)];
    let mut look = Admission::new(&limits, T0);
    lines.iter().for_each(|line| _ = look.meet(line));
    let gates = look.gates_asked();
    let names: Vec<_> = gates.iter().map(|gate| &*gate.name).collect();
    assert_eq!(names, ["queue:a", "key:default/mail/x", "key:default/mail/y"]);
    assert!(gates.iter().all(|gate| gate.has_slots && !gate.has_rate));
    lines.iter().for_each(|line| _ = look.meet(line));
    assert_eq!(look.gates_asked(), [], "each is asked for once");
    gates.iter().for_each(|gate| look.load(gate, GateUse::default()));
    let wanted = look.heads_wanted(&lines, 50);
    assert_eq!(wanted, [2, 2, 2, 51]);
    let heads =
        [vec![held(1, 0), held(2, 0)], vec![held(3, 5)], vec![held(4, 9)], vec![held(5, 0)]];
    let lines: Vec<_> = lines
        .into_iter()
        .zip(heads)
        .map(|(line, heads)| HeldLine { line, wanted: 2, heads })
        .collect();
    let plan = look.admit(&lines, 50);
    let went = plan.admitted;
    // 4 has the key x, so that 1 and 2 wait; 5 faces no limit.
    let ids: Vec<_> = went.iter().map(|run| run.id.0.as_u128()).collect();
    assert_eq!(ids, [4, 3, 5]);
    assert_eq!(slots(&went[0]), ["key:default/mail/x"]);
    assert_eq!(slots(&went[1]), ["queue:a", "key:default/mail/y"]);
    assert!(went[2].slots.is_empty());
    assert_eq!((plan.next_at, plan.has_more), (None, false));
}

#[test]
fn a_pause_lets_nobody_through_and_a_rate_says_when() {
    let everything = |limit| [(LimitScope::Everything, limit)].into_iter().collect::<FlowLimits>();
    let lines = [line("a", None)];
    let heads =
        [HeldLine { line: lines[0].clone(), wanted: 2, heads: vec![held(1, 0), held(2, 0)] }];

    let paused = everything(FlowLimit { paused: true, ..FlowLimit::default() });
    let mut look = Admission::new(&paused, T0);
    open_all(&mut look, &lines);
    assert_eq!(look.admit(&heads, 9), Plan::default());

    let rate = Rate::new(1, Duration::from_secs(1));
    let limited = everything(FlowLimit::rate(rate));
    let mut look = Admission::new(&limited, T0);
    open_all(&mut look, &lines);
    let plan = look.admit(&heads, 9);
    assert_eq!(plan.admitted.len(), 1);
    assert_eq!(plan.next_at, Some(T0.plus(Duration::from_secs(1))));
    assert!(!plan.has_more);
    let used: Vec<_> = look.rates_used().map(|(gate, ..)| gate).collect();
    assert_eq!(used, ["everything"]);

    // What the host had no room for may go at once.
    let open = everything(FlowLimit::concurrency(9));
    let mut look = Admission::new(&open, T0);
    open_all(&mut look, &lines);
    let plan = look.admit(&heads, 1);
    assert_eq!((plan.admitted.len(), plan.has_more), (1, true));
}

#[test]
fn the_first_runs_decide_as_all_lines_do_if_they_fill_the_plan() {
    let limits: FlowLimits = [
        (LimitScope::PerKey(job()), FlowLimit::concurrency(2)),
        (LimitScope::Queue(QueueName::new("b").expect("a name")), FlowLimit::concurrency(5)),
    ]
    .into_iter()
    .collect();
    // A line of runs of each of seven keys, in two queues; one key has nearly all runs.
    for seed in 0..200_u64 {
        let mut random = seed;
        let mut below = |bound: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % bound
        };
        let mut runs: Vec<(Line, HeldRun)> = (0..60)
            .map(|n| {
                let key = below(2) * below(7);
                let run = held(n, i16::try_from(below(3)).expect("small"));
                (line(["a", "b"][below(2) as usize], Some(&key.to_string())), run)
            })
            .collect();
        runs.sort_by_key(|(_, run)| run.place());
        let lines = in_lines(&runs);
        let wanted = 10 + below(60) as usize;
        let mut look = Admission::new(&limits, T0);
        let first: Vec<_> =
            runs.iter().map(|(line, run)| (look.meet(line), *run)).take(wanted).collect();
        lines.iter().for_each(|held| _ = look.meet(&held.line));
        for gate in look.gates_asked() {
            look.load(&gate, GateUse { in_use: below(4) as usize, rate: None });
        }
        let limit = 1 + below(12) as usize;
        let of_first = look.admit_first(&first, limit);
        let of_all = look.admit(&lines, limit);
        if of_first.suffices(wanted, wanted.min(runs.len())) {
            assert_eq!(of_first, of_all, "seed {seed}");
        }
        assert!(of_all.admitted.starts_with(&of_first.admitted), "seed {seed}");
    }
}

#[test]
fn a_gate_that_was_not_read_stays_shut() {
    let limits = [(LimitScope::Everything, FlowLimit::concurrency(5))].into_iter().collect();
    let lines = [line("a", None)];
    let mut look = Admission::new(&limits, T0);
    look.meet(&lines[0]);
    look.gates_asked();
    assert_eq!(look.heads_wanted(&lines, 9), [0]);
}

#[test]
fn names_are_read_back() {
    let key = LimitKey::new("a/b c").expect("a key");
    for line in [line("q", None), Line { key: Some(key), ..line("q", None) }] {
        assert_eq!(line.to_string().parse(), Ok(line));
    }
    let scopes = [
        LimitScope::Everything,
        LimitScope::Tenant(TenantId::standard()),
        LimitScope::Queue(QueueName::standard()),
        LimitScope::Job(job()),
        LimitScope::PerKey(job()),
    ];
    for scope in scopes {
        assert_eq!(scope.to_string().parse(), Ok(scope));
    }
    for bad in ["", "all", "queue:", "queue:a b", "job:mail", "key:a/b/c"] {
        assert!(bad.parse::<LimitScope>().is_err(), "{bad}");
    }
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let scope = LimitScope::Everything;
    let rate = |count, per_us| FlowLimit::rate(Rate::new(count, Duration::from_micros(per_us)));
    let pointer = LimitKeyPointer::new("/id").ok();
    for bad in [
        FlowLimit::default(),
        FlowLimit::concurrency(0),
        FlowLimit::concurrency(100_001),
        rate(0, 1_000_000),
        rate(100_001, 86_400_000_000),
        rate(1, 999),
        rate(1, 86_400_000_001),
        rate(1_001, 1_000),
        FlowLimit { key_pointer: pointer, ..FlowLimit::concurrency(1) },
    ] {
        assert!(LimitChange::set(bad.clone()).apply(&scope, None).is_err(), "{bad:?}");
    }
    assert!(LimitChange::Pause.apply(&LimitScope::PerKey(job()), None).is_err());
}

#[test]
fn a_pause_and_a_limit_of_one_scope_come_and_go_each_by_itself() {
    let scope = LimitScope::Everything;
    let apply = |change: LimitChange, stored: Option<&FlowLimit>| {
        change.apply(&scope, stored).expect("a good change")
    };
    let set = apply(LimitChange::set(FlowLimit::concurrency(3)), None);
    let paused = apply(LimitChange::Pause, set.as_ref());
    assert_eq!(paused.as_ref().map(|it| (it.concurrency, it.paused)), Some((Some(3), true)));
    let still_paused = apply(LimitChange::Remove, paused.as_ref());
    assert_eq!(still_paused.as_ref().map(|it| (it.concurrency, it.paused)), Some((None, true)));
    assert_eq!(apply(LimitChange::Resume, still_paused.as_ref()), None);
    assert_eq!(apply(LimitChange::Resume, paused.as_ref()), set);
    assert_eq!(apply(LimitChange::Resume, None), None);
}

#[test]
fn a_pointer_finds_plain_values_alone() {
    let pointer = LimitKeyPointer::new("/customer/id").expect("a pointer");
    let key = |input: &str| pointer.key_of(&Json::parse(input).expect("JSON"));
    let found = |text: &str| Ok(Some(LimitKey::new(text).expect("a key")));
    assert_eq!(key(r#"{"customer":{"id":"a"}}"#), found("a"));
    assert_eq!(key(r#"{"customer":{"id":42}}"#), found("42"));
    assert_eq!(key(r#"{"customer":{"id":true}}"#), found("true"));
    assert_eq!(key(r#"{"customer":{"id":[]}}"#), Ok(None));
    assert_eq!(key("null"), Ok(None));
    let long = format!(r#"{{"customer":{{"id":"{}"}}}}"#, "x".repeat(201));
    assert!(key(&long).is_err());
    assert!(LimitKeyPointer::new("customer").is_err());
}

#[test]
fn what_another_rate_remembered_keeps_nobody_waiting_for_longer_than_this_one_would() {
    let slow = Rate::new(1, RATE_PER_MAX);
    for algorithm in [RateAlgorithm::TokenBucket { burst: 3 }, RateAlgorithm::SlidingWindow] {
        let mut state = None;
        for _ in 0..3 {
            state = Some(slow.kept_by(algorithm).taken(state.as_ref(), T0));
        }
        let fast = Rate::new(10, Duration::from_secs(1)).kept_by(algorithm);
        let next = fast.next_at(state.as_ref(), T0);
        assert!(next.since(T0) <= RATE_PER_MAX / 100 + Duration::from_secs(1), "{algorithm:?}");
    }
    let bucket = Rate::new(10, Duration::from_secs(1));
    let state = RateState::FullAt(i64::MAX);
    assert_eq!(bucket.next_at(Some(&state), T0), T0.plus(Duration::from_millis(100)));
}
