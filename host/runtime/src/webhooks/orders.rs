//! What persons asked to be sent besides.

use zapjobs_storage::{Ending, EndingsRequest, Result};

use super::follower::{Follower, PAGE};
use super::progress::{OrderState, Subject, first_of};
use super::state::{Due, State};
use super::subscription::{OrderKind, Webhook};

impl Follower {
    /// Adds what a person asked for. Answers whether that was all.
    pub(super) async fn take_orders(
        &self,
        state: &mut State,
        webhook: &Webhook,
        most: usize,
        due: &mut Vec<Due>,
    ) -> Result<bool> {
        let known = |id| webhook.orders.iter().any(|order| order.id == id);
        state.progress.orders.retain(|id, _| known(*id));
        for order in &webhook.orders {
            let at = match state.progress.orders.get(&order.id) {
                Some(OrderState::Done) => continue,
                Some(OrderState::At(place)) => Some(*place),
                None => None,
            };
            if due.len() >= most {
                return Ok(false);
            }
            let new = |subject| Due { subject, attempts: 0 };
            let mut next = OrderState::Done;
            match order.kind {
                OrderKind::Test => {
                    due.push(new(Subject::Test { order: order.id, at: order.at }));
                }
                OrderKind::Run(run) => {
                    let run = self.storage.run(run).await?;
                    let ending = run.as_ref().and_then(Ending::of);
                    let own = ending.filter(|ending| ending.tenant == self.tenant);
                    due.extend(own.map(|ending| new(Subject::Ending(ending))));
                }
                OrderKind::Span { from, before } => {
                    let from = at.unwrap_or(first_of(from));
                    let request =
                        EndingsRequest { after: Some(from), before: Some(before), limit: PAGE };
                    let page = self.storage.endings(&request).await?;
                    let mut reached = from;
                    let mut is_end = page.len() < PAGE;
                    for ending in page {
                        let place = ending.place();
                        if self.is_wanted(webhook, &ending) {
                            if due.len() >= most {
                                is_end = false;
                                break;
                            }
                            due.push(new(Subject::Ending(ending)));
                        }
                        reached = place;
                    }
                    if !is_end {
                        next = OrderState::At(reached);
                    }
                }
            }
            state.is_changed = true;
            state.progress.orders.insert(order.id, next);
            if next != OrderState::Done {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
