//! What operators limit, and hosts admit.

use zapjobs_model::{FlowLimit, LimitChange, LimitScope, Rate, RateAlgorithm};
use zapjobs_storage::{AdmitRequest, QueueSelection};

use super::{Chooser, Operation};
use crate::builders::{key, queue, seconds, tenant};

impl Chooser {
    /// Limits go more often than they come, so that runs go on.
    pub(super) fn change_limit(&mut self) -> Operation {
        let scope = match self.random.below(6) {
            0 => LimitScope::Everything,
            1 => LimitScope::Tenant(tenant("acme")),
            2 => LimitScope::Queue(queue("a")),
            3 => LimitScope::Job(key("acme", "mail")),
            4 => LimitScope::PerKey(key("zeta", "mail")),
            _ => LimitScope::PerKey(key("acme", "resize")),
        };
        let change = match self.random.below(14) {
            0..3 => LimitChange::set(FlowLimit::concurrency(self.random.one_of(&[0, 1, 2, 5]))),
            3..6 => LimitChange::set(FlowLimit::rate(self.rate())),
            6 => {
                LimitChange::set(FlowLimit { rate: Some(self.rate()), ..FlowLimit::concurrency(2) })
            }
            7 => LimitChange::Pause,
            8..11 => LimitChange::Resume,
            _ => LimitChange::Remove,
        };
        Operation::ChangeLimit(scope, change)
    }

    fn rate(&mut self) -> Rate {
        let rate = Rate::new(self.random.one_of(&[1, 3, 20]), seconds(10));
        let window = self.random.once_in(2);
        if window { rate.kept_by(RateAlgorithm::SlidingWindow) } else { rate }
    }

    pub(super) fn admit(&mut self) -> Operation {
        if self.random.once_in(4) {
            return Operation::Limits;
        }
        let queues = match self.random.below(3) {
            0 => QueueSelection::Only(vec![queue("a"), queue("B")]),
            _ => QueueSelection::All,
        };
        Operation::Admit(AdmitRequest { queues, limit: self.limit() })
    }
}
