//! How a host works.

use std::collections::BTreeMap;

use zapjobs_model::fairness::Weight;
use zapjobs_model::{QueueName, RetryCode};

use super::Setting;
use super::text::{number, one_of_two, span};
use crate::values::format_span;

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "host.queues",
        meaning: "The queues that `serve` takes runs from, separated by commas; all where empty. \
                  With weights, such as critical=5,low=1, each gets its part of the claims.",
        bounds: "queue names, or each with its weight, such as low=1; weights are 1 to 1000",
        read: |config| {
            let weight = |name| config.host.queue_weights.get(name);
            let named = config.host.queues.iter().map(|name| match weight(name) {
                Some(weight) => format!("{name}={}", weight.get()),
                None => name.to_string(),
            });
            named.collect::<Vec<_>>().join(",")
        },
        write: |config, text| {
            let (mut queues, mut weights) = (Vec::new(), BTreeMap::new());
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                let (name, weight) = weighed_queue(part)?;
                weights.extend(weight.map(|weight| (name.clone(), weight)));
                queues.push(name);
            }
            (config.host.queues, config.host.queue_weights) = (queues, weights);
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
        key: "host.aging",
        meaning: "After how long a pending run gets the greatest priority, so that more urgent ones do not starve it.",
        bounds: "1s to 366d, or never",
        read: |config| config.host.aging.map_or_else(|| "never".to_owned(), format_span),
        write: |config, text| {
            config.host.aging = match text {
                "never" => None,
                text => Some(span(text, 1_000..=366 * 24 * 3_600_000)?),
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

/// A queue's name, with a weight behind it where there is one.
fn weighed_queue(text: &str) -> Result<(QueueName, Option<Weight>), String> {
    let (name, weight) = text.split_once('=').map_or((text, None), |(name, it)| (name, Some(it)));
    let name = QueueName::new(name.trim()).map_err(|error| error.to_string())?;
    let Some(weight) = weight else { return Ok((name, None)) };
    let number = number(weight, 1..=1_000)?;
    let weight = Weight::new(u32::try_from(number).unwrap_or_default());
    Ok((name, Some(weight.map_err(|error| error.to_string())?)))
}
