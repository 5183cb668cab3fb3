//! Every setting, once.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use zapjobs_model::{QueueName, TenantId};

use super::{Color, Config};
use crate::values::{format_size, format_span, parse_size, parse_span};

/// One setting.
pub(crate) struct Setting {
    /// Its name in the file; a dot stands for a table.
    pub(crate) key: &'static str,
    /// What it does.
    pub(crate) meaning: &'static str,
    /// What it may be.
    pub(crate) bounds: &'static str,
    /// Its value as text.
    pub(crate) read: fn(&Config) -> String,
    /// Sets it from text; the error says what is wrong with the text.
    pub(crate) write: fn(&mut Config, &str) -> Result<(), String>,
}

impl Setting {
    /// The environment variable: the key in capitals after `ZAPJOBS_`.
    pub(crate) fn env(&self) -> String {
        format!("ZAPJOBS_{}", self.key.replace('.', "_").to_uppercase())
    }

    /// The setting with this name.
    pub(crate) fn find(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }
}

/// Every setting, in the order of the template.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        key: "storage",
        meaning: "Where runs and job definitions are kept.",
        bounds: "sqlite:PATH, sqlite::memory: or memory: (the last two live inside one process)",
        read: |config| config.storage.clone(),
        write: |config, text| {
            config.storage = text.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "plugins",
        meaning: "The directory of components; `serve` creates it where it is missing.",
        bounds: "a path",
        read: |config| config.plugins.display().to_string(),
        write: |config, text| {
            config.plugins = path(text)?;
            Ok(())
        },
    },
    Setting {
        key: "tenant",
        meaning: "Whose job types and runs the command works on.",
        bounds: "1 to 100 of a-z, A-Z, 0-9, '.', '_', '-'",
        read: |config| config.tenant.to_string(),
        write: |config, text| {
            config.tenant = TenantId::new(text).map_err(|error| error.to_string())?;
            Ok(())
        },
    },
    Setting {
        key: "color",
        meaning: "Whether to write in colour; auto means on a terminal, unless NO_COLOR is set.",
        bounds: "auto, always or never",
        read: |config| color_name(config.color).to_owned(),
        write: |config, text| {
            let all = [Color::Auto, Color::Always, Color::Never];
            let color = all.into_iter().find(|color| color_name(*color) == text);
            config.color = color.ok_or_else(|| unlike(text, "auto, always or never"))?;
            Ok(())
        },
    },
    Setting {
        key: "log.level",
        meaning: "The least weighty line of the host's own log, on stderr.",
        bounds: "off, error, warn, info, debug, trace, or a filter such as info,zapjobs_runtime=debug",
        read: |config| config.log.level.clone(),
        write: |config, text| {
            crate::commands::logging::check_filter(text)?;
            config.log.level = text.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "log.format",
        meaning: "How the host's own log is written.",
        bounds: "text or json",
        read: |config| if config.log.json { "json" } else { "text" }.to_owned(),
        write: |config, text| {
            config.log.json = one_of_two(text, "text", "json")?;
            Ok(())
        },
    },
    Setting {
        key: "host.queues",
        meaning: "The queues that `serve` takes runs from, separated by commas; all where empty.",
        bounds: "queue names",
        read: |config| {
            let names: Vec<&str> = config.host.queues.iter().map(QueueName::as_str).collect();
            names.join(",")
        },
        write: |config, text| {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            config.host.queues =
                names.map(QueueName::new).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
            Ok(())
        },
    },
    Setting {
        key: "host.concurrency",
        meaning: "Attempts under way at once; waiting ones count too.",
        bounds: "1 to 10000",
        read: |config| config.host.concurrency.to_string(),
        write: |config, text| {
            config.host.concurrency = number(text, 1..=10_000)? as usize;
            Ok(())
        },
    },
    Setting {
        key: "host.guest_threads",
        meaning: "Threads that execute jobs; as many as the machine has cores unless said.",
        bounds: "1 to 256",
        read: |config| config.host.guest_threads.to_string(),
        write: |config, text| {
            config.host.guest_threads = number(text, 1..=256)? as usize;
            Ok(())
        },
    },
    Setting {
        key: "host.lease",
        meaning: "How long a claim lasts unless renewed: a host that dies is noticed after this.",
        bounds: "1s to 1h",
        read: |config| format_span(config.host.lease),
        write: |config, text| {
            config.host.lease = span(text, 1_000..=3_600_000)?;
            Ok(())
        },
    },
    Setting {
        key: "host.poll_interval",
        meaning: "How often the storage is asked for ready runs where no hint comes.",
        bounds: "10ms to 1m",
        read: |config| format_span(config.host.poll_interval),
        write: |config, text| {
            config.host.poll_interval = span(text, 10..=60_000)?;
            Ok(())
        },
    },
    Setting {
        key: "host.retention",
        meaning: "How long finished runs are kept.",
        bounds: "a duration of at least 1s, or forever",
        read: |config| config.host.retention.map_or_else(|| "forever".to_owned(), format_span),
        write: |config, text| {
            config.host.retention = match text {
                "forever" => None,
                text => Some(span(text, 1_000..=u64::MAX)?),
            };
            Ok(())
        },
    },
    Setting {
        key: "host.drain",
        meaning: "How long attempts under way may go on at shutdown before they are handed back.",
        bounds: "0s to 1d",
        read: |config| format_span(config.drain),
        write: |config, text| {
            config.drain = span(text, 0..=86_400_000)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.memory",
        meaning: "Memory of one attempt, over all its memories and tables.",
        bounds: "64KiB to 4GiB",
        read: |config| format_size(config.host.limits.memory_bytes_max),
        write: |config, text| {
            config.host.limits.memory_bytes_max = size(text, 64 << 10..=4 << 30)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.cpu",
        meaning: "Time of the job's own code on the processor in one attempt.",
        bounds: "1ms to 1d",
        read: |config| millis(config.host.limits.cpu_ms_max),
        write: |config, text| {
            config.host.limits.cpu_ms_max = span_ms(text, 1..=86_400_000)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.wall",
        meaning: "Time of one attempt from start to end, waits included.",
        bounds: "1ms to 30d",
        read: |config| millis(config.host.limits.wall_ms_max),
        write: |config, text| {
            config.host.limits.wall_ms_max = span_ms(text, 1..=2_592_000_000)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.input",
        meaning: "Size of an input.",
        bounds: "1B to 16MiB",
        read: |config| format_size(config.host.limits.input_bytes_max),
        write: |config, text| {
            config.host.limits.input_bytes_max = size(text, 1..=16 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.output",
        meaning: "Size of an output.",
        bounds: "1B to 16MiB",
        read: |config| format_size(config.host.limits.output_bytes_max),
        write: |config, text| {
            config.host.limits.output_bytes_max = size(text, 1..=16 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.log",
        meaning: "Log text kept of one attempt.",
        bounds: "0B to 64MiB",
        read: |config| format_size(config.host.limits.log_bytes_max),
        write: |config, text| {
            config.host.limits.log_bytes_max = size(text, 0..=64 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.log_lines",
        meaning: "Log lines kept of one attempt.",
        bounds: "0 to 1000000",
        read: |config| config.host.limits.log_lines_max.to_string(),
        write: |config, text| {
            config.host.limits.log_lines_max = number(text, 0..=1_000_000)?;
            Ok(())
        },
    },
    Setting {
        key: "limits.log_line",
        meaning: "Size of one log line; the rest is cut.",
        bounds: "64B to 1MiB",
        read: |config| format_size(config.host.limits.log_line_bytes_max),
        write: |config, text| {
            config.host.limits.log_line_bytes_max = size(text, 64..=1 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "sandbox.cache_dir",
        meaning: "Where compiled components are kept for a quick start; nowhere where empty.",
        bounds: "a directory that only its owner may write",
        read: |config| {
            config
                .sandbox
                .cache_dir
                .as_ref()
                .map_or_else(String::new, |it| it.display().to_string())
        },
        write: |config, text| {
            config.sandbox.cache_dir = (!text.is_empty()).then(|| PathBuf::from(text));
            Ok(())
        },
    },
    Setting {
        key: "sandbox.cancel_grace",
        meaning: "How long a job that looks for cancellation may go on once it is asked to stop.",
        bounds: "0s to 10m",
        read: |config| format_span(config.sandbox.cancel_grace),
        write: |config, text| {
            config.sandbox.cancel_grace = span(text, 0..=600_000)?;
            Ok(())
        },
    },
    Setting {
        key: "sandbox.job_log_level",
        meaning: "The least weighty log line of a job that is kept.",
        bounds: "trace, debug, info, warn or error",
        read: |config| config.sandbox.job_log_level.to_string(),
        write: |config, text| {
            config.sandbox.job_log_level = text
                .parse()
                .map_err(|error: zapjobs_model::log::UnknownLevel| error.to_string())?;
            Ok(())
        },
    },
    Setting {
        key: "sqlite.synchronous",
        meaning: "What a stored run survives: normal, the death of a process; full, a power failure too.",
        bounds: "normal or full",
        read: |config| if config.sqlite.full_sync { "full" } else { "normal" }.to_owned(),
        write: |config, text| {
            config.sqlite.full_sync = one_of_two(text, "normal", "full")?;
            Ok(())
        },
    },
    Setting {
        key: "sqlite.table_prefix",
        meaning: "What the names of tables begin with.",
        bounds: "a-z, 0-9 and '_', at most 30 bytes",
        read: |config| config.sqlite.table_prefix.clone(),
        write: |config, text| {
            config.sqlite.table_prefix = text.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "sqlite.busy_timeout",
        meaning: "How long a write waits for another process's to end.",
        bounds: "0s to 10m",
        read: |config| format_span(config.sqlite.busy_timeout),
        write: |config, text| {
            config.sqlite.busy_timeout = span(text, 0..=600_000)?;
            Ok(())
        },
    },
];

fn color_name(color: Color) -> &'static str {
    match color {
        Color::Auto => "auto",
        Color::Always => "always",
        Color::Never => "never",
    }
}

fn unlike(text: &str, expected: &str) -> String {
    format!("{text:?} is none of them: use {expected}")
}

/// Whether the text is the second of both words.
fn one_of_two(text: &str, first: &str, second: &str) -> Result<bool, String> {
    if text == first || text == second {
        return Ok(text == second);
    }
    Err(unlike(text, &format!("{first} or {second}")))
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("the path is empty".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn number(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    let expected =
        || format!("{text:?} is out of bounds: use {} to {}", bounds.start(), bounds.end());
    let number = text.trim().parse().map_err(|_| expected())?;
    if bounds.contains(&number) { Ok(number) } else { Err(expected()) }
}

fn span_ms(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    let ms = u64::try_from(parse_span(text)?.as_millis()).unwrap_or(u64::MAX);
    if bounds.contains(&ms) {
        return Ok(ms);
    }
    let [from, to] = [*bounds.start(), *bounds.end()].map(millis);
    Err(format!("{text:?} is out of bounds: use {from} to {to}"))
}

fn span(text: &str, bounds: RangeInclusive<u64>) -> Result<Duration, String> {
    span_ms(text, bounds).map(Duration::from_millis)
}

fn millis(ms: u64) -> String {
    format_span(Duration::from_millis(ms))
}

fn size(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if bounds.contains(&bytes) {
        return Ok(bytes);
    }
    let [from, to] = [*bounds.start(), *bounds.end()].map(format_size);
    Err(format!("{text:?} is out of bounds: use {from} to {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_written_as_it_is_read() {
        let mut config = Config::default();
        for setting in SETTINGS {
            let text = (setting.read)(&config);
            (setting.write)(&mut config, &text)
                .unwrap_or_else(|error| panic!("{}: {error}", setting.key));
            assert_eq!((setting.read)(&config), text, "{}", setting.key);
        }
    }

    #[test]
    fn values_out_of_bounds_say_what_is_allowed() {
        for (key, text, expected) in [
            ("host.concurrency", "0", "use 1 to 10000"),
            ("host.concurrency", "many", "use 1 to 10000"),
            ("host.lease", "10ms", "use 1s to 1h"),
            ("host.lease", "10", "such as 30s"),
            ("limits.memory", "5GiB", "use 64KiB to 4GiB"),
            ("color", "red", "auto, always or never"),
            ("log.format", "xml", "text or json"),
            ("host.queues", "a,b c", "queue name"),
        ] {
            let setting = Setting::find(key).expect("a setting");
            let error = (setting.write)(&mut Config::default(), text).expect_err(text);
            assert!(error.contains(expected), "{key}: {error}");
        }
    }
}
