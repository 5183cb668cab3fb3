//! All limits in force, and which of them a run faces.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::{FlowLimit, LimitScope};
use crate::{JobKey, JobType, LimitKey, NewRun, QueueName, Run, TenantId};

/// Limits in force at most.
pub const LIMITS_MAX: usize = 1_000;

/// What runs must have in common to face the same limits. As a text, names between slashes:
/// `TENANT/QUEUE/JOB`, or `TENANT/QUEUE/JOB/KEY`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// Whose runs.
    pub tenant: TenantId,
    /// In which queue.
    pub queue: QueueName,
    /// Of which job type.
    pub job_type: JobType,
    /// With which key.
    pub key: Option<LimitKey>,
}

impl Line {
    /// The line of a run.
    pub fn of(run: &Run) -> Self {
        Self {
            tenant: run.tenant.clone(),
            queue: run.queue.clone(),
            job_type: run.job_type.clone(),
            key: run.limit_key.clone(),
        }
    }

    /// The line of a new run.
    pub fn of_new(run: &NewRun) -> Self {
        Self {
            tenant: run.tenant.clone(),
            queue: run.queue.clone(),
            job_type: run.job_type.clone(),
            key: run.limit_key.clone(),
        }
    }

    fn job(&self) -> JobKey {
        JobKey { tenant: self.tenant.clone(), job_type: self.job_type.clone() }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.queue, self.job_type)?;
        self.key.iter().try_for_each(|key| write!(f, "/{key}"))
    }
}

/// A text that names no line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no line of held runs is called {0:?}")]
pub struct InvalidLine(String);

impl FromStr for Line {
    type Err = InvalidLine;
    fn from_str(text: &str) -> Result<Self, InvalidLine> {
        let mut parts = text.splitn(4, '/');
        let mut read = || {
            let tenant = TenantId::new(parts.next()?).ok()?;
            let queue = QueueName::new(parts.next()?).ok()?;
            let job_type = JobType::new(parts.next()?).ok()?;
            let key = parts.next().map(LimitKey::new).transpose().ok()?;
            Some(Self { tenant, queue, job_type, key })
        };
        read().ok_or_else(|| InvalidLine(text.chars().take(80).collect()))
    }
}

/// Every limit in force, by scope, and how many there are of each kind: a kind without any costs
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowLimits(BTreeMap<LimitScope, FlowLimit>, [usize; Kind::COUNT]);

impl FlowLimits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The limit of a scope.
    pub fn get(&self, scope: &LimitScope) -> Option<&FlowLimit> {
        self.0.get(scope)
    }

    /// Puts a scope's limit in place of what was, or takes it away.
    pub fn put(&mut self, scope: LimitScope, limit: Option<FlowLimit>) {
        let kind = Kind::of(&scope) as usize;
        match limit {
            Some(limit) => self.1[kind] += usize::from(self.0.insert(scope, limit).is_none()),
            None => self.1[kind] -= usize::from(self.0.remove(&scope).is_some()),
        }
    }

    /// All of them, in the order of their scopes.
    pub fn iter(&self) -> impl Iterator<Item = (&LimitScope, &FlowLimit)> {
        self.0.iter()
    }

    /// Whether a limit applies to runs of this line.
    pub fn apply_to(&self, line: &Line) -> bool {
        !self.is_empty() && self.gates(line).next().is_some()
    }

    /// The gates that runs of this line pass, by name, with their limits. A limit per key does
    /// not apply to runs without one.
    pub fn gates<'a>(&'a self, line: &Line) -> impl Iterator<Item = (String, &'a FlowLimit)> {
        Kind::ALL.into_iter().filter(|kind| self.1[*kind as usize] > 0).filter_map(|kind| {
            let (scope, key) = kind.scope_of(line)?;
            Some((gate_name(&scope, key), self.0.get(&scope)?))
        })
    }
}

/// Kinds of scopes, in their order.
#[derive(Clone, Copy)]
enum Kind {
    Everything,
    Tenant,
    Queue,
    Job,
    PerKey,
}

impl Kind {
    const COUNT: usize = 5;
    const ALL: [Self; Self::COUNT] =
        [Self::Everything, Self::Tenant, Self::Queue, Self::Job, Self::PerKey];

    fn of(scope: &LimitScope) -> Self {
        match scope {
            LimitScope::Everything => Self::Everything,
            LimitScope::Tenant(_) => Self::Tenant,
            LimitScope::Queue(_) => Self::Queue,
            LimitScope::Job(_) => Self::Job,
            LimitScope::PerKey(_) => Self::PerKey,
        }
    }

    /// The scope of this kind that a line is within, and its key.
    fn scope_of(self, line: &Line) -> Option<(LimitScope, Option<&LimitKey>)> {
        let scope = match self {
            Self::Everything => LimitScope::Everything,
            Self::Tenant => LimitScope::Tenant(line.tenant.clone()),
            Self::Queue => LimitScope::Queue(line.queue.clone()),
            Self::Job => LimitScope::Job(line.job()),
            Self::PerKey => {
                return Some((LimitScope::PerKey(line.job()), Some(line.key.as_ref()?)));
            }
        };
        Some((scope, None))
    }
}

impl FromIterator<(LimitScope, FlowLimit)> for FlowLimits {
    fn from_iter<I: IntoIterator<Item = (LimitScope, FlowLimit)>>(limits: I) -> Self {
        let mut all = Self::default();
        limits.into_iter().for_each(|(scope, limit)| all.put(scope, Some(limit)));
        all
    }
}

/// The name under which a gate is kept: its scope's, and behind a slash the key.
fn gate_name(scope: &LimitScope, key: Option<&LimitKey>) -> String {
    let [kind, first, slash, second] = scope.parts();
    match key {
        // A look makes one for each line.
        Some(key) => [kind, first, slash, second, "/", key.as_str()].concat(),
        None => [kind, first, slash, second].concat(),
    }
}

impl LimitScope {
    /// Whether runs of this line are within the scope.
    pub fn covers(&self, line: &Line) -> bool {
        match self {
            Self::Everything => true,
            Self::Tenant(tenant) => *tenant == line.tenant,
            Self::Queue(queue) => *queue == line.queue,
            Self::Job(job) => job.tenant == line.tenant && job.job_type == line.job_type,
            Self::PerKey(job) => {
                line.key.is_some() && job.tenant == line.tenant && job.job_type == line.job_type
            }
        }
    }

    /// Whether this is the name of the scope's gate, or of one of its keys'.
    pub fn has_gate(&self, gate: &str) -> bool {
        match gate.strip_prefix(self.to_string().as_str()) {
            Some("") => true,
            Some(rest) => matches!(self, Self::PerKey(_)) && rest.starts_with('/'),
            None => false,
        }
    }

    /// The gate of this scope, or of one of its keys.
    pub fn gate(&self, key: Option<&LimitKey>) -> String {
        gate_name(self, key)
    }
}
