//! Jobs that record steps, as many as they can.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use exports::zapjobs::job::jobs::{Failure, FailureKind, Guest, JobDescription, Schedule};
use serde_json::{Value, json};
use zapjobs::job::steps::{self, Error};

struct Plugin;

/// Job ids, and what each does with its input.
type Job = fn(&Value) -> Value;

const JOBS: &[(&str, Job)] = &[
    // A list of [name, value].
    ("keep", |input| {
        let keep = |it: &Value| told(steps::keep(&text(&it[0]), &it[1].to_string()));
        input.as_array().into_iter().flatten().map(keep).collect()
    }),
    // A list of names.
    ("find", |input| {
        let find = |it: &Value| match steps::recorded(&text(it)) {
            Ok(found) => json!(found),
            Err(error) => told(Err(error)),
        };
        input.as_array().into_iter().flatten().map(find).collect()
    }),
    // A list of [name, milliseconds].
    ("sleep", |input| {
        let sleep = |it: &Value| match steps::sleep(&text(&it[0]), it[1].as_u64().unwrap_or(0)) {
            Ok(is_over) => json!(is_over),
            Err(error) => told(Err(error)),
        };
        input.as_array().into_iter().flatten().map(sleep).collect()
    }),
    // A list of [name, milliseconds or null].
    ("wait", |input| {
        let wait = |it: &Value| match steps::wait_signal(&text(&it[0]), it[1].as_u64()) {
            Ok(steps::Waited::Suspended) => json!("suspended"),
            Ok(steps::Waited::TimedOut) => json!("timed-out"),
            Ok(steps::Waited::Signal(payload)) => json!({ "signal": payload }),
            Err(error) => told(Err(error)),
        };
        input.as_array().into_iter().flatten().map(wait).collect()
    }),
    // Never heeds that it is to end.
    ("deaf", |_| {
        loop {
            let _ = steps::sleep("a", 3_600_000);
            let _ = steps::wait_signal("a", None);
        }
    }),
    ("no-json", |_| told(steps::keep("a", "{"))),
    // Values of so many bytes, until one is refused.
    ("bomb", |input| {
        let value = format!("\"{}\"", "x".repeat(input.as_u64().unwrap_or(0) as usize));
        let mut kept = 0;
        loop {
            match steps::keep(&format!("step {kept}"), &value) {
                Ok(_) => kept += 1,
                Err(error) => return json!([kept, told(Err(error))["kind"]]),
            }
        }
    }),
];

/// A job that is worth killing: two steps whose values no attempt makes twice, a durable sleep and
/// some work between them. Its input is `{"rest": ms, "work": ms, "before": output?}`.
const BETWEEN_STEPS: &str = "between-steps";

fn between_steps(input: &Value) -> Result<Value, Failure> {
    let ms = |name: &str| input[name].as_u64().unwrap_or(0);
    let keep_new = |name| told(steps::keep(name, &RandomState::new().hash_one(name).to_string()));
    let begun = keep_new("begun");
    if !steps::sleep("rest", ms("rest")).unwrap_or(true) {
        return Err(Failure {
            kind: FailureKind::Snooze(0),
            error_type: String::new(),
            message: String::new(),
            details: None,
        });
    }
    std::thread::sleep(Duration::from_millis(ms("work")));
    let place = input["before"]["place"].as_u64().unwrap_or(0) + 1;
    Ok(json!({ "place": place, "begun": begun, "done": keep_new("done") }))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn told(kept: Result<String, Error>) -> Value {
    match kept {
        Ok(value) => json!(value),
        Err(Error { kind, message }) => {
            let kind = format!("{kind:?}").trim_start_matches("ErrorKind::").to_owned();
            json!({ "kind": kind, "message": message })
        }
    }
}

impl Guest for Plugin {
    fn describe() -> Vec<JobDescription> {
        JOBS.iter()
            .map(|(id, _)| *id)
            .chain([BETWEEN_STEPS])
            .map(|id| JobDescription {
                id: id.to_owned(),
                display_name: id.to_owned(),
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
        let input = serde_json::from_str(&input).expect("JSON");
        if job == BETWEEN_STEPS {
            return between_steps(&input).map(|output| output.to_string());
        }
        let (_, run) = JOBS.iter().find(|(id, _)| *id == job).expect("a known job");
        Ok(run(&input).to_string())
    }
}

export!(Plugin);
