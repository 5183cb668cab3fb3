//! Workflows: runs with names that follow each other, stored in one step.
//!
//! **Invariant:** what is stored is checked as a whole first: each name stands for one node,
//! nothing waits for what is not there or for itself in a circle, and each output that an input
//! asks for is that of a node it waits for.
//!
//! A workflow is nothing more than its runs: each has the label `workflow:ID`, and says in its
//! metadata which node it is and what it follows.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;
use zapjobs_model::workflow::{Condition, DEPENDENCIES_MAX, Dependency, graph, outputs};
use zapjobs_model::{JobRequest, Json, RunId, Tag};

/// Nodes of one workflow at most: what one call stores.
pub const NODES_MAX: usize = zapjobs_storage::BATCH_MAX;
/// Bytes of a node's name at most.
pub const NODE_NAME_BYTES_MAX: usize = 100;
/// Metadata: the workflow's name, where it has one.
pub const NAME_KEY: &str = "workflow";
/// Metadata: the node's name.
pub const NODE_KEY: &str = "workflow.node";
/// Metadata: what the node follows, such as `fetch, parse:always`.
pub const AFTER_KEY: &str = "workflow.after";
/// Bytes of what a node follows that are noted at most; the rest is counted.
const AFTER_BYTES_MAX: usize = 1_000;

/// A workflow in the making.
#[derive(Debug, Clone, Default)]
pub struct Workflow {
    name: String,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    name: String,
    request: JobRequest,
    after: Vec<(String, Condition)>,
}

/// A workflow that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedWorkflow {
    /// Its id.
    pub id: Uuid,
    /// Its runs by the names of their nodes.
    pub runs: BTreeMap<String, RunId>,
}

/// Why a workflow cannot be. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWorkflow {
    /// Nothing to do.
    #[error("the workflow has no nodes: name at least one")]
    Empty,
    /// Too much at once.
    #[error("the workflow has {0} nodes, {NODES_MAX} are allowed")]
    TooManyNodes(usize),
    /// A name that cannot be.
    #[error("invalid node name {0:?}: use 1 to {NODE_NAME_BYTES_MAX} bytes without ',' and ':'")]
    Name(String),
    /// A name that stands for two.
    #[error("there are two nodes called {0:?}: give one another name")]
    Twice(String),
    /// It follows what is not there.
    #[error("node {node:?} follows {after:?}, which is no node of the workflow")]
    Unknown {
        /// Which node.
        node: String,
        /// What it follows.
        after: String,
    },
    /// It follows too many, or one twice.
    #[error("node {0:?} follows a node twice, or more than {DEPENDENCIES_MAX}")]
    Dependencies(String),
    /// Nodes that follow each other.
    #[error("these nodes follow each other in a circle: {0}")]
    Circle(String),
    /// It asks for what it does not wait for.
    #[error("the input of node {node:?} asks for the output of {of:?}, which it does not follow")]
    Output {
        /// Which node.
        node: String,
        /// Whose output.
        of: String,
    },
}

