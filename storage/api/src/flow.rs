//! Flow control: limits, pauses, and the admission of runs that they hold.

use async_trait::async_trait;
use zapjobs_model::{FlowLimit, FlowLimits, LimitChange, LimitScope, Line, Timestamp};

use crate::{QueueSelection, Result};

/// Limits over all hosts, exact. The rules are `zapjobs_model::flow`.
///
/// A run that becomes pending while a limit applies to it is stored as held instead, whichever
/// operation makes it so; listeners are told `Ready` all the same. It is *admitted*, made pending,
/// by [`FlowControl::admit`] alone, and takes a slot in each of its gates then, in all at once. It
/// gives them back, in the same write, when it is neither pending nor running any more: when it
/// ended, waits again, was cancelled or set aside. An attempt that ends and leaves its run pending
/// keeps them. [`crate::RunStore::release_runs`] answers `WrongStatus(Held)` for a run that a
/// limit holds, and leaves it; and
/// [`crate::RunStore::claim_run`] answers `WrongStatus(Held)` for one.
///
/// *Cost:* a storage without limits does nothing of this.
#[async_trait]
pub trait FlowControl: Send + Sync {
    /// Changes the limit of a scope, and answers what it then is. Once this returns, no run of
    /// the scope is pending but those admitted since: runs that were ready are held, and those
    /// under way count as in use. What makes no sense is refused as `InvalidRequest`, as
    /// `LimitChange::apply` says it, and so is a limit beyond `LIMITS_MAX`.
    ///
    /// Lifting a limit or a pause admits nothing by itself: hosts do, as they have room.
    ///
    /// *Atomicity:* the change is one write. Ready runs are then held in bounded steps, during
    /// which the scope admits nobody; where the call ends early, [`FlowControl::admit`] goes on.
    /// A run that another call is submitting at the same time stands before or after the change.
    /// *Cost:* grows with the number of runs of the scope that are ready or running.
    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Result<Option<FlowLimit>>;

    /// All limits, in the order of their scopes, with what they have in use and hold.
    ///
    /// *Cost:* grows with the number of held runs and of slots in use.
    async fn limits(&self) -> Result<Vec<LimitUse>>;

    /// The limits alone.
    ///
    /// *Cost:* grows with their number.
    async fn limits_in_force(&self) -> Result<FlowLimits>;

    /// Makes held runs of the selected queues pending: of all first runs of their lines the one
    /// that goes first by the order of claims, as long as all of its gates have room, up to `limit`
    /// and at most `ADMIT_RUNS_MAX`. Runs that no limit applies to any more go too. Listeners are
    /// told `Ready`.
    ///
    /// *Atomicity:* all of one call at once; no gate ever has more in use than its limit allows,
    /// whoever calls at the same time. *On conflict:* where another call is at it, this one may
    /// admit nothing and answer that there is more.
    /// *Cost:* that of about twice as many runs as may be admitted, by an index of all held runs,
    /// and of their gates, where enough of these may go or they are all. Else also that of the
    /// lines: at most `LINES_LOOKED_AT_MAX` of them and `HEADS_READ_MAX` runs; the next call goes on
    /// behind them. Nearly nothing where there is neither a limit nor a held run.
    async fn admit(&self, request: AdmitRequest) -> Result<Admitted>;
}

/// A host's wish for runs that it can claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmitRequest {
    /// From which queues.
    pub queues: QueueSelection,
    /// How many at most: what the host has room for.
    pub limit: usize,
}

/// What an admission came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Admitted {
    /// Runs made pending.
    pub count: usize,
    /// When more may go by the passing of time alone, as far as this call looked.
    pub next_at: Option<Timestamp>,
    /// Whether another call now may admit more: `limit` was reached, or there were more lines.
    pub has_more: bool,
    /// Whether there is nothing to do: no limit, and nothing held by one.
    pub is_idle: bool,
}

impl Admitted {
    /// Neither a limit nor a run held by one.
    pub const IDLE: Self = Self { count: 0, next_at: None, has_more: false, is_idle: true };
}

/// A limit, and how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitUse {
    /// What it applies to.
    pub scope: LimitScope,
    /// What it allows.
    pub limit: FlowLimit,
    /// Slots in use; of a limit per key, those of all keys together. Only a concurrency has slots.
    pub in_use: u64,
    /// Runs of the scope that are held by this limit or another.
    pub held: u64,
}

impl AdmitRequest {
    /// Whether it asks for runs of this line.
    pub fn selects(&self, line: &Line) -> bool {
        match &self.queues {
            QueueSelection::All => true,
            QueueSelection::Only(names) => names.contains(&line.queue),
        }
    }
}

/// Puts together what [`FlowControl::limits`] answers, from the slots in use by gate and the
/// held runs by line.
pub fn limit_uses<'a>(
    limits: &FlowLimits,
    in_use: impl Iterator<Item = (&'a str, u64)>,
    held: impl Iterator<Item = (&'a Line, u64)>,
) -> Vec<LimitUse> {
    let unused = limits.iter().map(|(scope, limit)| LimitUse {
        scope: scope.clone(),
        limit: limit.clone(),
        in_use: 0,
        held: 0,
    });
    let mut uses: Vec<LimitUse> = unused.collect();
    for (gate, count) in in_use {
        for used in uses.iter_mut().filter(|used| used.scope.has_gate(gate)) {
            used.in_use += count;
        }
    }
    for (line, count) in held {
        for used in uses.iter_mut().filter(|used| used.scope.covers(line)) {
            used.held += count;
        }
    }
    uses
}
