//! Batches that several work on at once.

use zapjobs_model::{NewRun, RunStatus, batch};
use zapjobs_storage::{ENDS_MAX, NewBatch, SettleResult};

use super::batches::a_batch;
use super::concurrency::{RUNS, claim_all};
use crate::Fixture;
use crate::actions::completed;
use crate::builders::{a_run, some_runs};

pub(crate) async fn members_that_end_at_once_are_counted_and_called_back_once(f: &Fixture) {
    let callback = a_run("after").queue("later").held().build();
    let called = callback.id;
    let id = f.create(NewBatch { on_success: Some(callback), ..a_batch(1) }).await;
    // Two batches in each call, so that their rows meet in every order.
    let other = f.create(a_batch(2)).await;
    let members = some_runs("mail", RUNS).into_iter().enumerate();
    let members = members.map(|(at, run)| {
        let batch = Some(if at % 2 == 0 { id } else { other });
        NewRun { batch, ..run }
    });
    f.storage.enqueue(&members.collect::<Vec<_>>()).await.expect("enqueued");
    for closed in [id, other] {
        f.storage.close_batch(closed).await.expect("closed");
    }
    let taken = f.together(claim_all).await.concat();
    assert_eq!(taken.len(), RUNS);
    let mut transitions = Vec::with_capacity(RUNS);
    for run in taken {
        transitions.push(f.transition(&f.stored(run).await, completed()));
    }
    let written = f
        .together(|storage, number| {
            let own = transitions.iter().skip(number).step_by(8).cloned().collect::<Vec<_>>();
            async move {
                let mut written = 0;
                for group in own.chunks(5) {
                    storage.apply(group).await.expect("applied");
                    written += settle(&*storage).await;
                }
                written
            }
        })
        .await;
    let rest = settle(&*f.storage).await;
    assert_eq!(written.iter().sum::<usize>() + rest, 2, "one decision of each batch");
    for batch in [f.batch(id).await, f.batch(other).await] {
        let half = RUNS as u64 / 2;
        assert_eq!((batch.counts.total, batch.counts.completed), (half, half));
        assert!(batch.succeeded_at.is_some());
    }
    assert_eq!(f.status(called).await, RunStatus::Pending);
}

pub(crate) async fn a_batch_is_closed_before_or_after_a_submission(f: &Fixture) {
    let id = f.create(a_batch(1)).await;
    let added = f
        .together(|storage, number| {
            let run = a_run("mail").batch(id).build();
            async move {
                if number == 0 {
                    storage.close_batch(id).await.expect("closed");
                    return 0;
                }
                u64::from(storage.enqueue(&[run]).await.is_ok())
            }
        })
        .await;
    let batch = f.batch(id).await;
    assert!(batch.is_closed);
    assert_eq!(batch.counts.total, added.iter().sum::<u64>());
    assert_eq!(batch.counts.unfinished, batch.counts.total);
}

/// Writes what is due, as a host does. Answers how many decisions it wrote.
async fn settle(storage: &dyn zapjobs_storage::Storage) -> usize {
    let mut written = 0;
    for due in storage.ended_batches(ENDS_MAX).await.expect("they are listed") {
        let settlement = batch::decide(&due).expect("something is due");
        let answer = storage.settle_batch(due.id, settlement).await.expect("answered");
        written += usize::from(answer == SettleResult::Settled);
    }
    written
}
