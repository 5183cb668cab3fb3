//! All that happens to a tenant's runs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::IntoParams;

use super::hub::{Hub, Place};
use super::stream::{KEEP_ALIVE, NOTHING, Source, answer, last_event};
use crate::access::Caller;
use crate::http::problem::Problem;
use crate::http::query::StrictQuery;
use crate::state::Api;

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowQuery {
    /// The id of the last event seen, for clients that cannot send `Last-Event-ID`.
    last_event_id: Option<String>,
}

/// Follow what happens
///
/// Server-sent events: `run` tells what happened to a run (`at`, `tenant`, `run`, `job_type`,
/// `queue`, `kind`: `started`, `{"settled": STATUS}`, `progressed`, `logged`); `resync` says to look
/// at everything again, because events were missed. Coming back with `Last-Event-ID` goes on where
/// it was. A stream ends after 15 minutes at the latest.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events",
    params(
        FollowQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "the id of the last event seen"),
    ),
    responses((status = 200, description = "events", content_type = "text/event-stream", body = String)),
)]
pub(super) async fn follow_everything(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    StrictQuery(query): StrictQuery<FollowQuery>,
) -> Result<Response, Problem> {
    let hub = Arc::clone(api.hub());
    hub.feed(api.storage());
    let news = hub.watch();
    let last = last_event(&headers).or(query.last_event_id.as_deref());
    let place = hub.place(last);
    answer(&api, Everything { hub, news, place, caller })
}

struct Everything {
    hub: Arc<Hub>,
    news: watch::Receiver<u64>,
    place: Place,
    caller: Caller,
}

impl Source for Everything {
    async fn next(&mut self) -> Option<String> {
        let silence = tokio::time::sleep(KEEP_ALIVE);
        tokio::pin!(silence);
        loop {
            self.news.borrow_and_update();
            let before = self.place;
            let (text, place) = self.hub.after(before, &self.caller);
            self.place = place;
            if !text.is_empty() {
                return Some(text);
            }
            if place != before {
                continue;
            }
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                () = &mut silence => return Some(NOTHING.to_owned()),
            }
        }
    }
}
