//! `zapjobs schedule`.

mod preview;

pub(super) use preview::{describe, preview};

use zapjobs_model::Schedule;
use zapjobs_model::schedule::InvalidSchedule;

use crate::args::RuleArgs;
use crate::errors::{Code, Done, Failure};

/// The schedule that the arguments say.
fn rule(args: &RuleArgs) -> Done<Schedule> {
    let schedule = match (&args.when.cron, args.when.every) {
        (Some(cron), None) => Schedule::cron(cron, &args.tz),
        (None, Some(every)) => {
            Schedule::every_ms(u64::try_from(every.as_millis()).unwrap_or(u64::MAX))
        }
        _ => return Err(Failure::usage("no schedule: give a cron expression or --every SPAN")),
    };
    schedule.map_err(|error| refused(&error))
}

/// Keeps the lines of the message: they show the place.
fn refused(error: &InvalidSchedule) -> Failure {
    Failure { code: Code::Usage, message: error.to_string() }
}
