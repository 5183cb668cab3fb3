//! `zapjobs serve`.

use std::path::PathBuf;

use clap::Args;

use super::SettingFlag;

/// Watch the plugins directory and execute runs until stopped.
///
/// The first SIGINT or SIGTERM stops claiming and lets attempts under way end within --drain;
/// what is left is handed back with its attempt unconsumed. A second one ends at once.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Once all plugins are loaded, write a JSON file with what is served
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
    /// Queues to take runs from, separated by commas, with weights or without, such as
    /// critical=5,default=2,low=1 [default: all]
    #[arg(long, value_name = "A,B")]
    queues: Option<String>,
    /// Attempts under way at once [default: 128]
    #[arg(long, value_name = "N")]
    concurrency: Option<String>,
    /// Threads that execute jobs [default: one per core]
    #[arg(long, value_name = "N")]
    guest_threads: Option<String>,
    /// How long a claim lasts unless renewed [default: 30s]
    #[arg(long, value_name = "SPAN")]
    lease: Option<String>,
    /// How often to look for runs where no hint comes [default: 1s]
    #[arg(long, value_name = "SPAN")]
    poll_interval: Option<String>,
    /// How long finished runs are kept, or `forever` [default: 7d]
    #[arg(long, value_name = "SPAN")]
    retention: Option<String>,
    /// How long attempts under way may go on at shutdown [default: 30s]
    #[arg(long, value_name = "SPAN")]
    drain: Option<String>,
    /// Where to listen for the HTTP API: an address, auto or off [default: 127.0.0.1:7878 where
    /// it is free]
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
}

impl ServeArgs {
    pub(super) fn setting_flags(&self) -> [SettingFlag<'_>; 8] {
        [
            ("host.queues", "--queues", &self.queues),
            ("host.concurrency", "--concurrency", &self.concurrency),
            ("host.guest_threads", "--guest-threads", &self.guest_threads),
            ("host.lease", "--lease", &self.lease),
            ("host.poll_interval", "--poll-interval", &self.poll_interval),
            ("host.retention", "--retention", &self.retention),
            ("host.drain", "--drain", &self.drain),
            ("http.listen", "--http", &self.http),
        ]
    }
}
