//! Claims of a host whose queues have weights: each queue's part by itself, then what is left.
//!
//! **Invariant:** a round claims no more in all, and of each tenant, than it was asked for; and
//! what one of its claims took is answered, whatever becomes of the next.

use parking_lot::Mutex;
use zapjobs_model::fairness::QueueDivider;
use zapjobs_storage::{ClaimRequest, ClaimedRun, QueueSelection, Result, Storage, TenantSelection};

use crate::config::HostOptions;

/// The queues of a host, and what each has earned.
pub(crate) struct QueueParts(Mutex<QueueDivider>);

impl QueueParts {
    /// Nothing where no queue has a weight: claims are then as if there were one queue.
    pub(crate) fn of(options: &HostOptions) -> Option<Self> {
        if options.queue_weights.is_empty() {
            return None;
        }
        let weight = |queue| options.queue_weights.get(queue).copied().unwrap_or_default();
        let weighed = options.queues.iter().map(|queue| (queue.clone(), weight(queue)));
        Some(Self(Mutex::new(QueueDivider::new(weighed))))
    }

    /// Claims as `request` asks, divided between the queues. What a queue does not use is left to
    /// all of them, in the order of claims.
    pub(crate) async fn claim(
        &self,
        storage: &dyn Storage,
        request: ClaimRequest,
    ) -> Result<Vec<ClaimedRun>> {
        let parts = self.0.lock().divide(request.limit);
        let parts = parts.into_iter().map(|(name, part)| (QueueSelection::Only(vec![name]), part));
        let rest = (request.queues.clone(), request.limit);
        let mut left = request;
        let mut claimed = Vec::new();
        for (queues, part) in parts.chain([rest]) {
            let limit = part.min(left.limit);
            if limit == 0 || left.tenants == TenantSelection::Shares(Vec::new()) {
                break;
            }
            match storage.claim(ClaimRequest { queues, limit, ..left.clone() }).await {
                Ok(runs) => {
                    take_off(&mut left, &runs);
                    claimed.extend(runs);
                }
                Err(error) if claimed.is_empty() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "a part of a round claimed nothing");
                    break;
                }
            }
        }
        Ok(claimed)
    }
}

/// What is still wanted once these runs were claimed.
fn take_off(left: &mut ClaimRequest, runs: &[ClaimedRun]) {
    left.limit = left.limit.saturating_sub(runs.len());
    if let TenantSelection::Shares(shares) = &mut left.tenants {
        for ClaimedRun { run } in runs {
            if let Some(share) = shares.iter_mut().find(|share| share.tenant == run.tenant) {
                share.limit = share.limit.saturating_sub(1);
            }
        }
        shares.retain(|share| share.limit > 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use uuid::Uuid;
    use zapjobs_memory::MemoryStorage;
    use zapjobs_model::fairness::Weight;
    use zapjobs_model::{
        Due, JobType, Json, NewRun, Priority, QueueName, RunId, TenantId, Trigger, WorkerId,
    };
    use zapjobs_storage::TenantShare;

    use super::*;

    fn name(text: &str) -> QueueName {
        QueueName::new(text).expect("a name")
    }

    fn tenant(text: &str) -> TenantId {
        TenantId::new(text).expect("a name")
    }

    fn parts(weights: &[(&str, u32)]) -> QueueParts {
        let weight = |number| Weight::new(number).expect("a weight");
        let options = HostOptions {
            queues: weights.iter().map(|(queue, _)| name(queue)).collect(),
            queue_weights: weights.iter().map(|(queue, it)| (name(queue), weight(*it))).collect(),
            ..HostOptions::default()
        };
        QueueParts::of(&options.checked().expect("good options")).expect("there are weights")
    }

    async fn filled(runs: &[(&str, &str, usize)]) -> Arc<dyn Storage> {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::default());
        for (of, queue, count) in runs {
            let run = |_| NewRun {
                id: RunId(Uuid::now_v7()),
                tenant: tenant(of),
                job_type: JobType::new("job").expect("a name"),
                queue: name(queue),
                priority: Priority::default(),
                trigger: Trigger::Api,
                input: Json::null(),
                due: Due::Now,
                deadline: None,
                max_attempts: 1,
                correlation_id: None,
                parent: None,
                tags: Vec::new(),
                metadata: BTreeMap::new(),
                after: Vec::new(),
                limit_key: None,
                unique: None,
                idempotency: None,
                batch: None,
            };
            let runs: Vec<NewRun> = (0..*count).map(run).collect();
            storage.enqueue(&runs).await.expect("stored");
        }
        storage
    }

    fn wish(queues: &[&str], tenants: TenantSelection, limit: usize) -> ClaimRequest {
        ClaimRequest {
            worker: WorkerId(Uuid::nil()),
            queues: QueueSelection::Only(queues.iter().map(|queue| name(queue)).collect()),
            tenants,
            limit,
            lease: std::time::Duration::from_secs(30),
        }
    }

    fn counted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
        let mut counts = BTreeMap::new();
        names.for_each(|name| *counts.entry(name).or_default() += 1);
        counts.into_iter().collect()
    }

    #[tokio::test]
    async fn each_queue_gets_its_part_of_a_round() {
        let storage = filled(&[("a", "low", 50), ("a", "high", 50), ("a", "other", 50)]).await;
        let wish = wish(&["high", "low"], TenantSelection::All, 12);
        let runs = parts(&[("high", 5), ("low", 1)]).claim(&*storage, wish).await;
        let runs = runs.expect("claimed");
        assert_eq!(
            counted(runs.iter().map(|it| it.run.queue.as_str())),
            [("high", 10), ("low", 2)]
        );
        assert_eq!(runs[0].run.queue, name("high"), "the heaviest starts first");
    }

    #[tokio::test]
    async fn what_a_queue_does_not_use_is_left_to_the_others() {
        let storage = filled(&[("a", "low", 50), ("a", "high", 3)]).await;
        let wish = wish(&["high", "low"], TenantSelection::All, 12);
        let runs = parts(&[("high", 5), ("low", 1)]).claim(&*storage, wish).await;
        let runs = runs.expect("claimed");
        assert_eq!(counted(runs.iter().map(|it| it.run.queue.as_str())), [("high", 3), ("low", 9)]);
    }

    #[tokio::test]
    async fn no_tenant_gets_more_than_its_share_over_all_queues() {
        let queues = [("a", "low", 50), ("a", "high", 50), ("b", "low", 50)];
        let storage = filled(&queues).await;
        let share = |of, limit| TenantShare { tenant: tenant(of), limit };
        let shares = TenantSelection::Shares(vec![share("a", 6), share("b", 4)]);
        let wish = wish(&["high", "low"], shares, 10);
        let runs = parts(&[("high", 1), ("low", 1)]).claim(&*storage, wish).await;
        let runs = runs.expect("claimed");
        assert_eq!(counted(runs.iter().map(|it| it.run.tenant.as_str())), [("a", 6), ("b", 4)]);
    }

    #[test]
    fn weights_of_queues_that_are_not_served_are_refused() {
        let queue_weights = BTreeMap::from([(name("a"), Weight::default())]);
        let options = HostOptions { queue_weights, ..HostOptions::default() };
        assert!(options.checked().is_err());
        assert!(QueueParts::of(&HostOptions::default()).is_none());
    }
}
