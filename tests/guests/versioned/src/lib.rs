//! A job that answers which version of its code it is. Tests make further versions of the built
//! component by writing other digits over [`VERSION`].

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use std::hint::black_box;

use exports::zapjobs::job::jobs::{Failure, Guest, JobDescription, Schedule};

/// The marker, and the version in eight digits.
static VERSION: &str = "zapjobs version:00000000";

struct Plugin;

impl Guest for Plugin {
    fn describe() -> Vec<JobDescription> {
        vec![JobDescription {
            id: "version".to_owned(),
            display_name: "Version".to_owned(),
            description: "Answers which version of its code it is.".to_owned(),
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

    fn run(_job: String, _input: String) -> Result<String, Failure> {
        let digits = black_box(VERSION).rsplit(':').next().unwrap_or_default();
        Ok(format!("\"{digits}\""))
    }
}

export!(Plugin);
