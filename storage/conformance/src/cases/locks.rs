//! Locks across hosts: what `Lock` does on this driver. A holder reckons by its own clock, so
//! that real time passes here: terms are short where one has to pass, and long where none may.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use zapjobs_storage::{ErrorKind, Lock, NamedLease, NamedLeaseRequest};

use crate::Fixture;
use crate::actions::refused;
use crate::builders::{MICROSECOND, seconds, worker};

/// A term that is never over within a case.
const LONG: Duration = Duration::from_secs(600);
/// A term that is renewed every 667 ms, so that a busy machine does not lose it.
const SHORT: Duration = Duration::from_secs(2);
/// Longer than a lock waits between two tries.
const A_WHILE: Duration = Duration::from_millis(250);
/// How long what must happen may take: only ever waited for in full by a case that fails.
const WAIT_MAX: Duration = Duration::from_secs(20);

fn request(name: &str, owner: u64, ttl: Duration) -> NamedLeaseRequest {
    NamedLeaseRequest { name: name.to_owned(), owner: worker(owner), ttl }
}

impl Fixture {
    async fn try_lock(&self, owner: u64, ttl: Duration, wait: Duration) -> Option<Lock> {
        let locked = Lock::acquire(self.storage.clone(), request("door", owner, ttl), wait);
        locked.await.expect("the wish is answered")
    }

    /// Takes the lock, which is free.
    async fn lock(&self, owner: u64, ttl: Duration) -> Lock {
        self.try_lock(owner, ttl, Duration::ZERO).await.expect("the lock is free")
    }

    async fn lease_of(&self, name: &str) -> Option<NamedLease> {
        self.storage.named_lease(name).await.expect("the lease is read")
    }

