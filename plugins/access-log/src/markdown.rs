//! The report for people, in Markdown.
//!
//! **Invariant:** names come from a log that strangers write to, so they stand in code
//! spans that they cannot leave.

use std::fmt::{self, Write};

use crate::report::{Report, Top};

/// Writes the report.
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    write_all(&mut text, report).expect("writing to a string cannot fail");
    text
}

fn write_all(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "# Access log report\n")?;
    writeln!(
        out,
        "{} requests in {} file(s), {:.1} MB sent, {} malformed line(s).",
        report.requests,
        report.files.len(),
        report.response_bytes as f64 / 1e6,
        report.malformed_lines
    )?;
    write_status(out, report)?;
    write_times(out, report)?;
    write_top(out, "Top paths", &report.top_paths)?;
    write_top(out, "Top failing paths", &report.top_failing_paths)?;
    write_top(out, "Top clients", &report.top_clients)?;
    let share = report.robots.share * 100.0;
    write_top(out, &format!("Robots ({share:.1} % of requests)"), &report.robots.top)?;
    write_hours(out, report)
}

fn write_status(out: &mut String, report: &Report) -> fmt::Result {
    writeln!(out, "\n## Status\n\n| class | requests |\n|---|---:|")?;
    for (class, requests) in &report.status_classes {
        writeln!(out, "| {class} | {requests} |")?;
    }
    writeln!(
        out,
        "\nClient errors {:.2} %, server errors {:.2} %.",
        report.client_error_rate * 100.0,
        report.server_error_rate * 100.0
    )
}

fn write_times(out: &mut String, report: &Report) -> fmt::Result {
    let Some(time) = &report.request_time else { return Ok(()) };
    writeln!(
        out,
        "\n## Request time\n\n| p50 | p90 | p99 | max | mean |\n|---:|---:|---:|---:|---:|"
    )?;
    let cells = [time.p50_ms, time.p90_ms, time.p99_ms, time.max_ms, time.mean_ms];
    writeln!(out, "| {} |", cells.map(|ms| format!("{ms:.1} ms")).join(" | "))
}

fn write_top(out: &mut String, title: &str, top: &[Top]) -> fmt::Result {
    if top.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## {title}\n\n| name | requests |\n|---|---:|")?;
    for one in top {
        let about = if one.too_many_by_max > 0 { "at most " } else { "" };
        writeln!(out, "| {} | {about}{} |", code(&one.name), one.requests)?;
    }
    Ok(())
}

fn write_hours(out: &mut String, report: &Report) -> fmt::Result {
    const BAR_CHARS_MAX: u64 = 40;
    let most = report.hours.iter().map(|hour| hour.requests).max().unwrap_or(0);
    if most == 0 {
        return Ok(());
    }
    writeln!(out, "\n## Requests per hour\n\n```text")?;
    for hour in &report.hours {
        let bar = "#".repeat((hour.requests * BAR_CHARS_MAX / most) as usize);
        writeln!(out, "{} {:>9} {bar}", hour.hour, hour.requests)?;
    }
    writeln!(out, "```")
}

/// A code span in a table. Backticks, bars and control characters would end it.
fn code(name: &str) -> String {
    let plain = |c: char| if c.is_control() || matches!(c, '`' | '|') { '\u{fffd}' } else { c };
    format!("`{}`", name.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_in_its_cell() {
        assert_eq!(code("/`|\n<script>"), "`/\u{fffd}\u{fffd}\u{fffd}<script>`");
    }
}
