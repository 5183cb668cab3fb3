//! What one attempt may use: a setting for each of the model's limits.

use zapjobs_model::{LimitField, LimitUnit};

use super::Setting;
use super::text::{millis, number, size, span_ms};
use crate::values::format_size;

macro_rules! limit {
    ($key:literal, $field:ident, $bounds:literal, $meaning:literal) => {
        Setting {
            key: $key,
            meaning: $meaning,
            bounds: $bounds,
            read: |config| show(field(stringify!($field)), config.host.limits.$field),
            write: |config, text| {
                config.host.limits.$field = parse(field(stringify!($field)), text)?;
                Ok(())
            },
        }
    };
}

pub(super) const SETTINGS: &[Setting] = &[
    limit!(
        "limits.memory",
        memory_bytes_max,
        "64KiB to 4GiB",
        "Memory of one attempt, over all its memories and tables."
    ),
    limit!(
        "limits.cpu",
        cpu_ms_max,
        "1ms to 1d",
        "Time of the job's own code on the processor in one attempt."
    ),
    limit!(
        "limits.wall",
        wall_ms_max,
        "1ms to 30d",
        "Time of one attempt from start to end, waits included."
    ),
    limit!("limits.input", input_bytes_max, "1B to 16MiB", "Size of an input."),
    limit!("limits.output", output_bytes_max, "1B to 16MiB", "Size of an output."),
    limit!(
        "limits.hostcall",
        hostcall_bytes_max,
        "64KiB to 64MiB",
        "What a job may pass to the host in one call, its output apart."
    ),
    limit!(
        "limits.handles",
        handles_max,
        "16 to 100000",
        "Host resources (streams, files, timers, requests) that an attempt holds at a time."
    ),
    limit!("limits.log", log_bytes_max, "0B to 64MiB", "Log text kept of one attempt."),
    limit!("limits.log_lines", log_lines_max, "0 to 1000000", "Log lines kept of one attempt."),
    limit!(
        "limits.log_line",
        log_line_bytes_max,
        "64B to 1MiB",
        "Size of one log line; the rest is cut."
    ),
    limit!(
        "limits.log_lines_per_second",
        log_lines_per_second_max,
        "1 to 1000000",
        "Log lines of an attempt per second, once its burst is used up."
    ),
    limit!(
        "limits.log_lines_burst",
        log_lines_burst_max,
        "1 to 1000000",
        "Log lines of an attempt that may come at once after a silence."
    ),
    limit!(
        "limits.progress_per_second",
        progress_per_second_max,
        "1 to 10000",
        "Progress reports of an attempt per second; of more, the newest counts."
    ),
    limit!(
        "limits.progress_message",
        progress_message_bytes_max,
        "0B to 64KiB",
        "Size of a progress message; the rest is cut."
    ),
    limit!(
        "limits.open_files",
        open_files_max,
        "0 to 10000",
        "Files that an attempt has open at a time in granted directories."
    ),
    limit!(
        "limits.files_created",
        files_created_max,
        "0 to 1000000",
        "Files and directories that an attempt creates in granted directories."
    ),
    limit!(
        "limits.file_written",
        file_bytes_written_max,
        "0B to 1024GiB",
        "What an attempt writes to files in granted directories."
    ),
    limit!(
        "limits.http_requests",
        http_requests_max,
        "0 to 1000000",
        "Outbound HTTP requests of an attempt."
    ),
    limit!(
        "limits.http_open",
        http_open_max,
        "1 to 1000",
        "Outbound HTTP requests of an attempt under way at a time."
    ),
    limit!("limits.http_url", http_url_bytes_max, "16B to 64KiB", "Size of a request's URL."),
    limit!(
        "limits.http_headers",
        http_headers_max,
        "1 to 1000",
        "Header fields of a request or an answer."
    ),
    limit!(
        "limits.http_header",
        http_header_bytes_max,
        "1KiB to 1MiB",
        "Size of all header fields of a request or an answer."
    ),
    limit!(
        "limits.http_request",
        http_request_bytes_max,
        "0B to 1GiB",
        "Size of one request's body."
    ),
    limit!(
        "limits.http_response",
        http_response_bytes_max,
        "0B to 1GiB",
        "Size of one answer's body."
    ),
    limit!(
        "limits.http_sent",
        http_sent_bytes_max,
        "0B to 1024GiB",
        "Size of the bodies of all requests of an attempt."
    ),
    limit!(
        "limits.http_received",
        http_received_bytes_max,
        "0B to 1024GiB",
        "Size of the bodies of all answers to an attempt."
    ),
    limit!(
        "limits.http_connect",
        http_connect_ms_max,
        "1ms to 10m",
        "Time to look a name up, connect and shake hands."
    ),
    limit!(
        "limits.http_first_byte",
        http_first_byte_ms_max,
        "1ms to 1h",
        "Time until an answer's header is there, and between two parts of its body."
    ),
    limit!(
        "limits.http_exchange",
        http_exchange_ms_max,
        "1ms to 1d",
        "Time from a request's start to its answer's end."
    ),
    limit!("limits.children", children_max, "0 to 10000", "Children that one attempt may ask for."),
];

fn field(name: &str) -> &'static LimitField {
    LimitField::find(name).expect("a field of the limits")
}

fn show(field: &LimitField, value: u64) -> String {
    match field.unit {
        LimitUnit::Bytes => format_size(value),
        LimitUnit::Milliseconds => millis(value),
        LimitUnit::Count => value.to_string(),
    }
}

fn parse(field: &LimitField, text: &str) -> Result<u64, String> {
    let bounds = field.bounds.clone();
    match field.unit {
        LimitUnit::Bytes => size(text, bounds),
        LimitUnit::Milliseconds => span_ms(text, bounds),
        LimitUnit::Count => number(text, bounds),
    }
}

#[cfg(test)]
mod tests {
    use zapjobs_model::Limits;

    use super::*;

    #[test]
    fn every_limit_is_a_setting_and_tells_its_bounds() {
        assert_eq!(SETTINGS.len(), Limits::FIELDS.len());
        for (setting, field) in SETTINGS.iter().zip(Limits::FIELDS) {
            let [least, most] =
                [field.bounds.start(), field.bounds.end()].map(|it| show(field, *it));
            assert_eq!(setting.bounds, format!("{least} to {most}"), "{}", setting.key);
        }
    }
}
