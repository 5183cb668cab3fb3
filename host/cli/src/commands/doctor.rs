//! `zapjobs doctor`: looks at the storage from outside, and says what to mend.

use serde_json::json;
use zapjobs_storage::{Finding, Verdict};

use super::App;
use crate::errors::{Code, Done, Failure};
use crate::output::{Tone, table};
use crate::storage;

pub(super) async fn doctor(app: App) -> Done {
    let findings = storage::examine(&app.config).await?;
    if app.output.json {
        let storage = app.config.storage.to_string();
        app.output.document(&json!({ "storage": storage, "findings": findings }));
    } else {
        app.output.line(table(
            app.output.in_color(),
            &["", "SUBJECT", "FOUND"],
            findings.iter().map(row),
        ));
    }
    let problems: Vec<&str> =
        of(&findings, Verdict::Problem).map(|it| it.subject.as_str()).collect();
    if !problems.is_empty() {
        let message = format!("the storage is not fit for use: {}", problems.join(", "));
        return Err(Failure::new(Code::Unavailable, message));
    }
    let warnings = of(&findings, Verdict::Warning).count();
    if warnings > 0 {
        let plural = if warnings == 1 { "" } else { "s" };
        app.output.note(format_args!("it works, with {warnings} warning{plural}"));
    }
    Ok(())
}

fn of(findings: &[Finding], verdict: Verdict) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(move |finding| finding.verdict == verdict)
}

fn row(finding: &Finding) -> Vec<(String, Option<Tone>)> {
    let (word, tone) = match finding.verdict {
        Verdict::Good => ("good", Tone::Good),
        Verdict::Warning => ("warning", Tone::Warning),
        Verdict::Problem => ("problem", Tone::Bad),
    };
    let found = match &finding.remedy {
        Some(remedy) => format!("{}; to mend it: {remedy}", finding.found),
        None => finding.found.clone(),
    };
    vec![(word.to_owned(), Some(tone)), (finding.subject.clone(), None), (found, None)]
}
