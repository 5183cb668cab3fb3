//! What has happened before a test looks.

use std::time::Duration;

use serde_json::{Value, json};
use zapjobs_model::{BatchName, Condition, Due, JobRequest, JobType, Json, Tag, TenantId};
use zapjobs_runtime::{BatchRequest, Client, Workflow};

/// Runs that go well.
const RUNS: usize = 240;
/// Nothing of it may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes runs of all kinds, and waits until those that end have ended.
pub(crate) async fn make(client: &Client) {
    let mut wishes: Vec<JobRequest> = (0..RUNS).map(well).collect();
    for (fault, times) in [("mailbox", 6), ("greylisted", 3), ("timeout", 1)] {
        wishes.extend((0..times).map(|at| wish("send-mail", &json!({"fault": fault, "to": at}))));
    }
    wishes.push(wish("markup", &json!({"text": "<b>bold</b>"})));
    let submitted = client.submit_all(wishes).await.expect("submitted");
    for run in submitted {
        client.wait(run.id, Some(PATIENCE)).await.expect("it ends");
    }
    client.start_workflow(shop_night()).await.expect("a workflow");
    let batch = client.start_batch(pictures()).await.expect("a batch");
    client.wait_for_batch(batch.id, Some(PATIENCE)).await.expect("it ends");
    let later = (1..=12).map(|hours| JobRequest {
        due: Due::In(Duration::from_secs(hours * 3_600)),
        ..wish("thumbnail", &Value::Null)
    });
    client.submit_all(later.collect()).await.expect("submitted");
}

/// Two branches of which one fails, and what follows both.
fn shop_night() -> Workflow {
    Workflow::new("shop night")
        .node("prices", wish("nightly-report", &json!({})))
        .node("pictures", wish("thumbnail", &json!({})))
        .after("prices", Condition::Success)
        .node("newsletter", wish("send-mail", &json!({"fault": "refused"})))
        .after("prices", Condition::Success)
        .node("report", wish("nightly-report", &json!({})))
        .after("pictures", Condition::Success)
        .after("newsletter", Condition::Always)
}

/// Two of whose eight runs fail.
fn pictures() -> BatchRequest {
    let name = BatchName::new("Pictures of March").expect("a name");
    let good = (0..6).map(|at| wish("thumbnail", &json!({"photo": at})));
    let bad = (0..2).map(|at| wish("send-mail", &json!({"fault": "too-large", "photo": at})));
    BatchRequest::new(TenantId::standard()).named(name).runs(good).runs(bad)
}

fn well(at: usize) -> JobRequest {
    let name = ["send-mail", "thumbnail", "nightly-report"][at % 3];
    let tag = Tag::new(["nightly", "newsletter"][at % 2]).expect("a tag");
    JobRequest { tags: vec![tag], ..wish(name, &json!({"number": at})) }
}

fn wish(name: &str, input: &Value) -> JobRequest {
    let job_type = JobType::new(name).expect("a name");
    JobRequest::new(TenantId::standard(), job_type, Json::of(input).expect("JSON"))
}
