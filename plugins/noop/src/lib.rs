//! Does nothing: what a run costs by itself.

use zapjobs_sdk::prelude::*;

/// Takes any input, does nothing and answers `null`. For measuring what a run costs.
#[job]
fn noop() {}

#[cfg(test)]
mod tests {
    use super::*;
    use zapjobs_sdk::testing::TestContext;

    #[test]
    fn any_input_becomes_null() {
        for input in [Value::Null, json!({"a": [1, "b"]})] {
            assert_eq!(TestContext::new().run_json("noop", input), Ok(Value::Null));
        }
    }
}
