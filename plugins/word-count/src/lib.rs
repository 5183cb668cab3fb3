//! Counts the words of many texts: one child for each text, then a report.
//!
//! **Invariant:** whatever is interrupted, each text is counted by one run, and the report is
//! made once: children have keys, and the report is a step.

use std::collections::BTreeMap;
use std::time::Duration;

use zapjobs_sdk::prelude::*;
use zapjobs_sdk::{ChildState, ChildStatus};

/// How long the job rests before it looks at its children again.
const REST: Duration = Duration::from_secs(2);

/// What to count.
#[derive(Deserialize, JsonSchema)]
struct Texts {
    /// Each text under a name of its own, at most 900.
    #[schemars(extend("maxProperties" = 900))]
    texts: BTreeMap<String, String>,
}

/// What was counted.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Report {
    /// Words of each text that could be counted.
    words: BTreeMap<String, u64>,
    /// Words in all.
    total: u64,
    /// Texts that could not be counted, and why.
    failed: BTreeMap<String, String>,
}

/// Counts the words of many texts, each in a run of its own.
#[job(timeout = "1m")]
fn word_count(input: Texts, ctx: &Context) -> Result<Report, JobError> {
    let count = |(name, text): (&String, &String)| {
        Child::new("word-count-part", json!({ "text": text })).key(format!("part {name}"))
    };
    let ids = ctx.enqueue_all(input.texts.iter().map(count))?;
    let mut report = Report { words: BTreeMap::new(), total: 0, failed: BTreeMap::new() };
    let mut waiting = 0;
    for (name, id) in input.texts.keys().zip(&ids) {
        check_cancelled()?;
        match ctx.child(id)? {
            Some(child) if !child.status.is_final() => waiting += 1,
            Some(child) => note(&mut report, name, &child)?,
            None => drop(report.failed.insert(name.clone(), "its run is gone".to_owned())),
        }
    }
    let done = (ids.len() - waiting) as u64;
    progress(done, Some(ids.len() as u64), "counting");
    if waiting > 0 {
        return Err(JobError::snooze(REST));
    }
    ctx.step("report", || {
        info!(texts = ids.len(), failed = report.failed.len(), "counted");
        Ok(report)
    })
}

fn note(report: &mut Report, name: &str, child: &ChildState) -> Result<(), JobError> {
    if child.status == ChildStatus::Completed {
        let words = child.output_as::<u64>()?.unwrap_or(0);
        report.total += words;
        report.words.insert(name.to_owned(), words);
    } else {
        let why = child.error_message.clone().unwrap_or_else(|| "it was cancelled".to_owned());
        report.failed.insert(name.to_owned(), why);
    }
    Ok(())
}

/// One text.
#[derive(Deserialize, JsonSchema)]
struct Part {
    /// The text.
    text: String,
}

/// Counts the words of one text.
#[job]
fn word_count_part(input: Part) -> u64 {
    input.text.split_whitespace().count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use zapjobs_sdk::ErrorKind;
    use zapjobs_sdk::testing::TestContext;

    fn ended(status: ChildStatus, output: Option<Value>) -> ChildState {
        let error_message = output.is_none().then(|| "too long".to_owned());
        ChildState { status, output, error_type: None, error_message }
    }

    fn texts() -> Value {
        json!({ "texts": { "a": "one two", "b": "three" } })
    }

    #[test]
    fn it_waits_until_every_text_is_counted_and_enqueues_each_once() {
        let test = TestContext::new().child_state(0, ended(ChildStatus::Completed, Some(json!(2))));
        let error = test.run_json("word-count", texts()).expect_err("one is not counted yet");
        assert_eq!(error.kind(), ErrorKind::Snooze(REST));
        assert_eq!(test.last_progress().expect("told").done, 1);
        let test = test.child_state(1, ended(ChildStatus::Failed, None));
        let report = test.run_json("word-count", texts()).expect("a report");
        let expected = json!({ "words": { "a": 2 }, "total": 2, "failed": { "b": "too long" } });
        assert_eq!(report, expected);
        assert_eq!(test.children().len(), 2);
        assert_eq!(test.children()[0].job, "word-count-part");
        assert_eq!(test.steps(), [("report".to_owned(), expected)]);
    }

    #[test]
    fn a_part_counts_words() {
        let counted =
            TestContext::new().run_json("word-count-part", json!({ "text": " a  b\nc " }));
        assert_eq!(counted, Ok(json!(3)));
    }
}
