//! What is done to many runs.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zapjobs_model::{Priority, QueueName, RunId};
use zapjobs_runtime::{BulkReport, Selection};
use zapjobs_storage::Alteration;

use super::filter::FilterBody;
use crate::access::Caller;
use crate::http::body::StrictJson;
use crate::http::problem::{Code, Problem};
use crate::schemas::BulkDocument;
use crate::state::Api;

/// Runs that one request looks at at most; where there are more, `has-more` says so.
const ALTERED_MAX: usize = 10_000;

/// What to do, and to which runs: either `runs` or `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlterWish {
    /// What to do.
    action: Action,
    /// For `move`: into which queue.
    #[schema(value_type = Option<String>)]
    queue: Option<QueueName>,
    /// For `prioritise`: -1000 to 1000, higher first.
    #[schema(value_type = Option<i16>)]
    priority: Option<Priority>,
    /// These runs, up to 10,000.
    #[schema(value_type = Option<Vec<String>>)]
    runs: Option<Vec<RunId>>,
    /// All runs that this takes.
    filter: Option<FilterBody>,
    /// Tell how many runs match, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What can be done to many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Action {
    /// Ask them to stop.
    Cancel,
    /// Run failed or cancelled ones again.
    Retry,
    /// Delete those that have ended.
    Delete,
    /// Put those that wait into another queue.
    Move,
    /// Give those that wait another priority.
    Prioritise,
    /// Let those begin that wait for their time.
    RunNow,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Altered {
    /// It was done.
    #[schema(value_type = BulkDocument)]
    Done(BulkReport),
    /// It was only asked how many there are.
    Matching(Matching),
}

/// How many runs match.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Matching {
    /// So many.
    matching: usize,
    /// Whether there are more than were looked at.
    has_more: bool,
}

/// Change many runs
///
/// Those that are named, or all that a filter takes, newest first, 10,000 at most: where there are
/// more, `has-more` says so, and the request can be repeated. To each it is done as far as its
/// status allows; the answer counts what became of them.
#[utoipa::path(
    post, path = "/api/v1/runs/alter", tag = "runs", request_body = AlterWish,
    responses((status = 200, body = BulkDocument)),
)]
pub(super) async fn alter_runs(
    State(api): State<Api>,
    caller: Caller,
    StrictJson(wish): StrictJson<AlterWish>,
) -> Result<Answer<Altered>, Problem> {
    let alteration = wish.alteration()?;
    match (wish.runs, wish.filter) {
        (Some(runs), None) => named(&api, &caller, runs, &alteration, wish.dry_run).await,
        (None, Some(filter)) => {
            let error_type = filter.error_type.clone();
            let filter = filter.filter(&caller);
            let selection = Selection { filter, error_type, up_to: Some(ALTERED_MAX) };
            if wish.dry_run {
                let (matching, has_more) =
                    api.client().count_matching(&selection, &alteration).await?;
                return Ok(Answer(Altered::Matching(Matching { matching, has_more })));
            }
            Ok(Answer(Altered::Done(api.client().alter_all(&selection, &alteration).await?)))
        }
        _ => Err(Problem::new(
            Code::Invalid,
            "which runs? Give either runs or filter; an empty filter takes all that it can be done to",
        )),
    }
}

async fn named(
    api: &Api,
    caller: &Caller,
    runs: Vec<RunId>,
    alteration: &Alteration,
    dry_run: bool,
) -> Result<Answer<Altered>, Problem> {
    if runs.is_empty() || runs.len() > ALTERED_MAX {
        let detail = format!("runs names {} runs: use 1 to {ALTERED_MAX}", runs.len());
        return Err(Problem::new(Code::Invalid, detail));
    }
    let (mut own, mut gone) = (Vec::with_capacity(runs.len()), 0);
    for id in runs {
        match api.storage().run(id).await? {
            Some(run) if caller.sees(&run.tenant) => own.push(id),
            _ => gone += 1,
        }
    }
    if dry_run {
        return Ok(Answer(Altered::Matching(Matching { matching: own.len(), has_more: false })));
    }
    let mut report = api.client().alter(&own, alteration).await?;
    report.gone += gone;
    Ok(Answer(Altered::Done(report)))
}

impl AlterWish {
    fn alteration(&self) -> Result<Alteration, Problem> {
        let refused = |detail: &str| Err(Problem::new(Code::Invalid, detail));
        match (self.action, &self.queue, self.priority) {
            (Action::Move, Some(queue), None) => Ok(Alteration::Move(queue.clone())),
            (Action::Move, ..) => refused("move takes queue, and no priority"),
            (Action::Prioritise, None, Some(priority)) => Ok(Alteration::Prioritise(priority)),
            (Action::Prioritise, ..) => refused("prioritise takes priority, and no queue"),
            (_, Some(_), _) => refused("queue is for move alone"),
            (_, _, Some(_)) => refused("priority is for prioritise alone"),
            (Action::Cancel, ..) => Ok(Alteration::Cancel),
            (Action::Retry, ..) => Ok(Alteration::Requeue { input: None }),
            (Action::Delete, ..) => Ok(Alteration::Delete),
            (Action::RunNow, ..) => Ok(Alteration::RunNow),
        }
    }
}
