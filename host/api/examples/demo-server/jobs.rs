//! The jobs of the demonstration.

use serde_json::{Value, json};
use zapjobs_model::{
    Digest, JobDefinition, JobDescription, JobRequest, JobType, Json, RetryPolicy, TenantId,
};

/// Name, queue, what it does, when, an input.
type Job = (&'static str, &'static str, &'static str, Value, Value);

fn all() -> Vec<Job> {
    let manual = || json!({"kind": "manual"});
    vec![
        ("thumbnail", "media", "Makes small pictures", manual(), json!({"image": "a.png"})),
        ("send-mail", "mail", "Sends one mail", manual(), json!({"to": "ada@example.com"})),
        ("invoice", "billing", "Writes an invoice", manual(), json!({"order": 7})),
        (
            "import-prices",
            "default",
            "Reads price lists",
            json!({"kind": "interval", "every_ms": 900_000}),
            json!({"lists": 3}),
        ),
        (
            "nightly-report",
            "default",
            "Sums up the day",
            json!({"kind": "cron", "expression": "30 2 * * *", "time_zone": "Europe/Lisbon"}),
            json!({"day": "yesterday"}),
        ),
    ]
}

/// What plugins say of all jobs.
pub(crate) fn descriptions() -> Vec<JobDescription> {
    let described = all().into_iter().map(|(name, queue, about, schedule, input)| {
        let description = json!({
            "job_type": name, "display_name": name.replace('-', " "), "description": about,
            "queue": queue, "retry": RetryPolicy::default(), "schedule": schedule,
            "default_input": input, "tags": ["demo"],
            "input_schema": {"type": "object"}, "output_schema": {"type": "object"},
        });
        serde_json::from_value(description).expect("a job")
    });
    described.collect()
}

/// All definitions.
pub(crate) fn definitions() -> Vec<JobDefinition> {
    let defined = descriptions().into_iter().map(|description| {
        let digest = Digest::of(description.job_type.as_str().as_bytes());
        JobDefinition::from_description(TenantId::standard(), &description, digest)
    });
    defined.collect()
}

/// A wish for the job at this place, counted around.
pub(crate) fn wish(at: usize) -> JobRequest {
    let jobs = all();
    let (name, _, _, _, input) = &jobs[at % jobs.len()];
    let input = Json::of(input).expect("JSON");
    let job_type = JobType::new(name).expect("a name");
    JobRequest::new(TenantId::standard(), job_type, input)
}
