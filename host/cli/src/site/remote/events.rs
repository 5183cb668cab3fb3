//! A server's events, as hints. A stream that breaks off is asked for again; meanwhile those who
//! wait look by themselves.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;

use super::connection::Connection;

/// A stream that broke off is asked for again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Hints from a stream of events. It ends once nobody waits for them.
pub(super) fn hints(connection: Arc<Connection>, path: String) -> Receiver<()> {
    // One is enough: it says to look at everything.
    let (sender, hints) = channel(1);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = follow(&connection, &path, &sender) => {}
                () = sender.closed() => return,
            }
            tokio::select! {
                () = sleep(AGAIN_AFTER) => {}
                () = sender.closed() => return,
            }
        }
    });
    hints
}

async fn follow(connection: &Connection, path: &str, hints: &Sender<()>) {
    let Ok(response) = connection.stream(path).await else { return };
    if !response.status().is_success() {
        return;
    }
    let mut body = response.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        // Comments say that nothing happened.
        if frame.data_ref().is_some_and(|data| !data.starts_with(b":")) {
            // Where one waits to be taken, there is no need of another.
            let _ = hints.try_send(());
        }
    }
}
