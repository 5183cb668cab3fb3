//! Brings the macros of `log` and of `tracing` to the host's log.
//!
//! **Invariant.** A line below the host's least level costs no call to the host but the first,
//! which asks for that level. See `fields` for how values become JSON, `spans` for what a
//! line inherits from the spans around it.

mod fields;
mod spans;

use log::{Level, LevelFilter, Log, Record};
use tracing::span;
use tracing::{Event, Metadata, Subscriber};

use crate::host;
use fields::Fields;

/// Sends both to the host from now on.
#[cfg(target_arch = "wasm32")]
pub(crate) fn install() {
    install_log();
    // It fails where the job's own code came first, whose choice stands.
    let _ = tracing::subscriber::set_global_default(TracingToHost);
}

/// Sends `log` to the host from now on, unless another logger came first.
pub(crate) fn install_log() {
    static LOG: LogToHost = LogToHost;
    if log::set_logger(&LOG).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}

/// Whether the host keeps lines of this level.
fn is_kept(level: Level) -> bool {
    level <= min_level()
}

#[cfg(not(target_arch = "wasm32"))]
fn min_level() -> Level {
    host::min_level()
}

/// The host's least level, which stands for the whole run.
#[cfg(target_arch = "wasm32")]
fn min_level() -> Level {
    static LEVEL: std::sync::OnceLock<Level> = std::sync::OnceLock::new();
    *LEVEL.get_or_init(host::min_level)
}

struct LogToHost;

impl Log for LogToHost {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        is_kept(metadata.level())
    }

    fn log(&self, record: &Record<'_>) {
        if is_kept(record.level()) {
            let message = record.args().to_string();
            host::write_log(record.level(), record.target(), &message, &spans::fields());
        }
    }

    fn flush(&self) {}
}

/// The subscriber of a job.
pub(crate) struct TracingToHost;

impl Subscriber for TracingToHost {
    #[cfg(not(target_arch = "wasm32"))]
    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        // Each test may have a level of its own.
        tracing::subscriber::Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_kept(level(metadata))
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields { message: String::new(), list: spans::fields() };
        event.record(&mut fields);
        let metadata = event.metadata();
        host::write_log(level(metadata), metadata.target(), &fields.message, &fields.list);
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        spans::open(fields.list)
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        spans::extend(id, fields.list);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, id: &span::Id) {
        spans::enter(id);
    }

    fn exit(&self, id: &span::Id) {
        spans::exit(id);
    }

    fn clone_span(&self, id: &span::Id) -> span::Id {
        spans::share(id);
        id.clone()
    }

    fn try_close(&self, id: span::Id) -> bool {
        spans::close(&id)
    }
}

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}
