//! How attempts are contained.

use std::path::PathBuf;

use super::Setting;
use super::text::span;
use crate::values::format_span;

pub(super) const SETTINGS: &[Setting] = &[
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
