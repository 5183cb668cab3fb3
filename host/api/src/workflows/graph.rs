//! A workflow as a graph.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use zapjobs_model::{Condition, JobType, Run, RunId, RunStatus};
use zapjobs_runtime::{AFTER_KEY, NAME_KEY, NODE_KEY};
use zapjobs_storage::Counts;

use super::unknown;
use crate::access::Caller;
use crate::http::path::Named;
use crate::http::problem::Problem;
use crate::schemas::CountsDocument;
use crate::state::Api;

/// A workflow as a graph.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownWorkflow {
    /// Its id.
    #[schema(value_type = String)]
    id: Uuid,
    /// What it is called.
    name: String,
    /// How many of its runs stand where.
    #[schema(value_type = CountsDocument)]
    counts: Counts,
    /// Its nodes, in their order.
    nodes: Vec<ShownNode>,
    /// What follows what.
    edges: Vec<Edge>,
}

/// A node of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownNode {
    /// What it is called.
    name: String,
    /// Its run.
    #[schema(value_type = String)]
    run: RunId,
    /// Which job it runs.
    #[schema(value_type = String)]
    job_type: JobType,
    /// Where the run stands.
    #[schema(value_type = String)]
    status: RunStatus,
    /// What the run's error says.
    error: Option<String>,
}

/// A node that follows another.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Edge {
    /// Which must end.
    from: String,
    /// Which follows.
    to: String,
    /// How the first must end.
    #[schema(value_type = String)]
    on: Condition,
}

/// Show a workflow
///
/// Its nodes with how they stand, and what follows what.
#[utoipa::path(
    get, path = "/api/v1/workflows/{id}", tag = "workflows",
    params(("id" = String, Path, description = "the workflow")),
    responses((status = 200, body = ShownWorkflow)),
)]
pub(super) async fn show_workflow(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<Uuid>,
) -> Result<Answer<ShownWorkflow>, Problem> {
    let runs = api.client().workflow_runs(caller.view(), id, &[]).await?;
    let Some(first) = runs.first() else { return Err(unknown(id)) };
    let name = first.metadata.get(NAME_KEY).cloned().unwrap_or_default();
    let mut counts = Counts::default();
    runs.iter().for_each(|run| *counts.of_mut(run.status) += 1);
    let noted = |run: &Run, key: &str| run.metadata.get(key).cloned().unwrap_or_default();
    let edges = runs.iter().flat_map(|run| edges(&noted(run, NODE_KEY), &noted(run, AFTER_KEY)));
    let edges = edges.collect();
    let nodes = runs.iter().map(|run| ShownNode {
        name: noted(run, NODE_KEY),
        run: run.id,
        job_type: run.job_type.clone(),
        status: run.status,
        error: run.error.as_ref().map(ToString::to_string),
    });
    Ok(Answer(ShownWorkflow { id, name, counts, nodes: nodes.collect(), edges }))
}

/// What a node follows, as its metadata says it: `fetch, parse:always`.
fn edges(to: &str, after: &str) -> Vec<Edge> {
    let named = after.split(", ").filter(|text| !text.is_empty());
    let edge = |text: &str| {
        let (from, on) = text.split_once(':').unwrap_or((text, Condition::Success.name()));
        Some(Edge { from: from.to_owned(), to: to.to_owned(), on: on.parse().ok()? })
    };
    named.filter_map(edge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_read_from_what_nodes_say_they_follow() {
        let edge = |from: &str, on| Edge { from: from.to_owned(), to: "c".to_owned(), on };
        let read = edges("c", "a, b:always, d:failure");
        let wanted = [
            edge("a", Condition::Success),
            edge("b", Condition::Always),
            edge("d", Condition::Failure),
        ];
        assert_eq!(read, wanted);
        assert_eq!(edges("c", ""), []);
    }
}