impl Workflow {
    /// A workflow without nodes; its name may be empty.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), nodes: Vec::new() }
    }

    /// Adds a node. Where its input holds `{"$output": "NODE"}`, naming one that it follows,
    /// what that one returned takes its place.
    pub fn node(mut self, name: impl Into<String>, request: JobRequest) -> Self {
        self.nodes.push(Node { name: name.into(), request, after: Vec::new() });
        self
    }

    /// Lets the node that was added last begin only once another, added before or after it, has
    /// ended so. Without a node, it does nothing.
    pub fn after(mut self, name: impl Into<String>, on: Condition) -> Self {
        if let Some(node) = self.nodes.last_mut() {
            node.after.push((name.into(), on));
        }
        self
    }

    /// How many nodes it has.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The requests to store, each with its id; the ids are in the order of the nodes.
    pub(crate) fn plan(self) -> Result<Plan, InvalidWorkflow> {
        self.check()?;
        let id = Uuid::now_v7();
        let runs: BTreeMap<String, RunId> =
            self.nodes.iter().map(|node| (node.name.clone(), RunId(Uuid::now_v7()))).collect();
        let mut requests = Vec::with_capacity(self.nodes.len());
        for node in self.nodes {
            let own = runs[&node.name];
            requests.push((own, requested(node, &self.name, id, &runs)?));
        }
        Ok(Plan { started: StartedWorkflow { id, runs }, requests })
    }

    fn check(&self) -> Result<(), InvalidWorkflow> {
        match self.nodes.len() {
            0 => return Err(InvalidWorkflow::Empty),
            1..=NODES_MAX => {}
            many => return Err(InvalidWorkflow::TooManyNodes(many)),
        }
        let mut known: HashMap<&str, usize> = HashMap::with_capacity(self.nodes.len());
        for (at, Node { name, .. }) in self.nodes.iter().enumerate() {
            if name.is_empty() || name.len() > NODE_NAME_BYTES_MAX || name.contains([',', ':']) {
                return Err(InvalidWorkflow::Name(name.chars().take(80).collect()));
            }
            if known.insert(name, at).is_some() {
                return Err(InvalidWorkflow::Twice(name.clone()));
            }
        }
        let mut parents: Vec<Vec<usize>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            parents.push(node.parents(&known)?);
        }
        let places: Vec<usize> = (0..self.nodes.len()).collect();
        match graph::circle(&places, |at| &parents[at]) {
            None => Ok(()),
            Some(circle) => {
                let names: Vec<&str> =
                    circle.into_iter().map(|at| self.nodes[at].name.as_str()).collect();
                Err(InvalidWorkflow::Circle(graph::path(&names)))
            }
        }
    }
}

impl Node {
    fn parents(&self, known: &HashMap<&str, usize>) -> Result<Vec<usize>, InvalidWorkflow> {
        let place = |(after, _): &(String, Condition)| {
            known.get(after.as_str()).copied().ok_or_else(|| InvalidWorkflow::Unknown {
                node: self.name.clone(),
                after: after.chars().take(80).collect(),
            })
        };
        let parents: Vec<usize> = self.after.iter().map(place).collect::<Result<_, _>>()?;
        let mut once = parents.clone();
        once.sort_unstable();
        once.dedup();
        if once.len() < parents.len() || parents.len() > DEPENDENCIES_MAX {
            return Err(InvalidWorkflow::Dependencies(self.name.clone()));
        }
        if self.after.is_empty() {
            return Ok(parents);
        }
        let is_followed = |of: &&str| self.after.iter().any(|(after, _)| after == of);
        match outputs::names(&self.request.input).find(|of| !is_followed(of)) {
            Some(of) => Err(InvalidWorkflow::Output {
                node: self.name.clone(),
                of: of.chars().take(80).collect(),
            }),
            None => Ok(parents),
        }
    }
}

/// What a workflow amounts to.
pub(crate) struct Plan {
    pub(crate) started: StartedWorkflow,
    pub(crate) requests: Vec<(RunId, JobRequest)>,
}

/// The label of all runs of a workflow.
pub fn workflow_tag(id: Uuid) -> Tag {
    Tag::new(format!("workflow:{id}")).expect("a short text without control characters")
}

fn requested(
    node: Node,
    workflow: &str,
    id: Uuid,
    runs: &BTreeMap<String, RunId>,
) -> Result<JobRequest, InvalidWorkflow> {
    let mut request = node.request;
    if !workflow.is_empty() {
        request.metadata.insert(NAME_KEY.to_owned(), workflow.to_owned());
    }
    if !node.after.is_empty() {
        request.metadata.insert(AFTER_KEY.to_owned(), told(&node.after));
        let by_id = |name: &str| runs.get(name).map(|run| outputs::placeholder(&run.to_string()));
        let text = outputs::substitute(&request.input, by_id)
            .map_err(|of| InvalidWorkflow::Output { node: node.name.clone(), of })?;
        request.input = Json::trusted(text);
    }
    let after = node.after.into_iter();
    request.after.extend(after.map(|(name, on)| Dependency { run: runs[&name], on }));
    request.metadata.insert(NODE_KEY.to_owned(), node.name);
    request.tags.push(workflow_tag(id));
    Ok(request)
}

