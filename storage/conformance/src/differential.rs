//! Random operations on two storages at once: whatever is asked, both must answer the same.
//!
//! The memory driver is the reference; a driver under test is the subject. Operations are
//! chosen from a small space of ids, queues and instants, so that they meet: repeated ids,
//! stale leases, cancellations of runs that just ended.
//!
//! **Invariant:** what the contract leaves open is never compared: answers are brought into
//! one form first (`operation`), and instants that would make ties are not used (`choice`).

mod choice;
mod operation;
mod random;
mod snapshot;

use std::collections::BTreeMap;

use choice::Chooser;
use operation::{Operation, Performer};

use crate::{Fixture, Harness};

/// Steps between two comparisons of all that is stored.
const STEPS_PER_SNAPSHOT: usize = 25;
/// Steps of one seed, as drivers run it.
const STEPS: usize = 500;
/// Seeds, as drivers run it, unless `ZAPJOBS_DIFFERENTIAL_SEEDS` says how many.
const SEEDS: u64 = 40;

/// Runs so many random operations on both storages and compares every answer, and from time
/// to time all that is stored. The same seed makes the same operations.
///
/// # Panics
///
/// As soon as the two differ, with the seed, the step, the operation and both answers.
pub async fn differential(
    seed: u64,
    operations: usize,
    reference: Fixture,
    subject: Fixture,
) -> Reach {
    let mut reach = Reach::new();
    let mut chooser = Chooser::new(seed);
    let mut sides = [Performer::new(reference), Performer::new(subject)];
    for step in 0..operations {
        let tick = chooser.tick();
        sides.iter().for_each(|side| side.let_pass(tick));
        let operation = chooser.choose(sides[0].fixture()).await;
        let mut answers = Vec::with_capacity(sides.len());
        for side in &mut sides {
            answers.push(side.perform(&operation).await);
        }
        let [expected, got] = [&answers[0], &answers[1]];
        assert!(
            expected == got,
            "seed {seed}, step {step}: the storages answer differently\n\
             operation: {operation:?}\nreference: {expected}\n  subject: {got}"
        );
        note(&mut reach, &operation, expected);
        if (step + 1) % STEPS_PER_SNAPSHOT == 0 || step + 1 == operations {
            let stored = [snapshot::of(&sides[0]).await, snapshot::of(&sides[1]).await];
            compare_snapshots(seed, step, &format!("{operation:?}"), &stored);
        }
    }
    for side in sides {
        side.fixture().storage.close().await.expect("the storage closes");
    }
    reach
}

/// How often which operation was answered how, such as `Apply StaleLease`: shows whether random
/// operations mean anything.
pub type Reach = BTreeMap<String, usize>;

/// Notes each name in a short answer; an answer that holds runs says only that there are some.
fn note(reach: &mut Reach, operation: &Operation, answer: &str) {
    let operation = format!("{operation:?}");
    let name = operation.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let whole = answer.contains("Run {") || answer.contains("JobDefinition {");
    let answer = if whole { "Some" } else { answer };
    let words = answer.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| {
        word.starts_with(char::is_uppercase) || matches!(*word, "true" | "false" | "error")
    });
    for word in words {
        *reach.entry(format!("{name} {word}")).or_default() += 1;
    }
}

fn compare_snapshots(seed: u64, step: usize, operation: &str, stored: &[Vec<String>; 2]) {
    let [expected, got] = stored;
    let missing: Vec<_> = expected.iter().filter(|row| !got.contains(row)).collect();
    let surplus: Vec<_> = got.iter().filter(|row| !expected.contains(row)).collect();
    assert!(
        expected == got,
        "seed {seed}, step {step}: the storages hold different things (the answers were the \
         same)\nlast operation: {operation}\nonly the reference: {missing:#?}\n\
         only the subject: {surplus:#?}"
    );
}

/// How many seeds to run: the number in `ZAPJOBS_DIFFERENTIAL_SEEDS`, or else `usual`.
///
/// # Panics
///
/// If the variable is set to something else.
pub fn differential_seeds(usual: u64) -> u64 {
    std::env::var("ZAPJOBS_DIFFERENTIAL_SEEDS").map_or(usual, |text| {
        text.parse().expect("ZAPJOBS_DIFFERENTIAL_SEEDS must be a number of seeds")
    })
}

/// Compares fresh storages of two harnesses over every seed that leaves this remainder when
/// divided by `of`. [`differential_suite!`](crate::differential_suite) calls it.
pub fn run_differential(reference: &dyn Harness, subject: &dyn Harness, remainder: u64, of: u64) {
    let seeds = (0..differential_seeds(SEEDS)).filter(|seed| seed % of == remainder);
    crate::suite::block_on(async {
        for seed in seeds {
            let (reference, subject) = (reference.fresh().await, subject.fresh().await);
            // Boxed: the future of a whole comparison is large.
            Box::pin(differential(seed, STEPS, reference, subject)).await;
        }
    });
}

/// Tests that a driver answers as the reference does: `differential_suite!(reference harness,
/// subject harness);`. 40 seeds of 500 operations in four tests;
/// `ZAPJOBS_DIFFERENTIAL_SEEDS=4000` makes it a long one.
#[macro_export]
macro_rules! differential_suite {
    ($reference:expr, $subject:expr) => {
        mod differential {
            #[allow(unused_imports, reason = "the harnesses may be named by full paths")]
            use super::*;

            #[test]
            fn random_operations_are_answered_alike_1() {
                $crate::run_differential(&$reference, &$subject, 0, 4);
            }
            #[test]
            fn random_operations_are_answered_alike_2() {
                $crate::run_differential(&$reference, &$subject, 1, 4);
            }
            #[test]
            fn random_operations_are_answered_alike_3() {
                $crate::run_differential(&$reference, &$subject, 2, 4);
            }
            #[test]
            fn random_operations_are_answered_alike_4() {
                $crate::run_differential(&$reference, &$subject, 3, 4);
            }
        }
    };
}
