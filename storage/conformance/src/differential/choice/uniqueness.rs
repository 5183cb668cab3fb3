//! Keys of runs: few, so that they meet.

use zapjobs_model::{UniqueScope, Until};

use super::Chooser;
use crate::builders::{RunBuilder, seconds};

impl Chooser {
    /// At times makes a run unique, or names its request.
    pub(super) fn with_keys(&mut self, run: RunBuilder) -> RunBuilder {
        let run = match self.random.once_in(3) {
            true => self.made_unique(run),
            false => run,
        };
        match self.random.once_in(5) {
            true => run.idempotency(self.random.one_of(&["x", "y", "z"])),
            false => run,
        }
    }

    fn made_unique(&mut self, run: RunBuilder) -> RunBuilder {
        let scope = self.random.one_of(&[
            UniqueScope::Until(Until::Started),
            UniqueScope::Until(Until::Finished),
            UniqueScope::For(seconds(40)),
        ]);
        let run = run.unique(self.random.one_of(&["k", "l"]), scope);
        if self.random.once_in(2) { run.replacing() } else { run }
    }
}
