//! Templates: kept if they fit their job, filled in, and submitted like any request.

use crate::support::{Bench, describe};
use serde_json::{Value, json};
use zapjobs_model::{
    JobDescription, Json, ParameterValues, Priority, QueueName, Template, TemplateName, TenantId,
};
use zapjobs_runtime::{SubmitError, UseTemplateError};

fn name() -> TemplateName {
    TemplateName::new("welcome").expect("a name")
}

fn tenant() -> TenantId {
    TenantId::standard()
}

fn values(given: Value) -> ParameterValues {
    serde_json::from_value(given).expect("values by name")
}

/// A mail to `to`, with a subject that has a default.
fn welcome() -> Value {
    json!({
        "job": "mail",
        "input": { "to": { "$param": "to" }, "subject": { "$param": "subject" } },
        "parameters": {
            "to": { "schema": { "type": "string", "minLength": 3 }, "example": "ada" },
            "subject": { "default": "Hello" }
        },
        "queue": "mail"
    })
}

impl Bench {
    /// With a job that wants two texts.
    async fn with_mail() -> Self {
        let schema = json!({
            "type": "object",
            "properties": { "to": { "type": "string" }, "subject": { "type": "string" } },
            "required": ["to", "subject"], "additionalProperties": false
        });
        let input_schema = Some(Json::of(&schema).expect("JSON"));
        let bench = Self::new();
        bench.declare(&JobDescription { input_schema, ..describe("mail") }).await;
        bench
    }

    async fn put_template(&self, template: Value) -> Result<u64, UseTemplateError> {
        let template: Template = serde_json::from_value(template).expect("a template");
        self.client.put_template(&tenant(), &name(), template).await
    }

    async fn refused(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut template = welcome();
        change(&mut template);
        let error = self.put_template(template).await.expect_err("it must be refused");
        assert!(self.client.templates(&tenant()).await.expect("listed").is_empty());
        error.to_string()
    }
}

#[tokio::test]
async fn a_run_is_made_of_a_template_and_may_differ_from_it() {
    let bench = Bench::with_mail().await;
    assert_eq!(bench.put_template(welcome()).await.expect("stored"), 1);
    let given = values(json!({ "to": "grace" }));
    let plain = bench.client.enqueue_template(&tenant(), &name(), given.clone(), |_| {}).await;
    let run = bench.run(plain.expect("enqueued")).await;
    assert_eq!(run.input.to_value().expect("JSON"), json!({ "to": "grace", "subject": "Hello" }));
    assert_eq!((run.queue.as_str(), run.metadata["template"].as_str()), ("mail", "welcome"));
    let other = bench
        .client
        .enqueue_template(&tenant(), &name(), given, |request| {
            request.queue = Some(QueueName::standard());
            request.priority = Priority::MAX;
        })
        .await;
    let run = bench.run(other.expect("enqueued")).await;
    assert_eq!((run.queue, run.priority), (QueueName::standard(), Priority::MAX));
}

#[tokio::test]
async fn a_parameter_that_does_not_fit_is_named() {
    let bench = Bench::with_mail().await;
    bench.put_template(welcome()).await.expect("stored");
    for (given, wanted) in [
        (json!({}), "the parameter to is missing"),
        (json!({ "to": "x" }), "the parameter to does not fit: at /: "),
        (json!({ "to": "ada", "cc": 1 }), "no parameter cc: it takes subject, to"),
        (json!({ "to": "ada", "subject": 7 }), "the input does not fit mail's schema: at /subject"),
    ] {
        let made = bench.client.enqueue_template(&tenant(), &name(), values(given), |_| {}).await;
        let error = made.expect_err("refused").to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn a_template_that_its_job_would_refuse_is_not_stored() {
    let bench = Bench::with_mail().await;
    let refused = bench.refused(|it| it["job"] = json!("mial")).await;
    assert!(refused.contains("unknown job type mial: there are mail"), "{refused}");
    let refused = bench.refused(|it| it["parameters"]["subject"]["default"] = json!(7)).await;
    assert!(
        refused.contains("defaults and examples: ") && refused.contains("/subject"),
        "{refused}"
    );
    let refused = bench.refused(|it| it["parameters"]["to"]["example"] = json!("x")).await;
    assert!(refused.contains("the parameter to does not fit"), "{refused}");
    let refused = bench.refused(|it| it["parameters"]["to"]["schema"] = json!({ "type": 1 })).await;
    assert!(refused.contains("the schema of the parameter to cannot be used"), "{refused}");
    let refused = bench.refused(|it| it["input"]["more"] = json!({ "$param": "x" })).await;
    assert!(refused.contains("names the parameter \"x\""), "{refused}");
    let refused = bench.refused(|it| it["max_attempts"] = json!(0)).await;
    assert!(refused.contains("asks for 0 attempts"), "{refused}");
}

#[tokio::test]
async fn the_job_as_it_is_decides_when_a_run_is_made() {
    let bench = Bench::with_mail().await;
    bench.put_template(welcome()).await.expect("stored");
    let input_schema = Some(Json::trusted(r#"{"required":["body"]}"#));
    bench.declare(&JobDescription { input_schema, ..describe("mail") }).await;
    let given = values(json!({ "to": "ada" }));
    let made = bench.client.enqueue_template(&tenant(), &name(), given, |_| {}).await;
    assert!(matches!(made, Err(UseTemplateError::Submit(SubmitError::Invalid(_)))), "{made:?}");
}

#[tokio::test]
async fn templates_are_each_tenants_own() {
    let bench = Bench::with_mail().await;
    bench.put_template(welcome()).await.expect("stored");
    assert_eq!(bench.put_template(welcome()).await.expect("stored again"), 2);
    let other = TenantId::new("other").expect("a name");
    let theirs = bench.client.template(&other, &name()).await;
    assert!(matches!(theirs, Err(UseTemplateError::NotFound(_))));
    assert!(bench.client.templates(&other).await.expect("listed").is_empty());
    bench.client.remove_template(&tenant(), &name()).await.expect("deleted");
    let again = bench.client.remove_template(&tenant(), &name()).await;
    assert!(matches!(again, Err(UseTemplateError::NotFound(_))));
}
