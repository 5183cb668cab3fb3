//! Against the `cron` crate, in UTC, on what both understand.

use std::str::FromStr;

use chrono::{Datelike, Utc};
use zapjobs_model::{Schedule, Timestamp};

/// Ours, and theirs: seconds first, Sunday is 1, both day fields must fit.
const EXPRESSIONS: [(&str, &str); 16] = [
    ("* * * * *", "0 * * * * *"),
    ("*/15 * * * *", "0 */15 * * * *"),
    ("5,35 * * * *", "0 5,35 * * * *"),
    ("0 */6 * * *", "0 0 */6 * * *"),
    ("0 9 * * MON-FRI", "0 0 9 * * MON-FRI"),
    ("0 9 * * 1-5", "0 0 9 * * 2-6"),
    ("0 9 * * 0", "0 0 9 * * 1"),
    ("0 9 * * 7", "0 0 9 * * 1"),
    ("30 23 31 * *", "0 30 23 31 * *"),
    ("0 0 29 2 *", "0 0 0 29 2 *"),
    ("0 12 1,15 JAN-MAR,DEC *", "0 0 12 1,15 JAN-MAR,DEC *"),
    ("*/20 * * * * *", "*/20 * * * * *"),
    ("7 10-20/5 1-3 * * *", "7 10-20/5 1-3 * * *"),
    ("0 0 */10 * 1", "0 0 0 */10 * 2"),
    ("45 59 23 28-31 * *", "45 59 23 28-31 * *"),
    ("0 0 1 */5 *", "0 0 0 1 */5 *"),
];

#[test]
fn another_implementation_agrees_in_utc() {
    let start: chrono::DateTime<Utc> = "2027-01-31T22:58:57.5Z".parse().unwrap();
    for (ours, theirs) in EXPRESSIONS {
        let schedule = Schedule::cron(ours, "UTC").expect(ours);
        let mut after = Timestamp::from(start);
        for theirs in cron::Schedule::from_str(theirs).expect(theirs).after(&start).take(500) {
            let next = schedule.next_after(after);
            if theirs.year() > 2099 {
                break;
            }
            assert_eq!(next, Some(theirs.into()), "{ours} after {after}");
            after = theirs.into();
        }
    }
}
