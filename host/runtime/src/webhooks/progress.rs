//! What was told, and what is to be told again.
//!
//! **Invariant:** it is one document of bounded size. What goes out of it is counted, or is only
//! needed to tell nothing twice.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zapjobs_model::webhook::Breaker;
use zapjobs_model::{Lease, RunId, Timestamp};
use zapjobs_storage::{Ending, EndingPlace};

/// Deliveries that are kept of each webhook, the latest: 200.
pub(crate) const LOG_MAX: usize = 200;
/// Messages that wait to be sent again at most; while there are so many, no new ones are sent.
pub(crate) const RETRIES_MAX: usize = 100;
/// Endings that were told lately and are kept for the next host: after one that died, those
/// before them may be told twice.
pub(crate) const RECENT_KEPT_MAX: usize = 1_000;

/// How far a webhook has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Of which webhook: that made at this instant.
    pub(crate) of: Timestamp,
    /// Every ending up to here was told, waits to be told again, or is of no interest.
    pub(crate) settled: EndingPlace,
    /// Endings behind that place that were told or wait to be told again.
    pub(crate) recent: Vec<(Timestamp, RunId, Lease)>,
    /// Messages that were not taken.
    pub(crate) retries: Vec<Retry>,
    /// Orders that were begun: how far, or that they are done.
    pub(crate) orders: BTreeMap<Uuid, OrderState>,
    /// How the target does.
    pub breaker: Breaker,
    /// The latest deliveries, the newest last.
    pub deliveries: VecDeque<Delivery>,
    /// How many there were.
    pub totals: Totals,
}

/// A message that is to be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retry {
    pub(crate) subject: Subject,
    /// Attempts that failed.
    pub(crate) attempts: u32,
    /// Not before this instant.
    pub(crate) due_at: Timestamp,
}

/// What a message tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    /// A run ended.
    Ending(Ending),
    /// Nothing: somebody wants to see whether messages arrive.
    Test {
        /// Of the order.
        order: Uuid,
        /// When it was asked for.
        at: Timestamp,
    },
}

/// How far an order was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OrderState {
    /// Up to this place.
    At(EndingPlace),
    /// To its end.
    Done,
}

/// One attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// When it began.
    pub at: Timestamp,
    /// The message's id.
    pub id: String,
    /// The message's type.
    pub event: String,
    /// The run that it tells of.
    pub run: Option<RunId>,
    /// Its number among the attempts of this message, from 1.
    pub attempt: u32,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    /// What came of it.
    pub outcome: DeliveryOutcome,
}

/// What came of an attempt to deliver a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryOutcome {
    /// The receiver took it: its status was 200 to 299.
    Delivered,
    /// It is sent again.
    Failed,
    /// It was the last attempt.
    GivenUp,
}

/// How often what happened, since the webhook was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Messages that were taken.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Messages that were given up after their last attempt.
    pub given_up: u64,
}

impl Progress {
    /// Nothing is told yet.
    pub(crate) fn begin(of: Timestamp, since: Timestamp) -> Self {
        Self {
            of,
            settled: first_of(since),
            recent: Vec::new(),
            retries: Vec::new(),
            orders: BTreeMap::new(),
            breaker: Breaker::default(),
            deliveries: VecDeque::new(),
            totals: Totals::default(),
        }
    }

    /// Messages that wait to be sent again.
    pub fn waiting(&self) -> usize {
        self.retries.len()
    }

    /// Up to when runs that ended were told of for certain.
    pub fn settled_at(&self) -> Timestamp {
        self.settled.ended_at
    }

    /// Whether an order was carried out.
    pub(crate) fn has_done(&self, order: Uuid) -> bool {
        self.orders.get(&order) == Some(&OrderState::Done)
    }

    pub(crate) fn note(&mut self, delivery: Delivery) {
        match delivery.outcome {
            DeliveryOutcome::Delivered => self.totals.delivered += 1,
            DeliveryOutcome::Failed => self.totals.failed += 1,
            DeliveryOutcome::GivenUp => {
                self.totals.failed += 1;
                self.totals.given_up += 1;
            }
        }
        self.deliveries.push_back(delivery);
        while self.deliveries.len() > LOG_MAX {
            self.deliveries.pop_front();
        }
    }
}

/// The place before all endings of an instant.
pub(crate) const fn first_of(instant: Timestamp) -> EndingPlace {
    EndingPlace { ended_at: instant, run: RunId(Uuid::nil()) }
}
