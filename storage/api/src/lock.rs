//! A lock across hosts: a named lease that is kept up while it is held.
//!
//! **Invariant:** a holder learns of a loss no later than the store gives the lease to another,
//! as far as its own monotonic clock runs as fast as the store's. Writes that must not happen
//! twice carry [`Lock::fence`] besides.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use zapjobs_model::WorkerId;

use crate::{NamedLeaseRequest, Result, Storage};

/// How often a lock that another holds is tried again.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// Renewals in one term: a lock survives the failure of all but the last.
const RENEWALS_PER_TERM: u32 = 3;

/// A lock that is held. Dropped, it is kept up no longer, and ends with its term;
/// [`Lock::release`] ends it at once.
#[derive(Debug)]
pub struct Lock {
    name: String,
    fence: u64,
    terms: watch::Sender<Duration>,
    state: watch::Receiver<State>,
    upkeep: AbortHandle,
    holder: Holder,
}

/// Who holds which lease.
#[derive(Clone)]
struct Holder {
    storage: Arc<dyn Storage>,
    name: String,
    owner: WorkerId,
}

/// Until when the holder may count on it, by its own clock.
#[derive(Debug, Clone, Copy)]
enum State {
    Held { until: Instant },
    Lost,
}

impl Lock {
    /// Takes a lock, and waits for it for at most `wait` while others hold it: `None` once that
    /// has passed. It is then renewed in the background, each time for the request's `ttl`.
    ///
    /// An owner is one holder: two locks of one name and one owner are the same lock.
    ///
    /// # Errors
    ///
    /// Those of [`Coordinator::acquire`](crate::Coordinator::acquire).
    pub async fn acquire(
        storage: Arc<dyn Storage>,
        request: NamedLeaseRequest,
        wait: Duration,
    ) -> Result<Option<Self>> {
        let NamedLeaseRequest { name, owner, ttl } = request;
        let holder = Holder { storage, name, owner };
        let deadline = Instant::now() + wait;
        loop {
            if let Some((fence, until)) = holder.acquire(ttl).await? {
                return Ok(Some(Self::kept(holder, ttl, fence, until)));
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(None);
            }
            sleep(TRY_EVERY.min(deadline - now)).await;
        }
    }

    fn kept(holder: Holder, ttl: Duration, fence: u64, until: Instant) -> Self {
        let (terms, wanted) = watch::channel(ttl);
        let (tell, state) = watch::channel(State::Held { until });
        let upkeep = tokio::spawn(keep_up(holder.clone(), fence, wanted, tell)).abort_handle();
        Self { name: holder.name.clone(), fence, terms, state, upkeep, holder }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Raised at every change of owner: what is written under an older number is stale.
    pub const fn fence(&self) -> u64 {
        self.fence
    }

    /// Whether it may have gone to another.
    pub fn is_lost(&self) -> bool {
        match *self.state.borrow() {
            State::Held { until } => until <= Instant::now(),
            State::Lost => true,
        }
    }

    /// Returns once it may have gone to another. Safe to cancel.
    pub async fn lost(&self) {
        let mut state = self.state.clone();
        loop {
            let State::Held { until } = *state.borrow_and_update() else { return };
            tokio::select! {
                () = sleep_until(until) => return,
                changed = state.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Prolongs it to `ttl` from now, and renews it for that long from now on. Answers whether
    /// it is still held.
    ///
    /// # Errors
    ///
    /// Those of [`Coordinator::acquire`](crate::Coordinator::acquire).
    pub async fn extend(&self, ttl: Duration) -> Result<bool> {
        if self.is_lost() {
            return Ok(false);
        }
        // The upkeep goes on from the new term, so that it never shortens it.
        self.terms.send_replace(ttl);
        let held = self.holder.acquire(ttl).await?;
        Ok(held.is_some_and(|(fence, _)| fence == self.fence))
    }

    /// Gives it back. Answers whether it was still held.
    ///
    /// # Errors
    ///
    /// Those of [`Coordinator::release`](crate::Coordinator::release).
    pub async fn release(self) -> Result<bool> {
        self.upkeep.abort();
        if self.is_lost() {
            return Ok(false);
        }
        self.holder.storage.release(&self.name, self.holder.owner).await
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.upkeep.abort();
    }
}

impl Holder {
    /// Takes or prolongs the lease. Answers its fence, and until when it may be counted on:
    /// reckoned from before the store was asked.
    async fn acquire(&self, ttl: Duration) -> Result<Option<(u64, Instant)>> {
        let until = Instant::now() + ttl;
        let request = NamedLeaseRequest { name: self.name.clone(), owner: self.owner, ttl };
        Ok(self.storage.acquire(request).await?.map(|lease| (lease.fence, until)))
    }
}

/// Renews the lease until it is lost, or its holder is gone.
async fn keep_up(
    holder: Holder,
    fence: u64,
    mut wanted: watch::Receiver<Duration>,
    tell: watch::Sender<State>,
) {
    let State::Held { mut until } = *tell.borrow() else { return };
    loop {
        let wait = *wanted.borrow() / RENEWALS_PER_TERM;
        tokio::select! {
            () = sleep(wait) => {}
            changed = wanted.changed() => if changed.is_err() { return },
        }
        // Seen only here: a term that came before the first wait, or during a renewal, is renewed
        // for at once, or the old one would be taken for over.
        let ttl = *wanted.borrow_and_update();
        match timeout_at(until, holder.acquire(ttl)).await {
            Ok(Ok(Some((now, renewed)))) if now == fence => {
                until = renewed;
                tell.send_replace(State::Held { until });
            }
            // Failed, and tried again while the term lasts.
            Ok(Err(_)) if Instant::now() < until => {}
            _ => {
                tell.send_replace(State::Lost);
                return;
            }
        }
    }
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holder").field("name", &self.name).field("owner", &self.owner).finish()
    }
}
