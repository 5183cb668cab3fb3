//! Claims of certain runs, while others claim too.

use std::collections::HashSet;
use std::sync::Arc;

use zapjobs_model::{NewRun, RunId};
use zapjobs_storage::{ClaimRunRequest, ClaimRunResult, Storage};

use super::claim_run::wish;
use super::concurrency::{RUNS, claim_all};
use crate::Fixture;
use crate::builders::{a_run, seconds, some_runs, worker};

pub(crate) async fn a_run_claimed_by_name_goes_to_one_of_several(f: &Fixture) {
    for _ in 0..10 {
        let run = f.enqueue(a_run("mail")).await;
        let answers = f
            .together(|storage, number| async move {
                let wish = ClaimRunRequest { worker: worker(number as u64), ..wish(run) };
                storage.claim_run(wish).await.expect("answered")
            })
            .await;
        let stored = f.stored(run).await;
        let owner = stored.worker.expect("it is somebody's");
        for (number, answer) in answers.into_iter().enumerate() {
            match answer {
                ClaimRunResult::Claimed(claimed) => {
                    assert_eq!(worker(number as u64), owner);
                    assert_eq!(claimed.run, stored);
                }
                other => {
                    assert_ne!(worker(number as u64), owner);
                    assert_eq!(other, ClaimRunResult::AlreadyAssigned { worker: owner });
                }
            }
        }
    }
}

pub(crate) async fn claims_by_name_and_by_queue_hand_out_each_run_once(f: &Fixture) {
    let runs = some_runs("mail", RUNS / 4);
    f.storage.enqueue(&runs).await.expect("enqueued");
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    let taken = f
        .together(|storage, number| {
            let ids = ids.clone();
            async move {
                if number % 2 == 0 {
                    claim_all(storage, number).await
                } else {
                    claim_each(storage, ids).await
                }
            }
        })
        .await
        .concat();
    assert_eq!(taken.len(), ids.len());
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), ids.iter().copied().collect());
    for id in ids {
        assert_eq!(f.stored(id).await.lease.0, 1, "it was claimed once");
    }
}

pub(crate) async fn claims_by_name_and_promotion_hand_out_each_run_once(f: &Fixture) {
    let due = |mut run: NewRun| {
        run.due = zapjobs_model::Due::In(seconds(5));
        run
    };
    let runs: Vec<NewRun> = some_runs("mail", RUNS / 8).into_iter().map(due).collect();
    f.storage.enqueue(&runs).await.expect("enqueued");
    f.clock.advance(seconds(5));
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    let mut taken = f
        .together(|storage, number| {
            let ids = ids.clone();
            async move {
                if number % 2 == 0 {
                    storage.promote(RUNS).await.expect("promoted");
                    claim_all(storage, number).await
                } else {
                    claim_each(storage, ids).await
                }
            }
        })
        .await
        .concat();
    taken.extend(claim_all(f.storage.clone(), 1).await);
    assert_eq!(taken.len(), ids.len());
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), ids.into_iter().collect());
}

/// Tries to claim each run by name. Answers those that it got.
async fn claim_each(storage: Arc<dyn Storage>, ids: Vec<RunId>) -> Vec<RunId> {
    let mut taken = Vec::new();
    for id in ids {
        match storage.claim_run(wish(id)).await.expect("answered") {
            ClaimRunResult::Claimed(claimed) => taken.push(claimed.id()),
            ClaimRunResult::AlreadyAssigned { .. } => {}
            other => panic!("run {id} is there and due: {other:?}"),
        }
    }
    taken
}
