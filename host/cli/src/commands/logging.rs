//! The host's own log, on stderr.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::args::Command;
use crate::config::LogConfig;
use crate::errors::{Done, Failure};
use crate::output::Output;

/// Refuses a filter that cannot be read.
pub(crate) fn check_filter(text: &str) -> Result<(), String> {
    EnvFilter::try_new(text).map(drop).map_err(|_| {
        format!("{text:?} is no log level: use off, error, warn, info, debug or trace")
    })
}

/// Starts the log. Commands other than `serve` say only what goes wrong, unless told to say
/// more than the default.
pub(crate) fn start(config: &LogConfig, output: Output, command: &Command) -> Done {
    let is_server = matches!(command, Command::Serve(_));
    let level = if config.level == "info" && !is_server { "warn" } else { &config.level };
    let filter = EnvFilter::try_new(level)
        .map_err(|error| Failure::usage(format!("log.level {level:?}: {error}")))?;
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if config.json {
        log.json().flatten_event(true).try_init()
    } else {
        log.with_ansi(output.stderr_in_color()).with_target(false).try_init()
    };
    started.map_err(|error| Failure::unavailable(format!("the log cannot be started: {error}")))
}
