//! Tells others of runs that ended.
//!
//! **Invariant:** what is told follows from the runs themselves, read in the order in which they
//! ended ([`zapjobs_storage::Endings`]), and never from hints: an ending is told at least once, as
//! long as its run is kept. A message is recorded as taken after it was taken, so that a host that
//! dies in between lets it be sent again, with the same id.
//!
//! In reading order: `port` is what sends, `subscription` what is kept of a webhook, `keep` how it
//! is made and changed, `progress` what was told and is to be told again, `message` what is sent,
//! `follower` follows for one webhook (with `state`, `orders` and `deliver`), `service` for all, on
//! one host at a time, and `totals` tells of all. For users: `docs/webhooks.md`.

mod deliver;
mod follower;
mod keep;
mod message;
mod orders;
mod port;
mod progress;
mod service;
mod state;
mod subscription;
#[cfg(test)]
mod tests;
mod totals;

pub use keep::{KeptWebhook, NewWebhook, WEBHOOKS_MAX, WebhookError};
pub use port::{Message, SendError, WebhookSender};
pub use progress::{Delivery, DeliveryOutcome, Progress, Totals};
pub use service::WebhookService;
pub use subscription::{Order, OrderKind, Webhook};
pub use totals::webhook_totals;
