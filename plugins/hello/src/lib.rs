//! Greets people: the smallest job that does something.

use zapjobs_sdk::prelude::*;

/// Whom to greet.
#[derive(Deserialize, JsonSchema)]
struct Greet {
    /// The person's name.
    name: String,
}

/// Greets a person by name.
#[job]
fn greet(input: Greet) -> Result<String, JobError> {
    info!(name = input.name, "greeting");
    Ok(format!("Hello, {}!", input.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use zapjobs_sdk::testing::TestContext;

    #[test]
    fn a_person_is_greeted() {
        let test = TestContext::new();
        let greeting = test.run(|| greet(Greet { name: "Ada".into() }));
        assert_eq!(greeting, Ok("Hello, Ada!".to_owned()));
        assert_eq!(test.logs()[0].message, "greeting");
    }

    #[test]
    fn a_greeting_without_a_name_fails_for_good() {
        let error = TestContext::new().run_json("greet", json!({})).expect_err("no name");
        assert_eq!(error.error_type(), "invalid-input");
        assert!(error.message().contains("missing field `name`"), "{error}");
    }
}
