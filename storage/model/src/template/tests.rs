//! Templates, and what is refused of them.

use serde_json::json;

use super::*;

fn name(name: &str) -> ParameterName {
    ParameterName::new(name).expect("a name")
}

fn template(text: Value) -> Template {
    serde_json::from_value(text).expect("a template")
}

fn mail() -> Template {
    template(json!({
        "job": "mail",
        "input": {
            "to": { "$param": "to" },
            "subject": { "$param": "subject" },
            "copies": [{ "$param": "copy" }, "archive"],
            "reply-to": { "$param": "copy" },
            "n": 1.50
        },
        "parameters": {
            "to": { "description": "an address", "schema": { "type": "string" } },
            "subject": { "default": "Hello" },
            "copy": { "required": false }
        },
        "queue": "mail", "priority": 5, "tags": ["mailing"], "delay_ms": 1500, "max_attempts": 3
    }))
}

fn request(template: &Template, given: Value) -> Result<JobRequest, TemplateError> {
    let given = serde_json::from_value(given).expect("values by name");
    let values = template.values(given)?;
    let called = TemplateName::new("welcome").expect("a name");
    template.instantiate(TenantId::standard(), &called, &values)
}

#[test]
fn values_take_the_places_of_their_parameters() {
    let mail = mail().checked().expect("a good template");
    let filled = request(&mail, json!({ "to": "ada", "copy": { "deep": [1] } })).expect("filled");
    let expected = json!({
        "to": "ada", "subject": "Hello", "copies": [{ "deep": [1] }, "archive"],
        "reply-to": { "deep": [1] }, "n": 1.5
    });
    assert_eq!(filled.input.to_value().expect("JSON"), expected);
    assert_eq!(filled.job_type.as_str(), "mail");
    assert_eq!(filled.queue.as_ref().map(QueueName::as_str), Some("mail"));
    assert_eq!((filled.priority.get(), filled.max_attempts), (5, Some(3)));
    assert_eq!(filled.due, Due::In(Duration::from_millis(1_500)));
    assert_eq!(filled.tags.len(), 1);
    assert_eq!(filled.metadata[METADATA_TEMPLATE], "welcome");
}

#[test]
fn what_is_optional_and_absent_is_left_out() {
    let filled = request(&mail(), json!({ "to": null })).expect("filled");
    let expected = json!({ "to": null, "subject": "Hello", "copies": [null, "archive"], "n": 1.5 });
    assert_eq!(filled.input.to_value().expect("JSON"), expected);
    let whole = template(json!({
        "job": "mail", "input": { "$param": "all" }, "parameters": { "all": { "required": false } }
    }));
    assert_eq!(request(&whole, json!({})).expect("filled").input.as_str(), "null");
    assert_eq!(request(&whole, json!({ "all": [1] })).expect("filled").input.as_str(), "[1]");
}

#[test]
fn a_value_is_data_and_no_template() {
    let trick = json!({ "to": { "$param": "subject" } });
    let filled = request(&mail(), trick).expect("filled").input.to_value().expect("JSON");
    assert_eq!(filled["to"], json!({ "$param": "subject" }));
}

#[test]
fn missing_and_unknown_parameters_are_named() {
    let missing = request(&mail(), json!({})).expect_err("refused").to_string();
    assert_eq!(missing, "the parameter to is missing (an address): give it a value");
    let unknown = request(&mail(), json!({ "to": 1, "form": 2 })).expect_err("refused").to_string();
    assert_eq!(unknown, "the template has no parameter form: it takes copy, subject, to");
}

#[test]
fn placeholders_and_parameters_must_agree() {
    let refused = |input: Value, parameters: Value| {
        let template = template(json!({ "job": "mail", "input": input, "parameters": parameters }));
        template.checked().expect_err("refused").to_string()
    };
    let none = json!({});
    assert!(refused(json!({ "a/b": [{ "$param": "x" }] }), none.clone()).contains("/a~1b/0"));
    assert!(refused(json!({ "$param": "x", "more": 1 }), none.clone()).contains("nothing beside"));
    assert!(refused(json!({ "$param": 7 }), none).contains("at /"));
    let unused = refused(json!(1), json!({ "x": {} }));
    assert!(unused.contains("the parameter x stands nowhere"), "{unused}");
}

#[test]
fn a_template_is_tried_with_defaults_and_examples() {
    assert_eq!(mail().sample(), None, "`to` has neither");
    let mut with_example = mail();
    let to = with_example.parameters.get_mut("to").expect("it is there");
    to.example = Some(json!("ada"));
    let sample = with_example.sample().expect("values");
    assert_eq!(
        sample,
        BTreeMap::from([(name("subject"), json!("Hello")), (name("to"), json!("ada"))])
    );
    // An example is no default.
    assert!(request(&with_example, json!({})).is_err());
}

#[test]
fn a_value_that_is_used_often_is_bounded_by_what_comes_out() {
    let places = vec![json!({ "$param": "x" }); 1_000];
    let many = template(json!({ "job": "mail", "input": places, "parameters": { "x": {} } }));
    let of = |bytes: usize| request(&many, json!({ "x": "y".repeat(bytes) }));
    assert!(of(1_000).is_ok());
    assert_eq!(of(20_000).expect_err("refused"), TemplateError::InputTooLong);
}

#[test]
fn templates_out_of_bounds_are_refused() {
    let plain = || Template::new(JobType::new("mail").expect("a name"), json!({}));
    let long = Template { input: json!("x".repeat(DOCUMENT_BYTES_MAX)), ..plain() };
    assert!(matches!(long.checked(), Err(TemplateError::TooLong(_))));
    let parameters = (0..=PARAMETERS_MAX).map(|at| (name(&format!("p{at}")), Parameter::default()));
    let many = Template { parameters: parameters.collect(), ..plain() };
    assert!(matches!(many.checked(), Err(TemplateError::TooManyParameters(65))));
    let unknown = serde_json::from_value::<Template>(json!({ "job": "mail", "inputs": [] }));
    assert!(unknown.expect_err("refused").to_string().contains("inputs"));
}

#[test]
fn a_template_survives_its_text() {
    let mut template = mail();
    template
        .parameters
        .insert(name("nothing"), Parameter { default: Some(Value::Null), ..Parameter::default() });
    let text = serde_json::to_string(&template).expect("serialises");
    assert_eq!(serde_json::from_str::<Template>(&text).expect("read"), template);
}
