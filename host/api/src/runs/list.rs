//! Runs, page by page.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use zapjobs_model::{Json, Run};
use zapjobs_storage::{Counts, Cursor, PAGE_MAX, RunPageRequest};

use super::filter::FilterQuery;
use crate::access::Caller;
use crate::http::cursor;
use crate::http::problem::Problem;
use crate::http::query::{StrictQuery, count};
use crate::schemas::{CountsDocument, RunDocument};
use crate::state::Api;

/// Runs on one page unless said.
const PAGE_DEFAULT: u16 = 50;
/// Bytes of an input or output that a page shows; a longer one is left out and named in `cut`.
const LISTED_JSON_BYTES_MAX: usize = 2_048;
const LISTING: char = 'r';

/// A page of runs, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunPage {
    /// The runs. Each may have `cut`: fields that are too long for a page, and null here.
    #[schema(value_type = Vec<RunDocument>)]
    runs: Vec<ListedRun>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// A run on a page.
#[derive(Serialize)]
pub(crate) struct ListedRun {
    #[serde(flatten)]
    run: Run,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cut: Vec<&'static str>,
}

impl From<Run> for ListedRun {
    fn from(mut run: Run) -> Self {
        let is_long = |json: &Json| json.as_str().len() > LISTED_JSON_BYTES_MAX;
        let mut cut = Vec::new();
        if is_long(&run.input) {
            run.input = Json::null();
            cut.push("input");
        }
        if run.output.as_ref().is_some_and(is_long) {
            run.output = None;
            cut.push("output");
        }
        Self { run, cut }
    }
}

/// List runs
///
/// Newest first. Inputs and outputs longer than 2 KiB are left out and named in `cut`.
#[utoipa::path(
    get, path = "/api/v1/runs", tag = "runs", params(FilterQuery),
    responses((status = 200, body = RunPage)),
)]
pub(super) async fn list_runs(
    State(api): State<Api>,
    caller: Caller,
    StrictQuery(query): StrictQuery<FilterQuery>,
) -> Result<Answer<RunPage>, Problem> {
    let limit = count("limit", query.limit, PAGE_DEFAULT, PAGE_MAX)?;
    let after = query.cursor.as_deref().map(place).transpose()?;
    let request = RunPageRequest { filter: query.filter(&caller), after, limit };
    let page = api.storage().runs(request).await?;
    let next = page.next.map(|Cursor(run)| cursor::write(LISTING, &run.to_string()));
    Ok(Answer(RunPage { runs: page.runs.into_iter().map(ListedRun::from).collect(), next }))
}

/// Count runs
///
/// How many runs of those that the filter takes stand where.
#[utoipa::path(
    get, path = "/api/v1/runs/counts", tag = "runs", params(FilterQuery),
    responses((status = 200, body = CountsDocument)),
)]
pub(super) async fn count_runs(
    State(api): State<Api>,
    caller: Caller,
    StrictQuery(query): StrictQuery<FilterQuery>,
) -> Result<Answer<Counts>, Problem> {
    Ok(Answer(api.storage().counts(&query.filter(&caller)).await?))
}

fn place(text: &str) -> Result<Cursor, Problem> {
    cursor::read(LISTING, text)?.parse().map(Cursor).map_err(|_| cursor::refused())
}
