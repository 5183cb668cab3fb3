//! When a schedule fires, as queries and bodies say it.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use zapjobs_model::{Schedule, Timestamp};

use crate::http::problem::{Code, Problem};

/// The time zone of a cron expression unless said.
const TIME_ZONE: &str = "UTC";

/// When it fires: one of `cron`, `every_ms` and `at`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RuleWish {
    /// A cron expression of five fields, of six with seconds in front, or a word such as @daily.
    pub(super) cron: Option<String>,
    /// With `cron`: its time zone, such as Europe/Lisbon; UTC where absent.
    pub(super) time_zone: Option<String>,
    /// Again and again, so many milliseconds apart.
    pub(super) every_ms: Option<u64>,
    /// With `every_ms`: the first time, which the others are counted from.
    #[schema(value_type = Option<String>)]
    #[param(value_type = Option<String>)]
    pub(super) start: Option<Timestamp>,
    /// Once, at this instant.
    #[schema(value_type = Option<String>)]
    #[param(value_type = Option<String>)]
    pub(super) at: Option<Timestamp>,
}

impl RuleWish {
    pub(super) fn rule(&self) -> Result<Schedule, Problem> {
        if self.time_zone.is_some() && self.cron.is_none() {
            return Err(Problem::new(Code::Invalid, "time_zone is for cron alone"));
        }
        if self.start.is_some() && self.every_ms.is_none() {
            return Err(Problem::new(Code::Invalid, "start is for every_ms alone"));
        }
        let rule = match (&self.cron, self.every_ms, self.at) {
            (Some(cron), None, None) => {
                Schedule::cron(cron, self.time_zone.as_deref().unwrap_or(TIME_ZONE))
            }
            (None, Some(every_ms), None) => {
                Schedule::Interval { every_ms, start: self.start }.checked()
            }
            (None, None, Some(at)) => Ok(Schedule::Once { at }),
            _ => {
                let detail = "when? Give one of cron, every_ms and at";
                return Err(Problem::new(Code::Invalid, detail));
            }
        };
        rule.map_err(|error| Problem::new(Code::Invalid, error.line()))
    }
}
