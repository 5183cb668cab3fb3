//! What a run has done for good.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Context, JobError, host};

/// Why a step was not recorded, or not looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepError {
    pub(crate) may_pass: bool,
    pub(crate) message: String,
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<StepError> for JobError {
    fn from(error: StepError) -> Self {
        let failure = if error.may_pass { Self::retry(&error) } else { Self::permanent(&error) };
        failure.with_type("step")
    }
}

impl Context {
    /// Does a step once: if this or an earlier attempt of the run recorded a step of this name,
    /// answers its value; else does the work and records what it came to, durably. An error is
    /// not recorded: the step is done again by the next attempt.
    ///
    /// An attempt that dies after the work and before it is recorded leaves the step to be done
    /// again. What it does outside should carry a key, such as the run's id and the step's name.
    ///
    /// ```
    /// use zapjobs_sdk::prelude::*;
    /// use zapjobs_sdk::testing::TestContext;
    ///
    /// # fn charge(_key: &str) -> Result<u32, JobError> { Ok(7) }
    /// # fn ship(_payment: u32) -> Result<(), JobError> { Err(JobError::retry("closed")) }
    /// #[job]
    /// fn order(ctx: &Context) -> Result<u32, JobError> {
    ///     let payment = ctx.step("charge", || charge(&ctx.run_id()))?;
    ///     ctx.step("ship", || ship(payment))?;
    ///     Ok(payment)
    /// }
    ///
    /// let test = TestContext::new();
    /// assert!(test.run_json("order", json!(null)).is_err(), "shipping fails");
    /// assert_eq!(test.steps(), [("charge".to_owned(), json!(7))]);
    /// ```
    ///
    /// A run may have 1,000 steps, of 1 MiB each and 16 MiB together; a name has 1 to 200 bytes.
    /// A name stands for one thing: where work is repeated in a loop, number the names. Errors
    /// have the type `step`: of a step that cannot be recorded, and for good where a recorded
    /// value is not of the type any more.
    pub fn step<T>(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<T, JobError>,
    ) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
    {
        if let Some(value) = host::recorded_step(name)? {
            return read(name, &value);
        }
        let done = work()?;
        let value = serde_json::to_string(&done).map_err(|problem| {
            let message = format!("the value of the step {name} cannot be written: {problem}");
            JobError::permanent(message).with_type("step")
        })?;
        let stands = host::keep_step(name, &value)?;
        if stands == value { Ok(done) } else { read(name, &stands) }
    }

    /// Whether this or an earlier attempt of the run recorded a step of this name.
    pub fn is_step_done(&self, name: &str) -> Result<bool, JobError> {
        Ok(host::recorded_step(name)?.is_some())
    }
}

fn read<T: DeserializeOwned>(name: &str, value: &str) -> Result<T, JobError> {
    serde_json::from_str(value).map_err(|problem| {
        let message = format!(
            "the step {name} was recorded with another type of value ({problem}): give a step \
             that changed another name"
        );
        JobError::permanent(message).with_type("step")
    })
}
