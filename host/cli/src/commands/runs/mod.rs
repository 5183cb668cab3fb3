//! `zapjobs runs`: what has been asked, and what became of it.

mod bulk;
mod cancel;
mod find;
mod list;
mod logs;
mod retry;
mod show;
mod signal;
mod steps;

pub(super) use bulk::alter;
pub(super) use cancel::cancel;
pub(super) use find::find;
pub(super) use list::{list, whole};
pub(super) use logs::logs;
pub(super) use retry::retry;
pub(super) use show::show;
pub(super) use signal::signal;
pub(super) use steps::steps;

use zapjobs_model::RunStatus;

use crate::output::Tone;

/// The tone in which a status is shown.
pub(super) fn tone(status: RunStatus) -> Tone {
    match status {
        RunStatus::Completed => Tone::Good,
        RunStatus::Failed => Tone::Bad,
        RunStatus::AwaitingRetry | RunStatus::Cancelled => Tone::Warning,
        RunStatus::Running => Tone::Strong,
        RunStatus::Pending | RunStatus::Scheduled | RunStatus::Held => Tone::Quiet,
    }
}
