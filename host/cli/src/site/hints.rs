//! Hints that something happened. They may be lost: whoever waits looks again from time to time.

use tokio::sync::mpsc::Receiver;
use zapjobs_model::{EventKind, RunId};
use zapjobs_storage::{Notice, Notices};

/// What tells that something happened.
pub(crate) enum Hints {
    /// A storage: of all runs, of which one may matter.
    Storage(Notices, Option<RunId>),
    /// A server, which was asked for what matters.
    Server(Receiver<()>),
}

impl Hints {
    /// Waits for the next one; for ever where none can come any more. Safe to cancel.
    pub(crate) async fn next(&mut self) {
        match self {
            Self::Storage(notices, of) => notice(notices, *of).await,
            Self::Server(hints) => {
                if hints.recv().await.is_none() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

async fn notice(notices: &mut Notices, of: Option<RunId>) {
    loop {
        match notices.next().await {
            Some(Notice::Resync) => return,
            Some(Notice::Events(events)) => {
                let tells = |kind| of.is_none() || !matches!(kind, EventKind::Started);
                let matters = |run| of.is_none_or(|of| of == run);
                if events.iter().any(|event| matters(event.run) && tells(event.kind)) {
                    return;
                }
            }
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}
