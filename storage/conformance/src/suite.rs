//! From the list of cases (in `list`) to tests: the table below and a driver's tests are both
//! made from it. A case that is missing in the list is dead code, which this crate does not
//! compile with.

use std::future::Future;
use std::pin::Pin;

use crate::{Fixture, Harness, cases};

type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

struct Case<T: ?Sized> {
    family: &'static str,
    name: &'static str,
    run: for<'a> fn(&'a T) -> Running<'a>,
}

macro_rules! case_table {
    ([$table:ident: $subject:ty] $($family:ident { $($case:ident)* })*) => {
        const $table: &[Case<$subject>] = &[$($(Case {
            family: stringify!($family),
            name: stringify!($case),
            run: |subject| Box::pin(cases::$family::$case(subject)),
        },)*)*];
    };
}

crate::with_every_case!(case_table, CASES: Fixture);
crate::with_every_case_beside_runs!(case_table, BESIDE_CASES: Fixture);
crate::with_every_durability_case!(case_table, DURABILITY_CASES: dyn Harness);

/// The names of all cases that every driver passes, each as `family::case`.
pub fn all_cases() -> Vec<String> {
    [names(CASES), names(BESIDE_CASES)].concat()
}

/// The names of all cases that drivers pass whose writes outlive them.
pub fn all_durability_cases() -> Vec<String> {
    names(DURABILITY_CASES)
}

/// Runs one case on a fresh storage. [`conformance_suite!`](crate::conformance_suite) calls it.
pub fn run_case(harness: &dyn Harness, family: &str, name: &str) {
    let case = find(CASES.iter().chain(BESIDE_CASES), family, name);
    block_on(async {
        let fixture = harness.fresh().await;
        (case.run)(&fixture).await;
        let closed = fixture.storage.close().await;
        closed.expect("the storage closes after the case");
    });
}

/// Runs one durability case. [`durability_suite!`](crate::durability_suite) calls it.
pub fn run_durability_case(harness: &(dyn Harness + 'static), family: &str, name: &str) {
    let case = find(DURABILITY_CASES.iter(), family, name);
    block_on((case.run)(harness));
}

fn names<T: ?Sized>(cases: &[Case<T>]) -> Vec<String> {
    cases.iter().map(|case| format!("{}::{}", case.family, case.name)).collect()
}

fn find<T: ?Sized>(
    mut cases: impl Iterator<Item = &'static Case<T>>,
    family: &str,
    name: &str,
) -> &'static Case<T> {
    cases
        .find(|case| case.family == family && case.name == name)
        .unwrap_or_else(|| panic!("there is no case {family}::{name}"))
}

/// Two worker threads, so that cases about concurrency do meet.
pub(crate) fn block_on(running: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
        .block_on(running);
}

/// One test for each case of the suite: `conformance_suite!(MyHarness::new());` at the top
/// level of a file in the driver's `tests/` directory, with nothing else of the same names.
/// The expression is evaluated once for each test.
#[macro_export]
macro_rules! conformance_suite {
    ($harness:expr) => {
        $crate::with_every_case!($crate::suite_tests, run_case, $harness);
        $crate::with_every_case_beside_runs!($crate::suite_tests, run_case, $harness);
    };
}

/// One test for each case about what outlives the storage; for drivers whose
/// [`Harness::reopen`] answers `Some`.
#[macro_export]
macro_rules! durability_suite {
    ($harness:expr) => {
        $crate::with_every_durability_case!($crate::suite_tests, run_durability_case, $harness);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! suite_tests {
    ([$run:ident, $harness:expr] $($family:ident { $($case:ident)* })*) => {
        $(mod $family {
            #[allow(unused_imports, reason = "the harness may be named by a full path")]
            use super::*;
            $(
                #[test]
                fn $case() {
                    $crate::$run(&$harness, stringify!($family), stringify!($case));
                }
            )*
        })*
    };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let names = all_cases();
        assert!(names.len() >= 300, "{} cases are few", names.len());
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn every_case_that_is_written_is_listed() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cases");
        let mut listed: HashSet<String> = all_cases().into_iter().collect();
        listed.extend(all_durability_cases());
        for file in std::fs::read_dir(directory).expect("the cases are there") {
            let path = file.expect("it can be read").path();
            let family = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            let text = std::fs::read_to_string(&path).expect("it can be read");
            for line in text.lines().filter_map(|l| l.strip_prefix("pub(crate) async fn ")) {
                let name = line.split('(').next().expect("a name");
                assert!(listed.remove(&format!("{family}::{name}")), "{family}::{name}");
            }
        }
        assert_eq!(listed, HashSet::new(), "listed, but not written in its family's file");
    }
}
