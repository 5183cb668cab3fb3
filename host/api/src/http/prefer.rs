//! `Prefer: wait=N` (RFC 7240): the answer may wait for a run to end.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Semaphore;
use zapjobs_model::{Run, RunId};
use zapjobs_runtime::WaitError;

use super::problem::{Code, Problem};
use crate::options::WAIT_MAX;
use crate::state::Api;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The header that tells of a preference that was followed.
pub(crate) const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How long the client prefers to wait, up to [`WAIT_MAX`].
pub(crate) fn wait(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    for value in headers.get_all(PREFER) {
        for preference in value.to_str().unwrap_or_default().split([',', ';']) {
            let Some((name, seconds)) = preference.split_once('=') else { continue };
            if !name.trim().eq_ignore_ascii_case("wait") {
                continue;
            }
            let seconds: u64 = seconds.trim().trim_matches('"').parse().map_err(|_| {
                Problem::new(Code::BadHeader, "Prefer: wait takes whole seconds, such as wait=10")
            })?;
            return Ok(Some(Duration::from_secs(seconds).min(WAIT_MAX)));
        }
    }
    Ok(None)
}

/// Waits for a run to end. `None` where too many wait already: the run is then as it is.
pub(crate) async fn ended(
    api: &Api,
    id: RunId,
    within: Duration,
) -> Result<Option<(Run, HeaderValue)>, Problem> {
    ended_in(api, api.waits(), id, within).await
}

/// The same where those who wait share another room.
pub(crate) async fn ended_in(
    api: &Api,
    room: &Arc<Semaphore>,
    id: RunId,
    within: Duration,
) -> Result<Option<(Run, HeaderValue)>, Problem> {
    let Ok(_permit) = Arc::clone(room).try_acquire_owned() else { return Ok(None) };
    let run = match api.client().wait(id, Some(within)).await {
        Ok(run) => run,
        Err(WaitError::TimedOut(_)) => {
            api.storage().run(id).await?.ok_or_else(|| Problem::unknown_run(id))?
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Some((run, applied(within))))
}

/// What tells that a wait was followed.
pub(crate) fn applied(within: Duration) -> HeaderValue {
    let applied = format!("wait={}", within.as_secs());
    HeaderValue::from_str(&applied).expect("digits are plain")
}
