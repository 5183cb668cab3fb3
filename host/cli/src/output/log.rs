//! A job's log line as text.

use zapjobs_model::{LogLevel, LogLine};

use super::text::{Tone, paint, plain, plain_lines};

/// A line such as `12:03:04.123 INFO  thumbnail: made 3 sizes size=120`.
pub(crate) fn log_text(line: &LogLine, in_color: bool) -> String {
    let time = line.at.to_string();
    // `2026-09-21T14:13:20.123456Z`: the time of day to the millisecond.
    let time = time.get(11..23).unwrap_or(&time);
    let level = format!("{:<5}", line.level.name().to_uppercase());
    let level = match line.level {
        LogLevel::Error => paint(in_color, Tone::Bad, level),
        LogLevel::Warn => paint(in_color, Tone::Warning, level),
        LogLevel::Info => paint(in_color, Tone::Good, level),
        _ => paint(in_color, Tone::Quiet, level),
    };
    let mut text = format!(
        "{} {level} {} {}",
        paint(in_color, Tone::Quiet, time),
        paint(in_color, Tone::Quiet, format!("{}:", plain(&line.category))),
        plain_lines(&line.message)
    );
    for (name, value) in fields(line) {
        text.push_str(&format!(" {}={}", plain(&name), plain(&value)));
    }
    text
}

fn fields(line: &LogLine) -> Vec<(String, String)> {
    let value = line.fields.as_ref().and_then(|fields| fields.to_value().ok());
    let Some(serde_json::Value::Object(fields)) = value else { return Vec::new() };
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        value => value.to_string(),
    };
    fields.into_iter().map(|(name, value)| (name, text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zapjobs_model::{Json, Timestamp};

    #[test]
    fn a_line_shows_time_level_speaker_message_and_fields() {
        let line = LogLine {
            at: Timestamp::from_micros(1_790_000_000_123_456),
            level: LogLevel::Warn,
            category: "thumbnail".to_owned(),
            message: "odd\x1b[1m size".to_owned(),
            fields: Some(Json::trusted(r#"{"size":120,"name":"a.png"}"#)),
        };
        assert_eq!(
            log_text(&line, false),
            "14:13:20.123 WARN  thumbnail: odd\u{fffd}[1m size name=a.png size=120"
        );
    }
}
