//! Asks whether an expense may be paid, and waits for the answer: nothing is held up meanwhile.
//!
//! **Invariant:** whatever is interrupted, the request is noted once, and the answer stands once
//! it has come: both are steps.

use std::time::Duration;

use zapjobs_sdk::prelude::*;

/// How long an answer may take, unless the expense says otherwise.
const PATIENCE_DAYS: u32 = 3;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What is to be paid.
#[derive(Deserialize, JsonSchema)]
struct Expense {
    /// What for.
    purpose: String,
    /// How much, in cents.
    cents: u64,
    /// How long to wait for an answer, in seconds; three days where absent.
    #[serde(default)]
    patience_seconds: Option<u64>,
}

/// What the signal `approval` brings.
#[derive(Deserialize)]
struct Answer {
    approved: bool,
    by: String,
}

/// What became of it.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Decision {
    /// It may be paid, as this person says.
    Approved(String),
    /// It may not, as this person says.
    Refused(String),
    /// Nobody answered in time.
    Expired,
}

/// Asks whether an expense may be paid. Answer with
/// `zapjobs runs signal RUN approval --payload '{"approved": true, "by": "Ada"}'`.
#[job(timeout = "1m")]
fn approval(input: Expense, ctx: &Context) -> Result<Decision, JobError> {
    let patience = input.patience_seconds.map_or(DAY * PATIENCE_DAYS, Duration::from_secs);
    ctx.step("ask", || {
        info!(purpose = input.purpose, cents = input.cents, "may this be paid?");
        Ok(())
    })?;
    let answer: Option<Answer> = ctx.wait_signal("approval", Some(patience))?;
    ctx.step("decide", || {
        let decision = match answer {
            Some(Answer { approved: true, by }) => Decision::Approved(by),
            Some(Answer { approved: false, by }) => Decision::Refused(by),
            None => Decision::Expired,
        };
        info!(?decision, "decided");
        Ok(decision)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zapjobs_sdk::testing::{TestContext, Wait};

    fn asked() -> TestContext {
        let test = TestContext::new();
        let error = test.run_json("approval", expense()).expect_err("it waits");
        assert!(error.is_suspension(), "{error}");
        assert_eq!(test.waits_for(), Some(Wait::Signal("approval".to_owned())));
        test
    }

    fn expense() -> Value {
        json!({ "purpose": "chairs", "cents": 12_000 })
    }

    #[test]
    fn an_answer_decides() {
        for (approved, decision) in [(true, "approved"), (false, "refused")] {
            let test = asked();
            test.signal("approval", json!({ "approved": approved, "by": "Ada" }));
            let decided = test.run_json("approval", expense());
            assert_eq!(decided, Ok(json!({ decision: "Ada" })));
            assert_eq!(test.logs().len(), 2, "it asked once");
        }
    }

    #[test]
    fn an_expense_that_nobody_answers_for_expires() {
        let test = asked();
        test.let_time_pass();
        assert_eq!(test.run_json("approval", expense()), Ok(json!("expired")));
    }
}
