//! The contract over them.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use zapjobs_model::flow::{
    Admission, HeldLine, LIMITS_MAX, LINES_LOOKED_AT_MAX, LineAt, Plan, first_looks,
};
use zapjobs_model::{
    FlowLimit, FlowLimits, LimitChange, LimitScope, Line, RunId, RunStatus, Timestamp,
};
use zapjobs_storage::{
    AdmitRequest, Admitted, ErrorKind, FlowControl, LimitUse, Result, StorageError, limit_uses,
};

use super::{Flow, LineId};
use crate::MemoryStorage;
use crate::storage::Work;

#[async_trait]
impl FlowControl for MemoryStorage {
    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Result<Option<FlowLimit>> {
        const OPERATION: &str = "change the limit";
        self.work(OPERATION, |work| {
            let limits = &work.state.runs.flow_mut().limits;
            let invalid = |error: zapjobs_model::flow::InvalidFlowLimit| {
                StorageError::new(ErrorKind::InvalidRequest, OPERATION, error.to_string())
            };
            let changed = change.apply(scope, limits.get(scope)).map_err(invalid)?;
            if changed.is_some() && limits.get(scope).is_none() && limits.len() >= LIMITS_MAX {
                return Err(invalid(zapjobs_model::flow::InvalidFlowLimit::TooMany));
            }
            let limits = Arc::make_mut(&mut work.state.runs.flow_mut().limits);
            limits.put(scope.clone(), changed.clone());
            if changed.is_some() {
                work.hold_within(scope);
            }
            Ok(changed)
        })
    }

    async fn limits(&self) -> Result<Vec<LimitUse>> {
        self.work("list limits", |work| {
            let flow = work.state.runs.flow_mut();
            let in_use = flow.slots.iter().map(|(gate, in_use)| (&**gate, *in_use as u64));
            Ok(limit_uses(&flow.limits, in_use, flow.lines.counts()))
        })
    }

    async fn limits_in_force(&self) -> Result<FlowLimits> {
        self.work("read limits", |work| Ok(FlowLimits::clone(&work.state.runs.flow_mut().limits)))
    }

    async fn admit(&self, request: AdmitRequest) -> Result<Admitted> {
        self.work("admit held runs", |work| Ok(work.admit(&request)))
    }
}

impl Work<'_> {
    /// Runs of a scope that were ready are held; those under way have a slot.
    fn hold_within(&mut self, scope: &LimitScope) {
        let runs = &mut self.state.runs;
        let within = runs.newest_first(None).filter(|run| {
            matches!(run.status, RunStatus::Pending | RunStatus::Running)
                && scope.covers(&Line::of(run))
        });
        let within: Vec<(RunId, RunStatus, Line)> =
            within.map(|run| (run.id, run.status, Line::of(run))).collect();
        for (id, status, line) in within {
            if status == RunStatus::Pending {
                // What it had is given back: it is admitted anew.
                runs.flow_mut().give_back(id);
                runs.change(id, |_| {});
                continue;
            }
            let flow = runs.flow_mut();
            let gates = flow.limits.gates(&line);
            let slots = gates.filter(|(_, limit)| limit.concurrency.is_some());
            let slots = slots.map(|(gate, _)| gate.into()).collect();
            flow.note_admitted(id, slots);
        }
    }

    fn admit(&mut self, request: &AdmitRequest) -> Admitted {
        let flow = self.state.runs.flow_mut();
        if flow.limits.is_empty() && flow.lines.is_empty() {
            return Admitted::IDLE;
        }
        flow.forget_rates(self.now);
        let limits = Arc::clone(&flow.limits);
        let mut look = Admission::new(&limits, self.now);
        let (plan, has_more_lines) = match flow.look_at_first(&mut look, request) {
            Some(plan) => (plan, false),
            None => flow.look_at_lines(&mut look, request),
        };
        let Plan { admitted, next_at, has_more, .. } = plan;
        for (gate, rate, forgets_at) in look.rates_used() {
            flow.rates.insert(gate.to_owned(), (rate.clone(), forgets_at));
        }
        let count = admitted.len();
        for run in admitted {
            self.state.runs.flow_mut().note_admitted(run.id, run.slots);
            self.state.runs.change(run.id, |run| run.status = RunStatus::Pending);
            self.hints.ready(&run.queue);
        }
        Admitted { count, next_at, has_more: has_more || has_more_lines, is_idle: false }
    }
}

impl Flow {
    /// Says what the gates of the lines met have in use.
    fn load(&self, look: &mut Admission<'_>) {
        for gate in look.gates_asked() {
            look.load(&gate, self.used(&gate.name));
        }
    }

    /// Looks at the first runs of all lines, where these suffice.
    fn look_at_first(&self, look: &mut Admission<'_>, request: &AdmitRequest) -> Option<Plan> {
        let mut met: HashMap<LineId, LineAt> = HashMap::new();
        first_looks(request.limit).into_iter().find_map(|wanted| {
            let first = self.first_runs(wanted);
            let first = first.filter(|(id, _)| request.selects(self.lines.get(*id)));
            let mut meet = |id| *met.entry(id).or_insert_with(|| look.meet_new(self.lines.get(id)));
            let runs: Vec<_> = first.map(|(id, run)| (meet(id), run)).collect();
            self.load(look);
            let plan = look.admit_first(&runs, request.limit);
            plan.suffices(wanted, self.order.len().min(wanted)).then_some(plan)
        })
    }

    /// Looks at the first runs of each line. Answers whether there are more lines.
    fn look_at_lines(&mut self, look: &mut Admission<'_>, request: &AdmitRequest) -> (Plan, bool) {
        let ids = self.lines.from(&self.looked_until, LINES_LOOKED_AT_MAX);
        let has_more_lines = self.lines.len() > ids.len();
        self.looked_until =
            ids.last().map(|id| self.lines.get(*id).to_string()).unwrap_or_default();
        let ids: Vec<LineId> =
            ids.into_iter().filter(|id| request.selects(self.lines.get(*id))).collect();
        let lines: Vec<Line> = ids.iter().map(|id| self.lines.get(*id).clone()).collect();
        lines.iter().for_each(|line| _ = look.meet(line));
        self.load(look);
        let wanted = look.heads_wanted(&lines, request.limit);
        let held = |((id, line), wanted)| {
            let heads = self.lines.heads(id, wanted);
            HeldLine { line, wanted, heads }
        };
        let held: Vec<HeldLine> = ids.into_iter().zip(lines).zip(wanted).map(held).collect();
        (look.admit(&held, request.limit), has_more_lines)
    }

    /// Drops what rates no longer need.
    fn forget_rates(&mut self, now: Timestamp) {
        self.rates.retain(|_, (_, forgets_at)| *forgets_at > now);
    }
}
