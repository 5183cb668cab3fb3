//! Changes of several runs at once.

use zapjobs_model::{Priority, RunId};
use zapjobs_storage::Alteration;

use super::{Chooser, Operation, QUEUES};
use crate::Fixture;
use crate::builders::{json, queue};

impl Chooser {
    /// Most often runs that it can be done to.
    pub(super) async fn alter(&mut self, reference: &Fixture) -> Operation {
        let alteration = match self.random.below(7) {
            0 => Alteration::Cancel,
            1 => Alteration::Requeue { input: None },
            2 => Alteration::Requeue { input: Some(json("[\"mended\"]")) },
            3 => Alteration::Delete,
            4 => Alteration::Move(queue(self.random.one_of(&QUEUES))),
            5 => {
                let priority = self.random.one_of(&[-1, 0, 7]);
                Alteration::Prioritise(Priority::new(priority).expect("a good priority"))
            }
            _ => Alteration::RunNow,
        };
        let statuses = alteration.statuses();
        // Runs that become due together would tie.
        let count = if alteration == Alteration::RunNow { 1 } else { self.random.below(4) };
        let mut runs: Vec<RunId> = Vec::new();
        for _ in 0..count {
            let status = self.random.one_of(&statuses);
            let run = self.run_with(status, reference).await;
            if !runs.contains(&run) || self.random.once_in(20) {
                runs.push(run);
            }
        }
        Operation::Alter(runs, alteration)
    }
}
