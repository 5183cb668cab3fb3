//! `zapjobs jobs`, and `zapjobs plugins jobs`: job types as they are served, what manifests say of them included.

use serde_json::json;
use zapjobs_model::JobDefinition;

use crate::commands::App;
use crate::errors::Done;
use crate::output::{Tone, table};

pub(in crate::commands) async fn jobs(app: App) -> Done {
    let site = app.site().await?;
    let definitions = site.definitions().await?;
    site.close().await?;
    if app.output.json {
        app.output.document(&definitions.iter().map(document).collect::<Vec<_>>());
        return Ok(());
    }
    if definitions.is_empty() {
        app.output.note("no job types are known yet: put a plugin into a host's directory");
        return Ok(());
    }
    let rows = definitions.iter().map(|it| {
        let tone = if it.digest.is_some() { Tone::Strong } else { Tone::Quiet };
        vec![
            (it.key.job_type.to_string(), Some(tone)),
            (it.queue.to_string(), None),
            (it.schedule.to_string(), None),
            (it.retry.to_string(), None),
        ]
    });
    app.output.line(table(app.output.in_color(), &["JOB", "QUEUE", "SCHEDULE", "RETRY"], rows));
    Ok(())
}

fn document(definition: &JobDefinition) -> serde_json::Value {
    json!({
        "job_type": definition.key.job_type, "queue": definition.queue,
        "schedule": definition.schedule,
        "retry": definition.retry, "retry_words": definition.retry.to_string(),
        "timeout_ms": definition.timeout_ms, "digest": definition.digest,
    })
}
