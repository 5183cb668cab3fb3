//! What those ask who look.

use zapjobs_model::{Lease, RunStatus, TenantId};
use zapjobs_storage::{
    AgedRequest, Cursor, EndingPlace, EndingsRequest, LogPageRequest, QueueSelection, RunFilter,
    RunPageRequest, SPANS_MAX, Span, StatisticsRequest,
};

use super::batches::BATCHES;
use super::{Chooser, HOURS_PROMISED, JOBS, Operation, QUEUES, TENANTS};
use crate::Fixture;
use crate::builders::{batch_id, job_type, priority, queue, seconds, tag, tenant};

const SEARCHES: [&str; 5] = ["MAIL", "broken", "order 1", "%", "00000001"];

impl Chooser {
    pub(super) async fn look(&mut self, reference: &Fixture) -> Operation {
        match self.random.below(10) {
            0 => Operation::Run(self.run()),
            1 => Operation::Counts(self.filter()),
            2 if self.random.once_in(2) => Operation::DependenciesOf(self.run()),
            2 => Operation::QueueCounts,
            3 => {
                let logged = self.logged(reference).await;
                let run = if logged.is_empty() { self.run() } else { self.random.one_of(&logged) };
                let place = (Lease(self.random.below(3) as u32), self.random.below(6) as u32);
                let after = self.random.once_in(2).then_some(place);
                Operation::LogPage(LogPageRequest { run, after, limit: 1 + self.limit() })
            }
            4 => self.statistics(),
            5 => self.ready_tenants(),
            6 if self.random.once_in(2) => self.aged(),
            6 if self.random.once_in(2) => self.endings(),
            6 => Operation::Waiting(self.tenant(), self.random.one_of(&[0, 1, 2, 5, 1_000])),
            _ => Operation::Runs(RunPageRequest {
                filter: self.filter(),
                after: self.random.once_in(2).then(|| Cursor(self.run())),
                limit: self.limit(),
            }),
        }
    }

    fn endings(&mut self) -> Operation {
        let instants = [None, Some(self.now), Some(self.now.minus(seconds(60)))];
        let after = self.random.one_of(&instants);
        Operation::Endings(EndingsRequest {
            after: after.map(|ended_at| EndingPlace { ended_at, run: self.run() }),
            before: self.random.one_of(&instants),
            limit: self.limit(),
        })
    }

    fn aged(&mut self) -> Operation {
        let queues = self.random.one_of(&[&QUEUES[..], &QUEUES[..1], &QUEUES[1..]]);
        let queues = queues.iter().map(|name| queue(name)).collect();
        Operation::Aged(AgedRequest {
            queues: match self.random.once_in(2) {
                true => QueueSelection::All,
                false => QueueSelection::Only(queues),
            },
            ready_before: self.now.minus(seconds(self.random.one_of(&[0, 0, 5, 60]))),
            below: priority(self.random.one_of(&[1_000, 500, 1, 0, -1])),
            limit: self.random.one_of(&[0, 2, 100, 100]),
        })
    }

    fn statistics(&mut self) -> Operation {
        let span = self.random.one_of(&[Span::Hour, Span::Day, Span::Total]);
        let latest = match span {
            Span::Hour => self.random.one_of(&[0, 1, 2, HOURS_PROMISED, SPANS_MAX + 1]),
            Span::Day | Span::Total => self.random.one_of(&[0, 1, 2, SPANS_MAX, SPANS_MAX + 1]),
        };
        let name = self.random.one_of(&QUEUES);
        let queue = self.random.once_in(2).then(|| queue(name));
        let tenant = self.random.once_in(2).then(|| self.tenant());
        Operation::Statistics(StatisticsRequest { span, latest, tenant, queue })
    }

    fn ready_tenants(&mut self) -> Operation {
        let queues = match self.random.below(3) {
            0 => QueueSelection::Only(vec![queue("a"), queue("none"), queue("a")]),
            1 => QueueSelection::Only(vec![queue("b"), queue("B")]),
            _ => QueueSelection::All,
        };
        let after = self.random.once_in(3).then(|| self.tenant());
        Operation::ReadyTenants(queues, after, self.random.one_of(&[1, 2, 100]))
    }

    fn tenant(&mut self) -> TenantId {
        tenant(self.random.one_of(&TENANTS))
    }

    fn filter(&mut self) -> RunFilter {
        let statuses: Vec<RunStatus> = match self.random.below(3) {
            0 => vec![self.random.one_of(&RunStatus::ALL), self.random.one_of(&RunStatus::ALL)],
            _ => Vec::new(),
        };
        let random = &mut self.random;
        RunFilter {
            statuses,
            tenant: random.once_in(4).then(|| tenant(random.one_of(&TENANTS))),
            job_type: random.once_in(4).then(|| job_type(random.one_of(&JOBS))),
            queue: random.once_in(4).then(|| queue(random.one_of(&QUEUES))),
            tag: random.once_in(5).then(|| tag("red")),
            created_from: random.once_in(5).then(|| self.now.minus(seconds(60))),
            created_before: random.once_in(5).then(|| self.now.minus(seconds(20))),
            search: random.once_in(4).then(|| random.one_of(&SEARCHES).to_owned()),
            batch: random.once_in(6).then(|| batch_id(random.below(BATCHES))),
        }
    }
}
