//! What becomes of definitions and schedules.

use zapjobs_model::{JobDefinition, JobSchedule, RunStatus, ScheduleKey};
use zapjobs_storage::{DuePlace, FireRequest, PAGE_MAX, SchedulePageRequest};

use super::{Chooser, IDS, JOBS, Operation, TENANTS};
use crate::Fixture;
use crate::builders::{a_definition, a_run, a_schedule, key, schedule_key, seconds, tenant};

/// Names of schedules; how they sort is promised.
const NAMES: [&str; 4] = ["a", "a-b", "a.b", "B"];

impl Chooser {
    pub(super) async fn schedule(&mut self, reference: &Fixture) -> Operation {
        let key = key(self.random.one_of(&TENANTS), self.random.one_of(&JOBS));
        match self.random.below(20) {
            0..2 => Operation::PutDefinitions(vec![self.definition()]),
            2 => Operation::DeleteDefinition(key),
            3 => Operation::NoteLastStatus(key, self.random.one_of(&RunStatus::ALL)),
            4..9 => self.put_schedules(reference).await,
            9 => self.delete_schedule(reference).await,
            10 => self.schedules(),
            11 => self.due_schedules(),
            12 => Operation::NextDueAfter(self.now.plus(seconds(self.random.below(9)))),
            _ => self.fire(reference).await,
        }
    }

    /// Most often as it is stored.
    async fn known(&mut self, reference: &Fixture) -> JobSchedule {
        let key = self.schedule_key();
        let stored = reference.storage.schedule(&key).await.expect("it is read");
        let fresh = a_schedule(key.tenant.as_str(), key.name.as_str(), self.now);
        let known = stored.unwrap_or(fresh);
        let revision = if self.random.once_in(8) { self.random.below(4) } else { known.revision };
        JobSchedule { revision, ..known }
    }

    async fn changed(&mut self, reference: &Fixture) -> JobSchedule {
        let known = self.known(reference).await;
        let next = self.now.plus(seconds(self.random.below(9)));
        let look = self.now.plus(seconds(self.random.below(5)));
        JobSchedule {
            enabled: !self.random.once_in(5),
            next_fire_at: (!self.random.once_in(5)).then_some(next),
            look_at: self.random.once_in(6).then_some(look),
            skipped: self.random.below(3),
            ..known
        }
    }

    async fn put_schedules(&mut self, reference: &Fixture) -> Operation {
        let mut schedules = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            schedules.push(self.changed(reference).await);
        }
        Operation::PutSchedules(schedules)
    }

    async fn delete_schedule(&mut self, reference: &Fixture) -> Operation {
        let known = self.known(reference).await;
        Operation::DeleteSchedule(known.key, known.revision)
    }

    fn schedules(&mut self) -> Operation {
        Operation::Schedules(SchedulePageRequest {
            tenant: self.random.once_in(2).then(|| tenant(self.random.one_of(&TENANTS))),
            after: self.random.once_in(2).then(|| self.schedule_key()),
            limit: self.limit().min(PAGE_MAX),
        })
    }

    fn due_schedules(&mut self) -> Operation {
        let due_at = self.now.minus(seconds(self.random.below(3)));
        let place = DuePlace { due_at, key: self.schedule_key() };
        Operation::DueSchedules(self.random.once_in(2).then_some(place), self.limit())
    }

    async fn fire(&mut self, reference: &Fixture) -> Operation {
        let mut requests = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let schedule = self.changed(reference).await;
            let mut runs = Vec::new();
            for _ in 0..self.random.below(3) {
                self.fired += 1;
                let run = a_run(schedule.job_type.as_str()).id(IDS + 10 + self.fired);
                runs.push(run.tenant(schedule.key.tenant.as_str()).build());
            }
            requests.push(FireRequest { runs, schedule });
        }
        Operation::Fire(requests)
    }

    fn schedule_key(&mut self) -> ScheduleKey {
        schedule_key(self.random.one_of(&TENANTS), self.random.one_of(&NAMES))
    }

    fn definition(&mut self) -> JobDefinition {
        let plain = a_definition(self.random.one_of(&TENANTS), self.random.one_of(&JOBS));
        JobDefinition { digest: if self.random.once_in(4) { None } else { plain.digest }, ..plain }
    }
}
