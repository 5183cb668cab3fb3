//! A plugin whose description is wrong in one way; the tests choose it by changing the
//! letters behind `HOW=` in the built file.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use exports::zapjobs::job::jobs::{Cron, Failure, Guest, JobDescription, RetryPolicy, Schedule};

struct Plugin;

/// Found in the file by the tests.
#[unsafe(no_mangle)]
static HOW: [u8; 20] = *b"HOW=right___________";

impl Guest for Plugin {
    fn describe() -> Vec<JobDescription> {
        let how: Vec<u8> =
            (4..HOW.len()).map(|at| unsafe { (&raw const HOW[at]).read_volatile() }).collect();
        let how = String::from_utf8(how).unwrap_or_default();
        let mut job = right("right");
        match how.trim_end_matches('_') {
            "loop" => loop {
                std::hint::black_box(());
            },
            "panic" => panic!("no description today"),
            "memory" => {
                let mut kept = Vec::new();
                loop {
                    kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            "sleep" => std::thread::sleep(std::time::Duration::from_secs(60)),
            "none" => return Vec::new(),
            "many" => return (0..257).map(|n| right(&format!("job{n}"))).collect(),
            "twice" => return vec![right("right"), right("right")],
            "id" => job.id = "../up".to_owned(),
            "name" => job.display_name = "n".repeat(201),
            "text" => job.description = "n".repeat(5_000),
            "queue" => job.queue = Some("a b".to_owned()),
            "retry" => {
                job.retry =
                    Some(RetryPolicy { max_attempts: 0, base: 1, cap: 1, jitter_percent: 0 });
            }
            "timeout" => job.timeout = Some(0),
            "interval" => job.schedule = Schedule::Interval(1),
            "cron" => {
                job.schedule = Schedule::Cron(Cron {
                    expression: "0 0 30 2 *".to_owned(),
                    time_zone: "UTC".to_owned(),
                });
            }
            "input" => job.default_input = Some("{".to_owned()),
            "tags" => job.tags = vec!["t".to_owned(); 33],
            "schema" => job.input_schema = Some("{\"type\":".to_owned()),
            "schema-kind" => job.output_schema = Some("[]".to_owned()),
            _ => {}
        }
        vec![job]
    }

    fn run(_job: String, input: String) -> Result<String, Failure> {
        Ok(input)
    }
}

fn right(id: &str) -> JobDescription {
    JobDescription {
        id: id.to_owned(),
        display_name: "Right".to_owned(),
        description: "All is well.".to_owned(),
        queue: Some("reports".to_owned()),
        retry: Some(RetryPolicy { max_attempts: 5, base: 10, cap: 100, jitter_percent: 50 }),
        timeout: Some(1_000),
        schedule: Schedule::Cron(Cron {
            expression: "@daily".to_owned(),
            time_zone: "Europe/Lisbon".to_owned(),
        }),
        default_input: Some("{\"a\":1}".to_owned()),
        tags: vec!["nightly".to_owned()],
        input_schema: Some("{\"type\":\"object\"}".to_owned()),
        output_schema: Some("true".to_owned()),
    }
}

export!(Plugin);
