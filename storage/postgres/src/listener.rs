//! Hears of other hosts' writes, and tells the listeners of this process.
//!
//! **Invariant:** whenever notifications may have been missed (at first, and after each
//! reconnection), listeners are told to look for themselves.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use zapjobs_model::QueueName;
use zapjobs_storage::Notice;

use crate::events::Listeners;

/// Between two attempts to reach the server.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// After so long without a word, the connection is tried.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long such a trial may take.
const TRIAL_MAX: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Listening {
    pub(crate) address: PgConnectOptions,
    pub(crate) channel: String,
    pub(crate) origin: String,
    pub(crate) connect_timeout: Duration,
    /// `Some` instead of `LISTEN`.
    pub(crate) poll_interval: Option<Duration>,
}

impl Listening {
    /// Listens until it is aborted.
    pub(crate) async fn run(self, listeners: Arc<Listeners>) {
        if let Some(poll_interval) = self.poll_interval {
            return poll(poll_interval, &listeners).await;
        }
        loop {
            if let Err(error) = self.listen(&listeners).await {
                let error = crate::error::DbError::from(error).describe("listen for notifications");
                tracing::warn!(%error, "trying again");
            }
            sleep(RETRY_AFTER).await;
        }
    }

    async fn listen(&self, listeners: &Listeners) -> sqlx::Result<()> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(self.connect_timeout)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(self.address.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(&self.channel).await?;
        listeners.tell(Notice::Resync);
        loop {
            match timeout(SILENCE_MAX, listener.try_recv()).await {
                Ok(Ok(Some(heard))) => self.pass_on(heard.payload(), listeners),
                // The connection was lost, and is made anew by the next call.
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    let tried = timeout(TRIAL_MAX, listener.execute("SELECT 1")).await;
                    tried.map_err(|_| sqlx::Error::PoolTimedOut)??;
                }
            }
        }
    }

    fn pass_on(&self, payload: &str, listeners: &Listeners) {
        let Some((origin, word)) = payload.split_once(' ') else { return };
        if origin == self.origin {
            return;
        }
        let notice = match word.split_once(' ') {
            Some(("r", queue)) => QueueName::new(queue).map(Notice::Ready).ok(),
            Some(("c", run)) => run.parse().map(Notice::CancelRequested).ok(),
            None if word == "s" => Some(Notice::Scheduled),
            _ => None,
        };
        // Of a newer program: whatever it means, looking is right.
        listeners.tell(notice.unwrap_or(Notice::Resync));
    }
}

async fn poll(every: Duration, listeners: &Listeners) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if listeners.any() {
            listeners.tell(Notice::Resync);
        }
    }
}
