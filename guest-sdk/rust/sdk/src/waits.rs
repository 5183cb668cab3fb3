//! Waits within a job: for a time, and for signals.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::{Context, JobError, host};

/// What came of a wait for a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waited {
    Suspended,
    TimedOut,
    /// As JSON text.
    Signal(String),
}

impl Context {
    /// Sleeps, for up to ten years, without a place among the runs under way: the first time, when
    /// the sleep ends is recorded, and the error that is answered carries the job to its end with
    /// `?`. That burns no attempt. When the sleep is over the job runs again from its beginning,
    /// finds its steps, and this answers at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use zapjobs_sdk::prelude::*;
    /// use zapjobs_sdk::testing::TestContext;
    ///
    /// #[job]
    /// fn trial(customer: String, ctx: &Context) -> Result<(), JobError> {
    ///     ctx.step("welcome", || { info!(customer, "welcome"); Ok(()) })?;
    ///     ctx.sleep("trial", Duration::from_secs(14 * 24 * 3_600))?;
    ///     ctx.step("remind", || { info!(customer, "your trial ends"); Ok(()) })
    /// }
    ///
    /// let test = TestContext::new();
    /// let asleep = test.run_json("trial", json!("Ada")).unwrap_err();
    /// assert!(asleep.is_suspension());
    /// test.let_time_pass();
    /// assert!(test.run_json("trial", json!("Ada")).is_ok());
    /// assert_eq!(test.logs().len(), 2, "each is said once");
    /// ```
    ///
    /// What stands before a wait should be steps, or harmless when it is done again. A name stands
    /// for one sleep: number the names of sleeps in loops. The instant at which a sleep ends is a
    /// step of the run, `sleep:NAME`, and counts as one.
    pub fn sleep(&self, name: &str, span: Duration) -> Result<(), JobError> {
        match host::sleep(name, millis(span))? {
            true => Ok(()),
            false => Err(JobError::suspended()),
        }
    }

    /// Waits for a signal that is sent to this run from outside (`zapjobs runs signal`), like
    /// [`Context::sleep`] without a place among the runs under way. Answers what the signal
    /// brought, or `None` once it has waited for `limit`; without one it waits ten years. A signal
    /// may have come before anyone waits; those of one name are taken in their order.
    ///
    /// ```
    /// use std::time::Duration;
    /// use zapjobs_sdk::prelude::*;
    /// use zapjobs_sdk::testing::TestContext;
    ///
    /// #[job]
    /// fn ask(ctx: &Context) -> Result<String, JobError> {
    ///     let three_days = Duration::from_secs(3 * 24 * 3_600);
    ///     let answer: Option<String> = ctx.wait_signal("answer", Some(three_days))?;
    ///     Ok(answer.unwrap_or_else(|| "nobody answered".to_owned()))
    /// }
    ///
    /// let test = TestContext::new();
    /// assert!(test.run_json("ask", json!(null)).unwrap_err().is_suspension());
    /// test.signal("answer", json!("yes"));
    /// assert_eq!(test.run_json("ask", json!(null)), Ok(json!("yes")));
    /// ```
    ///
    /// What came of a wait is a step, `wait:NAME#n` for the nth wait of this name: a further
    /// attempt gets the same. When it ends is another, `until:NAME#n`.
    pub fn wait_signal<T: DeserializeOwned>(
        &self,
        name: &str,
        limit: Option<Duration>,
    ) -> Result<Option<T>, JobError> {
        match host::wait_signal(name, limit.map(millis))? {
            Waited::Suspended => Err(JobError::suspended()),
            Waited::TimedOut => Ok(None),
            Waited::Signal(payload) => {
                serde_json::from_str(&payload).map(Some).map_err(|problem| {
                    let message = format!("the signal {name} brought another type ({problem})");
                    JobError::permanent(message).with_type("signal")
                })
            }
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
