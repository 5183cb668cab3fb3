//! What happened in the days before.

use std::sync::Arc;
use std::time::Duration;

use zapjobs_model::{
    Due, FlowLimit, JobRequest, LimitChange, LimitScope, Priority, QueueName, Tag,
};
use zapjobs_runtime::{Client, Workflow, declare_schedules};
use zapjobs_storage::Storage;

use crate::{DemoClock, PAST, jobs, work};

/// Runs that are stored and worked off together.
const STEP: usize = 20;

/// Makes so many runs, in all states.
pub(crate) async fn make(storage: &Arc<dyn Storage>, clock: &DemoClock, runs: usize) {
    let definitions = jobs::definitions();
    storage.put_definitions(&definitions).await.expect("definitions");
    let client = Client::new(Arc::clone(storage));
    let steps = u32::try_from(runs.div_ceil(STEP)).expect("a number of runs").max(1);
    clock.set_behind(PAST);
    for step in 0..steps {
        clock.set_behind(PAST * (steps - step) / steps);
        let wishes = (0..STEP).map(|at| decorated(step as usize * STEP + at));
        client.submit_all(wishes.collect()).await.expect("submitted");
        work::off(storage, STEP).await;
        storage.promote(STEP).await.expect("promoted");
    }
    clock.set_behind(Duration::ZERO);
    declare_schedules(&**storage, &definitions).await.expect("schedules");
    present(storage, &client).await;
}

/// What waits, runs, is held and follows each other now.
async fn present(storage: &Arc<dyn Storage>, client: &Client) {
    let later = |at: usize| JobRequest {
        due: Due::In(Duration::from_secs(600 * (at as u64 + 1))),
        ..decorated(at)
    };
    client.submit_all((0..40).map(later).collect()).await.expect("submitted");
    let queue = QueueName::new("billing").expect("a name");
    let limit = LimitChange::set(FlowLimit { concurrency: Some(2), ..FlowLimit::default() });
    storage.change_limit(&LimitScope::Queue(queue), limit).await.expect("a limit");
    client.submit_all((0..60).map(decorated).collect()).await.expect("submitted");
    let workflow = Workflow::new("shop night")
        .node("prices", jobs::wish(3))
        .node("pictures", jobs::wish(0))
        .after("prices", zapjobs_model::Condition::Success)
        .node("report", jobs::wish(4))
        .after("prices", zapjobs_model::Condition::Always)
        .after("pictures", zapjobs_model::Condition::Success);
    client.start_workflow(workflow).await.expect("a workflow");
}

fn decorated(at: usize) -> JobRequest {
    let tag = Tag::new(["shop", "newsletter", "import"][at % 3]).expect("a tag");
    let priority = Priority::new([0, 0, 0, 5, -5][at % 5]).expect("a priority");
    JobRequest { tags: vec![tag], priority, ..jobs::wish(at) }
}
