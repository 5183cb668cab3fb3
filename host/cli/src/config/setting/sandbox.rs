//! What an attempt may use, and how it is contained.

use std::path::PathBuf;

use super::Setting;
use super::text::{millis, number, size, span, span_ms};
use crate::values::{format_size, format_span};

pub(super) const SETTINGS: &[Setting] = &[
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
];
