//! How attempts are contained.

use std::path::PathBuf;

use super::Setting;
use super::text::{size, span};
use crate::values::{format_size, format_span};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "sandbox.cache_dir",
        meaning: "Where compiled components are kept for a quick start; nowhere where empty.",
        bounds: "a directory that only its owner may write",
        read: |config| show(config.sandbox.cache_dir.as_ref()),
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
        key: "sandbox.compiler",
        meaning: "Where `serve` compiles components: in a process of their own with limits, or in its own.",
        bounds: "apart or here",
        read: |config| if config.sandbox.compile_apart { "apart" } else { "here" }.to_owned(),
        write: |config, text| {
            config.sandbox.compile_apart = match text {
                "apart" => true,
                "here" => false,
                _ => return Err(format!("{text:?} is unknown: use apart or here")),
            };
            Ok(())
        },
    },
    Setting {
        key: "sandbox.compile_time",
        meaning: "How long one component may take to compile, by the clock and on the processors.",
        bounds: "1s to 1h",
        read: |config| format_span(config.sandbox.compile_time),
        write: |config, text| {
            config.sandbox.compile_time = span(text, 1_000..=3_600_000)?;
            Ok(())
        },
    },
    Setting {
        key: "sandbox.compile_memory",
        meaning: "Memory that compiling one component apart may take.",
        bounds: "256MiB to 64GiB",
        read: |config| format_size(config.sandbox.compile_memory_bytes),
        write: |config, text| {
            config.sandbox.compile_memory_bytes = size(text, 256 << 20..=64 << 30)?;
            Ok(())
        },
    },
    Setting {
        key: "sandbox.core_dump_dir",
        meaning: "Where core dumps of stopped jobs go, the last 20; nowhere where empty.",
        bounds: "a directory that only its owner may write",
        read: |config| show(config.sandbox.core_dump_dir.as_ref()),
        write: |config, text| {
            config.sandbox.core_dump_dir = (!text.is_empty()).then(|| PathBuf::from(text));
            Ok(())
        },
    },
];

fn show(directory: Option<&PathBuf>) -> String {
    directory.map_or_else(String::new, |it| it.display().to_string())
}
