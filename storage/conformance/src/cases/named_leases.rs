//! Leases by name.

use std::time::Duration;

use zapjobs_storage::{ErrorKind, NamedLease, NamedLeaseRequest};

use crate::Fixture;
use crate::actions::refused;
use crate::builders::{MICROSECOND, seconds, worker};

const TTL: Duration = Duration::from_secs(10);

fn request(name: &str, owner: u64) -> NamedLeaseRequest {
    NamedLeaseRequest { name: name.to_owned(), owner: worker(owner), ttl: TTL }
}

impl Fixture {
    async fn try_lead(&self, owner: u64) -> Option<NamedLease> {
        self.storage.acquire(request("leader", owner)).await.expect("the wish is answered")
    }

    async fn lead(&self, owner: u64) -> NamedLease {
        self.try_lead(owner).await.expect("the lease is to be had")
    }

    async fn leader(&self) -> Option<NamedLease> {
        self.storage.named_lease("leader").await.expect("the lease is read")
    }

    async fn release(&self, owner: u64) -> bool {
        self.storage.release("leader", worker(owner)).await.expect("the release is answered")
    }
}

pub(crate) async fn a_free_lease_is_taken(f: &Fixture) {
    let lease = f.lead(1).await;
    assert_eq!(lease.name, "leader");
    assert_eq!(lease.owner, worker(1));
    assert_eq!(lease.expires_at, f.now().plus(TTL));
}

pub(crate) async fn a_held_lease_is_refused_to_others(f: &Fixture) {
    let held = f.lead(1).await;
    f.clock.advance(TTL - MICROSECOND);
    assert_eq!(f.try_lead(2).await, None);
    assert_eq!(f.lead(1).await.fence, held.fence, "the refusal changed nothing");
}

pub(crate) async fn its_holder_prolongs_a_lease_under_the_same_fence(f: &Fixture) {
    let first = f.lead(1).await;
    f.clock.advance(seconds(6));
    let second = f.lead(1).await;
    assert_eq!(second.fence, first.fence);
    assert_eq!(second.expires_at, f.now().plus(TTL));
    f.clock.advance(seconds(6));
    assert_eq!(f.try_lead(2).await, None, "it holds for a term from the renewal");
}

pub(crate) async fn a_lease_that_ran_out_goes_to_whoever_asks_under_a_higher_fence(f: &Fixture) {
    let first = f.lead(1).await;
    f.clock.advance(TTL);
    let second = f.lead(2).await;
    assert_eq!(second.owner, worker(2));
    assert!(second.fence > first.fence);
    assert_eq!(f.try_lead(1).await, None);
}

pub(crate) async fn its_late_holder_takes_a_lease_anew_under_a_higher_fence(f: &Fixture) {
    let first = f.lead(1).await;
    f.clock.advance(TTL * 2);
    assert!(f.lead(1).await.fence > first.fence);
}

pub(crate) async fn a_released_lease_is_free_under_a_higher_fence(f: &Fixture) {
    let first = f.lead(1).await;
    assert!(f.release(1).await);
    let second = f.lead(2).await;
    assert!(second.fence > first.fence);
    assert!(f.release(2).await);
    assert!(f.lead(2).await.fence > second.fence, "the fence never falls, even after a release");
}

pub(crate) async fn only_its_holder_releases_a_lease(f: &Fixture) {
    assert!(!f.release(1).await, "nobody held it");
    f.lead(1).await;
    assert!(!f.release(2).await);
    assert_eq!(f.try_lead(2).await, None, "the refused release changed nothing");
    assert!(f.release(1).await);
    assert!(!f.release(1).await, "it was given back already");
}

pub(crate) async fn a_lost_lease_is_not_its_old_holders_to_release(f: &Fixture) {
    f.lead(1).await;
    f.clock.advance(TTL);
    f.lead(2).await;
    assert!(!f.release(1).await);
    assert_eq!(f.try_lead(3).await, None);
}

pub(crate) async fn leases_of_different_names_are_independent(f: &Fixture) {
    let [a, b] = [
        f.storage.acquire(request("a", 1)).await.expect("answered"),
        f.storage.acquire(request("b", 2)).await.expect("answered"),
    ];
    assert_eq!(a.map(|lease| lease.owner), Some(worker(1)));
    assert_eq!(b.map(|lease| lease.owner), Some(worker(2)));
}

pub(crate) async fn a_lease_name_has_a_longest_length(f: &Fixture) {
    let longest = "n".repeat(100);
    let taken = f.storage.acquire(request(&longest, 1)).await.expect("answered");
    assert_eq!(taken.map(|lease| lease.name), Some(longest));
    let too_long = request(&"n".repeat(101), 1);
    refused(f.storage.acquire(too_long).await, ErrorKind::InvalidRequest);
}

pub(crate) async fn a_lease_that_was_never_taken_is_held_by_nobody(f: &Fixture) {
    assert_eq!(f.leader().await, None);
    f.storage.acquire(request("follower", 1)).await.expect("answered").expect("free");
    assert_eq!(f.leader().await, None, "names differ");
}

pub(crate) async fn a_held_lease_is_told_as_it_was_taken(f: &Fixture) {
    let first = f.lead(1).await;
    assert_eq!(f.leader().await, Some(first));
    f.clock.advance(seconds(6));
    let prolonged = f.lead(1).await;
    assert_eq!(f.leader().await, Some(prolonged));
    f.clock.advance(TTL);
    let others = f.lead(2).await;
    assert_eq!(f.leader().await, Some(others));
}

pub(crate) async fn a_lease_is_held_until_its_very_end(f: &Fixture) {
    let lease = f.lead(1).await;
    f.clock.advance(TTL - MICROSECOND);
    assert_eq!(f.leader().await, Some(lease));
    f.clock.advance(MICROSECOND);
    assert_eq!(f.leader().await, None);
}

pub(crate) async fn a_released_lease_is_held_by_nobody(f: &Fixture) {
    f.lead(1).await;
    assert!(f.release(1).await);
    assert_eq!(f.leader().await, None);
}

pub(crate) async fn looking_at_a_lease_changes_nothing(f: &Fixture) {
    let lease = f.lead(1).await;
    f.clock.advance(seconds(6));
    assert_eq!(f.leader().await, f.leader().await);
    f.clock.advance(seconds(4));
    assert_eq!(f.leader().await, None, "looking did not prolong it");
    let next = f.lead(2).await;
    assert!(next.fence > lease.fence, "it was free");
}
