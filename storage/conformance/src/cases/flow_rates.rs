//! How many runs begin in a time.

use std::sync::Arc;

use zapjobs_model::{FlowLimit, LimitScope, Rate, RateAlgorithm};
use zapjobs_storage::{AdmitRequest, QueueSelection};

use super::flow::of_job;
use crate::Fixture;
use crate::builders::{seconds, some_runs};

pub(crate) async fn a_rate_admits_its_burst_and_then_one_at_a_time(f: &Fixture) {
    let rate = Rate::new(10, seconds(1)).kept_by(RateAlgorithm::TokenBucket { burst: 2 });
    f.limit(&of_job(), FlowLimit::rate(rate)).await;
    f.storage.enqueue(&some_runs("mail", 9)).await.expect("stored");
    let next_at = f.now().plus(seconds(1) / 10);
    let admitted = f.admit(100).await;
    assert_eq!((admitted.count, admitted.next_at, admitted.has_more), (2, Some(next_at), false));
    assert_eq!(f.admit(100).await.next_at, Some(next_at));
    f.clock.advance(seconds(1) / 10);
    assert_eq!(f.admit(100).await.count, 1);
    f.clock.advance(seconds(3600));
    assert_eq!(f.admit(100).await.count, 2, "an outage makes no larger burst");
}

pub(crate) async fn a_sliding_window_admits_its_count_in_each_span(f: &Fixture) {
    let rate = Rate::new(3, seconds(10)).kept_by(RateAlgorithm::SlidingWindow);
    f.limit(&LimitScope::Everything, FlowLimit::rate(rate)).await;
    f.storage.enqueue(&some_runs("mail", 9)).await.expect("stored");
    assert_eq!(f.admit(2).await.count, 2);
    f.clock.advance(seconds(5));
    let admitted = f.admit(100).await;
    assert_eq!(admitted.count, 1);
    let next_at = admitted.next_at.expect("a rate says when");
    assert!((5_000..=5_100).contains(&next_at.since(f.now()).as_millis()), "{next_at}");
    f.clock.advance(next_at.since(f.now()));
    assert_eq!(f.admit(100).await.count, 2);
}

pub(crate) async fn a_rate_is_kept_by_several_hosts_over_time(f: &Fixture) {
    const SPAN: u32 = 4;
    let rate = Rate::new(100, seconds(1));
    f.limit(&LimitScope::Everything, FlowLimit::rate(rate)).await;
    let some = some_runs("mail", 600);
    f.storage.enqueue(&some).await.expect("stored");
    let mut went = Vec::new();
    // Every 20 ms each of four hosts asks, all at the same time.
    for _ in 0..SPAN * 50 {
        let mut at_once = 0;
        loop {
            let asked = [(); 4].map(|()| {
                let storage = Arc::clone(&f.storage);
                let request = AdmitRequest { queues: QueueSelection::All, limit: 5 };
                tokio::spawn(async move { storage.admit(request).await.expect("answered") })
            });
            let mut has_more = false;
            for answer in asked {
                let admitted = answer.await.expect("it does not panic");
                at_once += admitted.count;
                has_more |= admitted.has_more;
            }
            if !has_more {
                break;
            }
        }
        went.push(at_once);
        f.clock.advance(seconds(1) / 50);
    }
    let all: usize = went.iter().sum();
    // The burst, and a hundred in each second, within 2 %.
    assert!((392..=418).contains(&all), "{all} went in {SPAN} seconds: {went:?}");
    let most = went.windows(50).map(|second| second.iter().sum::<usize>()).max();
    assert!(most <= Some(110), "{most:?} went within a second");
}
