//! The smallest job: returns its input.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::zapjobs::job::jobs::{Failure, Guest, JobDescription, Schedule};

struct Plugin;

impl Guest for Plugin {
    fn describe() -> Vec<JobDescription> {
        vec![JobDescription {
            id: "noop".to_owned(),
            display_name: "No-op".to_owned(),
            description: "Returns its input.".to_owned(),
            queue: None,
            retry: None,
            timeout: None,
            schedule: Schedule::Manual,
            default_input: None,
            tags: Vec::new(),
            input_schema: None,
            output_schema: None,
        }]
    }

    fn run(_job: String, input: String) -> Result<String, Failure> {
        Ok(input)
    }
}

export!(Plugin);
