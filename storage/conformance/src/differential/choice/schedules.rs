//! What becomes of definitions.

use zapjobs_model::{JobDefinition, RunStatus, Timestamp};
use zapjobs_storage::FireRequest;

use super::{Chooser, IDS, JOBS, Operation, TENANTS};
use crate::Fixture;
use crate::builders::{a_definition, a_run, key, seconds};

impl Chooser {
    pub(super) async fn schedule(&mut self, reference: &Fixture) -> Operation {
        let key = key(self.random.one_of(&TENANTS), self.random.one_of(&JOBS));
        let next = self.random.once_in(2).then(|| self.now.plus(seconds(20)));
        match self.random.below(12) {
            0..3 => Operation::PutDefinitions(vec![self.definition()]),
            3 => Operation::DeleteDefinition(key),
            4 => Operation::SetEnabled(key, self.random.once_in(2), next),
            5 => Operation::DueDefinitions(self.limit()),
            6 => Operation::NextFireTime,
            7 => Operation::NoteLastStatus(key, self.random.one_of(&RunStatus::ALL)),
            _ => self.fire(reference, next).await,
        }
    }

    /// Most often a fire time that stands.
    async fn fire(&mut self, reference: &Fixture, next: Option<Timestamp>) -> Operation {
        let stored = reference.storage.definitions(None).await.expect("they are listed");
        let set = stored.iter().filter_map(|row| Some((row.key.clone(), row.next_run_at?)));
        let mut choices: Vec<_> = set.collect();
        if choices.is_empty() || self.random.once_in(6) {
            choices = vec![(key("acme", "mail"), self.now)];
        }
        let (key, due) = self.random.one_of(&choices);
        self.fired += 1;
        let run = a_run(key.job_type.as_str()).id(IDS + 10 + self.fired);
        let run = run.tenant(key.tenant.as_str()).build();
        Operation::Fire(FireRequest { key, due, next, run })
    }

    fn definition(&mut self) -> JobDefinition {
        let plain = a_definition(self.random.one_of(&TENANTS), self.random.one_of(&JOBS));
        let next = self.now.plus(seconds(self.random.below(9)));
        JobDefinition {
            enabled: !self.random.once_in(4),
            digest: if self.random.once_in(4) { None } else { plain.digest },
            next_run_at: (!self.random.once_in(4)).then_some(next),
            ..plain
        }
    }
}
