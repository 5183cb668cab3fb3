//! Takes what an attempt says, without ever making it wait.

use std::sync::Arc;

use tokio::sync::mpsc;
use zapjobs_model::port::RunSink;
use zapjobs_model::{ItemCounts, LogLine, Progress};

/// Lines that wait to be shown at most; what comes on top is not shown.
const LINES_BUFFERED_MAX: usize = 16_384;

/// Something that the attempt said.
pub(super) enum Said {
    Log(LogLine),
    Progress(Progress),
}

/// A sink, and where its words come out.
pub(super) fn channel() -> (Arc<ChannelSink>, mpsc::Receiver<Said>) {
    let (sender, receiver) = mpsc::channel(LINES_BUFFERED_MAX);
    (Arc::new(ChannelSink(sender)), receiver)
}

pub(super) struct ChannelSink(mpsc::Sender<Said>);

impl RunSink for ChannelSink {
    fn log(&self, line: LogLine) {
        // A full channel means a terminal that is slower than the job: lines are skipped.
        let _ = self.0.try_send(Said::Log(line));
    }

    fn progress(&self, progress: Progress) {
        // The next word replaces this one anyway.
        let _ = self.0.try_send(Said::Progress(progress));
    }

    fn counts(&self, _counts: ItemCounts) {}
}
