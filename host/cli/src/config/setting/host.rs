//! How a host works.

use zapjobs_model::{QueueName, RetryCode};

use super::Setting;
use super::text::{number, one_of_two, span};
use crate::values::format_span;

pub(super) const SETTINGS: &[Setting] = &[
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
        key: "host.log_retention",
        meaning: "How long logs of finished runs are kept, if not as long as the runs.",
        bounds: "a duration of at least 1s, or as-runs",
        read: |config| config.host.log_retention.map_or_else(|| "as-runs".to_owned(), format_span),
        write: |config, text| {
            config.host.log_retention = match text {
                "as-runs" => None,
                text => Some(span(text, 1_000..=u64::MAX)?),
            };
            Ok(())
        },
    },
    Setting {
        key: "host.retry_code",
        meaning: "Which code a further attempt of a run executes: the newest, or that of the attempt before as long as it is kept.",
        bounds: "newest or same-digest",
        read: |config| {
            match config.host.retry_code {
                RetryCode::Newest => "newest",
                RetryCode::SameDigest => "same-digest",
            }
            .to_owned()
        },
        write: |config, text| {
            config.host.retry_code = match one_of_two(text, "newest", "same-digest")? {
                false => RetryCode::Newest,
                true => RetryCode::SameDigest,
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
];