    /// Waits until a lease has been renewed after this instant, which it soon must be.
    async fn is_renewed(&self, name: &str, ttl: Duration) {
        self.clock.advance(MICROSECOND);
        let renewed = async {
            while self.lease_of(name).await.map(|lease| lease.expires_at)
                != Some(self.now().plus(ttl))
            {
                sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(WAIT_MAX, renewed).await.is_ok(), "{name} was never renewed");
    }

    /// Lets the store give the lock to another, as if its holder had been asleep.
    async fn steal(&self, owner: u64) -> NamedLease {
        // The holder may renew it between the two.
        for _ in 0..100 {
            self.clock.advance(LONG);
            let stolen = self.storage.acquire(request("door", owner, LONG)).await;
            if let Some(lease) = stolen.expect("the wish is answered") {
                return lease;
            }
        }
        panic!("a lease that ran out is never to be had");
    }
}

pub(crate) async fn a_free_lock_is_taken_at_once(f: &Fixture) {
    let lock = f.lock(1, LONG).await;
    assert_eq!(lock.name(), "door");
    assert!(!lock.is_lost());
    let expected = NamedLease {
        name: "door".to_owned(),
        owner: worker(1),
        fence: lock.fence(),
        expires_at: f.now().plus(LONG),
    };
    assert_eq!(f.lease_of("door").await, Some(expected));
}

pub(crate) async fn a_held_lock_is_given_up_after_the_wait(f: &Fixture) {
    let _held = f.lock(1, LONG).await;
    assert!(f.try_lock(2, LONG, Duration::ZERO).await.is_none());
    let began = Instant::now();
    assert!(f.try_lock(2, LONG, A_WHILE).await.is_none());
    assert!(began.elapsed() >= A_WHILE, "it waited");
}

pub(crate) async fn a_lock_is_waited_for_until_it_is_released(f: &Fixture) {
    let held = f.lock(1, LONG).await;
    let fence = held.fence();
    let mut waiting = Box::pin(f.try_lock(2, LONG, WAIT_MAX));
    assert!(timeout(A_WHILE, &mut waiting).await.is_err(), "it waits");
    assert!(held.release().await.expect("released"));
    let taken = waiting.await.expect("it was released");
    assert!(taken.fence() > fence);
    assert_eq!(f.lease_of("door").await.map(|lease| lease.owner), Some(worker(2)));
}

pub(crate) async fn a_lock_is_waited_for_until_its_term_is_over(f: &Fixture) {
    // A lease that nobody renews, as of a host that is gone.
    f.storage.acquire(request("door", 1, LONG)).await.expect("answered").expect("free");
    let mut waiting = Box::pin(f.try_lock(2, LONG, WAIT_MAX));
    assert!(timeout(A_WHILE, &mut waiting).await.is_err(), "it waits");
    f.clock.advance(LONG);
    assert!(!waiting.await.expect("its term is over").is_lost());
}

pub(crate) async fn a_lock_is_renewed_while_it_is_held(f: &Fixture) {
    let lock = f.lock(1, SHORT).await;
    let fence = lock.fence();
    for _ in 0..3 {
        f.is_renewed("door", SHORT).await;
    }
    assert!(!lock.is_lost());
    assert_eq!(f.lease_of("door").await.map(|lease| lease.fence), Some(fence));
}

pub(crate) async fn a_dropped_lock_is_renewed_no_longer(f: &Fixture) {
    drop(f.lock(1, SHORT).await);
    let expires_at = f.lease_of("door").await.expect("its term goes on").expires_at;
    // Another lock with the same term shows when renewals were due.
    let other = Lock::acquire(f.storage.clone(), request("clock", 2, SHORT), Duration::ZERO);
    let _other = other.await.expect("answered").expect("free");
    for _ in 0..2 {
        f.is_renewed("clock", SHORT).await;
    }
    let lease = f.lease_of("door").await.expect("its term goes on");
    assert_eq!(lease.expires_at, expires_at);
    f.clock.advance(SHORT);
    f.lock(3, SHORT).await;
}

pub(crate) async fn a_released_lock_is_free_at_once(f: &Fixture) {
    let lock = f.lock(1, LONG).await;
    let fence = lock.fence();
    assert!(lock.release().await.expect("released"));
    assert_eq!(f.lease_of("door").await, None);
    assert!(f.lock(2, LONG).await.fence() > fence);
}

pub(crate) async fn an_extended_lock_holds_for_its_new_term_from_now(f: &Fixture) {
    let lock = f.lock(1, SHORT).await;
    f.clock.advance(MICROSECOND);
    assert!(lock.extend(LONG).await.expect("extended"));
    assert_eq!(f.lease_of("door").await.expect("held").expires_at, f.now().plus(LONG));
    f.clock.advance(LONG - MICROSECOND);
    assert!(f.try_lock(2, LONG, Duration::ZERO).await.is_none());
    let old_term_and_more = timeout(SHORT + A_WHILE, lock.lost()).await;
    assert!(old_term_and_more.is_err(), "its holder counts on the new term too");
}

pub(crate) async fn an_extended_lock_is_renewed_for_its_new_term(f: &Fixture) {
    let lock = f.lock(1, LONG).await;
    assert!(lock.extend(SHORT * 2).await.expect("extended"));
    for _ in 0..2 {
        f.is_renewed("door", SHORT * 2).await;
    }
}

pub(crate) async fn a_holder_learns_that_another_has_its_lock(f: &Fixture) {
    let lock = f.lock(1, SHORT).await;
    let stolen = f.steal(2).await;
    assert!(stolen.fence > lock.fence());
    timeout(WAIT_MAX, lock.lost()).await.expect("its next renewal is refused");
    assert!(lock.is_lost());
}

pub(crate) async fn a_holder_that_cannot_renew_learns_of_its_loss_when_its_term_ends(f: &Fixture) {
    let began = Instant::now();
    let lock = f.lock(1, SHORT).await;
    f.storage.close().await.expect("closed");
    timeout(WAIT_MAX, lock.lost()).await.expect("its term ends");
    assert!(lock.is_lost());
    assert!(began.elapsed() >= SHORT / 2, "a failure to renew is not a loss yet");
    assert!(!lock.extend(SHORT).await.expect("no longer asked for"));
    assert!(!lock.release().await.expect("no longer asked for"));
}

pub(crate) async fn a_lost_lock_is_neither_extended_nor_released(f: &Fixture) {
    let lock = f.lock(1, SHORT).await;
    let stolen = f.steal(2).await;
    timeout(WAIT_MAX, lock.lost()).await.expect("its next renewal is refused");
    assert!(!lock.extend(LONG).await.expect("answered"));
    assert!(!lock.release().await.expect("answered"));
    assert_eq!(f.lease_of("door").await, Some(stolen), "it is the other's");
}

pub(crate) async fn a_lock_that_another_has_is_not_extended_even_before_its_holder_knows(
    f: &Fixture,
) {
    let lock = f.lock(1, LONG).await;
    let stolen = f.steal(2).await;
    assert!(!lock.extend(LONG).await.expect("answered"));
    assert_eq!(f.lease_of("door").await, Some(stolen));
    timeout(WAIT_MAX, lock.lost()).await.expect("it knows now, long before its term ends");
}

pub(crate) async fn two_locks_of_one_owner_are_the_same(f: &Fixture) {
    let [first, second] = [f.lock(1, LONG).await, f.lock(1, LONG).await];
    assert_eq!(first.fence(), second.fence());
    assert!(second.release().await.expect("released"));
    assert_eq!(f.lease_of("door").await, None);
}

pub(crate) async fn a_lock_whose_name_is_too_long_is_refused(f: &Fixture) {
    let wish = request(&"n".repeat(101), 1, LONG);
    let refusal = Lock::acquire(f.storage.clone(), wish, seconds(1)).await;
    refused(refusal, ErrorKind::InvalidRequest);
}

pub(crate) async fn one_holder_at_a_time_among_several_that_wait(f: &Fixture) {
    let inside = Arc::new(AtomicBool::new(false));
    let enter = |owner| {
        let (storage, inside) = (f.storage.clone(), inside.clone());
        tokio::spawn(async move {
            let lock = Lock::acquire(storage, request("door", owner, LONG), WAIT_MAX).await;
            let lock = lock.expect("answered").expect("everyone's turn comes");
            assert!(!inside.swap(true, Ordering::SeqCst), "another is inside");
            tokio::task::yield_now().await;
            inside.store(false, Ordering::SeqCst);
            let fence = lock.fence();
            assert!(lock.release().await.expect("released"));
            fence
        })
    };
    let mut fences = Vec::new();
    for task in (1..=5).map(enter).collect::<Vec<_>>() {
        fences.push(task.await.expect("it had its turn"));
    }
    fences.sort_unstable();
    fences.dedup();
    assert_eq!(fences.len(), 5, "each had a fence of its own");
}
