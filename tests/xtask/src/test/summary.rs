//! The table at the end.

use std::time::Duration;

use super::Ended;
use super::counts::Counts;
use crate::say::say;

/// Prints what every step came to.
pub(super) fn print(ended: &[Ended], left: &[&str], took: Duration) {
    say!("\n=== summary");
    say!("{:<12} {:<7} {:>8}  {:<16} note", "step", "result", "time", "tests");
    for step in ended {
        let (result, tests, note) = match &step.result {
            Ok(report) => ("ok", report.tests, report.note.as_str()),
            Err(_) => ("FAILED", Counts::default(), "see above"),
        };
        let tests = if tests == Counts::default() { String::new() } else { tests.to_string() };
        say!("{:<12} {result:<7} {:>8}  {tests:<16} {note}", step.name, seconds(step.took));
    }
    for name in left {
        say!("{name:<12} not run");
    }
    let tests: Counts = ended.iter().flat_map(|s| &s.result).map(|report| report.tests).sum();
    say!("{:<12} {:<7} {:>8}  {tests} tests ran", "all", "", seconds(took));
}

/// A time as people read it.
pub(super) fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    match whole {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} m {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 m 05 s");
    }
}
