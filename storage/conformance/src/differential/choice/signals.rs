//! Signals to runs, and waits of runs.

use zapjobs_model::settle::suspend;
use zapjobs_model::{RunStatus, SignalName, StepName, Suspension, Usage, Wait};

use super::attempts::running;
use super::{Chooser, Operation};
use crate::Fixture;
use crate::builders::json;

const NAMES: [&str; 2] = ["go", "it's 1"];

impl Chooser {
    /// A signal to a run that waits, most often, or a wish to take one.
    pub(super) async fn signal(&mut self, reference: &Fixture) -> Operation {
        let name = self.signal_name();
        if self.random.once_in(3)
            && let Some(key) = self.keys(reference).await.pop()
        {
            let step = self.random.one_of(&["wait:go#1", "wait:go#2", "charge"]);
            return Operation::TakeSignal(key, name, StepName::new(step).expect("a good name"));
        }
        use RunStatus::{Completed, Pending, Running, Scheduled};
        let status = self
            .random
            .one_of(&[Scheduled, Scheduled, Scheduled, Running, Running, Pending, Completed]);
        let run = self.run_with(status, reference).await;
        let payload = json(self.random.one_of(&["null", "{\"n\":1.0}", "[\"ä\"]"]));
        Operation::SendSignal(run, name, payload)
    }

    /// The end of an attempt that waits.
    pub(super) async fn suspend(&mut self, reference: &Fixture) -> Operation {
        let running = running(reference).await;
        let Some(mut run) = self.claimed(&running) else { return self.let_pass() };
        run.cancel_requested = false;
        let name = self.signal_name();
        let wish = self.now.plus(self.span());
        let until = self.unique(wish);
        let wait = Wait { signal: (!self.random.once_in(4)).then_some(name), until };
        let transition = suspend(&run, &wait, Usage::default(), self.now);
        self.remember(&running);
        Operation::Suspend(Suspension { transition, wait })
    }

    fn signal_name(&mut self) -> SignalName {
        SignalName::new(self.random.one_of(&NAMES)).expect("a good name")
    }
}