/// What a node follows, as its metadata says it.
fn told(after: &[(String, Condition)]) -> String {
    let mut text = String::new();
    for (at, (name, on)) in after.iter().enumerate() {
        if text.len() + name.len() > AFTER_BYTES_MAX {
            return format!("{text}, and {} more", after.len() - at);
        }
        let separator = if at == 0 { "" } else { ", " };
        text.push_str(separator);
        text.push_str(name);
        if *on != Condition::Success {
            text.push(':');
            text.push_str(on.name());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use zapjobs_model::{JobType, TenantId};

    fn request(input: &str) -> JobRequest {
        let job = JobType::new("job").expect("a name");
        JobRequest::new(TenantId::standard(), job, Json::parse(input).expect("JSON"))
    }

    fn refusal(workflow: Workflow) -> InvalidWorkflow {
        workflow.plan().err().expect("it is refused")
    }

    #[test]
    fn nodes_become_runs_that_know_each_other() {
        let workflow = Workflow::new("nightly")
            .node("join", request(r#"[{"$output":"a"},{"$output":"b"}]"#))
            .after("a", Condition::Success)
            .after("b", Condition::Always)
            .node("a", request("1"))
            .node("b", request(r#"{"$output":"plain data"}"#));
        let plan = workflow.plan().expect("it is good");
        let runs = &plan.started.runs;
        let (_, join) = &plan.requests[0];
        assert_eq!(join.after.len(), 2);
        assert_eq!(join.after[0], Dependency { run: runs["a"], on: Condition::Success });
        let expected = format!(r#"[{{"$output":"{}"}},{{"$output":"{}"}}]"#, runs["a"], runs["b"]);
        assert_eq!(join.input.as_str(), expected);
        assert_eq!(join.metadata[AFTER_KEY], "a, b:always");
        assert_eq!((&*join.metadata[NODE_KEY], &*join.metadata[NAME_KEY]), ("join", "nightly"));
        assert_eq!(plan.requests[2].1.input.as_str(), r#"{"$output":"plain data"}"#);
        assert!(plan.requests.iter().all(|(_, it)| it.tags == [workflow_tag(plan.started.id)]));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let a = || Workflow::new("").node("a", request("null"));
        assert_eq!(refusal(Workflow::new("")), InvalidWorkflow::Empty);
        assert_eq!(refusal(a().node("a", request("1"))), InvalidWorkflow::Twice("a".to_owned()));
        for name in ["", "a,b", "a:b", &"x".repeat(101)] {
            let refused = refusal(a().node(name, request("1")));
            assert!(matches!(refused, InvalidWorkflow::Name(_)), "{name}");
        }
        let unknown = refusal(a().after("b", Condition::Success)).to_string();
        assert!(unknown.contains("\"a\" follows \"b\""), "{unknown}");
        let twice = a().node("b", request("1")).after("a", Condition::Success);
        let twice = refusal(twice.after("a", Condition::Always));
        assert_eq!(twice, InvalidWorkflow::Dependencies("b".to_owned()));
        let circle = a()
            .after("c", Condition::Success)
            .node("b", request("1"))
            .after("a", Condition::Success)
            .node("c", request("1"))
            .after("b", Condition::Always);
        let circle = refusal(circle).to_string();
        assert!(circle.contains("a after c after b after a"), "{circle}");
        let output = a().node("b", request(r#"{"$output":"c"}"#)).after("a", Condition::Success);
        assert!(matches!(refusal(output), InvalidWorkflow::Output { .. }));
    }
}
