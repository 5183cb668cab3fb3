//! What a run says while one waits for it: log lines, and a bar below them.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use zapjobs_model::{LogLine, Progress, RunStatus};

use super::{Output, json_text, log_text, plain};

/// How often a spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Shows a run's log and progress on stderr, as they come.
pub(crate) struct Live {
    output: Output,
    bar: ProgressBar,
    shown: Option<Progress>,
}

impl Live {
    /// A view with a bar where stderr is a terminal, and without one elsewhere.
    pub(crate) fn new(output: Output) -> Self {
        let is_shown = std::io::stderr().is_terminal() && !output.json;
        let target =
            if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style("{spinner} {elapsed} {msg}"));
        if is_shown {
            bar.enable_steady_tick(TICK);
        }
        Self { output, bar, shown: None }
    }

    /// Shows a log line.
    pub(crate) fn log(&self, line: &LogLine) {
        if self.output.json {
            self.output.stderr(json_text(&json!({ "log": line })));
        } else {
            let text = log_text(line, self.output.stderr_in_color());
            self.bar.suspend(|| self.output.stderr(text));
        }
    }

    /// Shows how far the run has come.
    pub(crate) fn progress(&mut self, progress: &Progress) {
        if self.shown.as_ref() == Some(progress) || *progress == Progress::default() {
            return;
        }
        self.shown = Some(progress.clone());
        if let Some(total) = progress.total.filter(|total| *total > 0) {
            self.bar.set_length(total);
            self.bar.set_style(style("{spinner} {elapsed} [{bar:30}] {pos}/{len} {msg}"));
        } else {
            self.bar.set_style(style("{spinner} {elapsed} {pos} {msg}"));
        }
        self.bar.set_position(progress.done);
        self.bar.set_message(plain(&progress.message).into_owned());
        if self.output.json {
            self.output.stderr(json_text(&json!({ "progress": progress })));
        }
    }

    /// Shows where a run stands that says nothing yet.
    pub(crate) fn status(&mut self, status: RunStatus) {
        if self.shown.is_none() {
            self.bar.set_message(status.name());
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the template is a constant, and is tested")
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Color;

    #[test]
    fn every_kind_of_progress_can_be_shown() {
        let mut live = Live::new(Output::new(false, Color::Never));
        live.status(RunStatus::Pending);
        for total in [None, Some(0), Some(10)] {
            live.progress(&Progress { done: 3, total, message: "some".to_owned() });
        }
    }
}
