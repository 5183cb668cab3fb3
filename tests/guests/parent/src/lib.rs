//! Jobs that enqueue others, as much as they can.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::zapjobs::job::jobs::{Failure, Guest, JobDescription, Schedule};
use serde_json::{Value, json};
use zapjobs::job::children::{self, Error, Request};

struct Plugin;

/// Job ids, and what each does with its input.
type Job = fn(&Value) -> Value;

const JOBS: &[(&str, Job)] = &[
    // A list of [job, input, options].
    ("enqueue-all", |input| {
        let requests: Vec<_> = input.as_array().into_iter().flatten().map(request).collect();
        children::enqueue_all(&requests).map_or_else(told, |ids| json!(ids))
    }),
    ("enqueue-each", |input| {
        let enqueue = |it| children::enqueue(&request(it)).map_or_else(told, |id| json!(id));
        input.as_array().into_iter().flatten().map(enqueue).collect()
    }),
    // Without end, until it is refused.
    ("bomb", |_| {
        let bomb = json!(["bomb", null, null]);
        let mut taken = 0;
        loop {
            match children::enqueue(&request(&bomb)) {
                Ok(_) => taken += 1,
                Err(error) => return json!([taken, told(error)["kind"]]),
            }
        }
    }),
    // An id, and how often to look.
    ("look", |input| {
        let id = input[0].as_str().unwrap_or_default();
        let look = |_| match children::child(id) {
            Ok(Some(state)) => json!({
                "status": format!("{:?}", state.status),
                "output": state.output,
                "error": [state.error_type, state.error_message],
            }),
            Ok(None) => Value::Null,
            Err(error) => told(error),
        };
        (0..input[1].as_u64().unwrap_or(1)).map(look).collect()
    }),
];

fn request(said: &Value) -> Request {
    let options = if said[2].is_null() { String::new() } else { said[2].to_string() };
    Request {
        job: said[0].as_str().unwrap_or_default().into(),
        input: said[1].to_string(),
        options,
    }
}

fn told(error: Error) -> Value {
    let kind = format!("{:?}", error.kind);
    let kind = kind.trim_start_matches("ErrorKind::").to_owned();
    json!({ "kind": kind, "message": error.message })
}

impl Guest for Plugin {
    fn describe() -> Vec<JobDescription> {
        JOBS.iter()
            .map(|(id, _)| JobDescription {
                id: (*id).to_owned(),
                display_name: (*id).to_owned(),
                description: String::new(),
                queue: None,
                retry: None,
                timeout: None,
                schedule: Schedule::Manual,
                default_input: None,
                tags: Vec::new(),
                input_schema: None,
                output_schema: None,
            })
            .collect()
    }

    fn run(job: String, input: String) -> Result<String, Failure> {
        let (_, run) = JOBS.iter().find(|(id, _)| *id == job).expect("a known job");
        Ok(run(&serde_json::from_str(&input).expect("JSON")).to_string())
    }
}

export!(Plugin);
