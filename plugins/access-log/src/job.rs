//! The job: input and output, progress, and where the report goes.
//!
//! **Invariant:** a missing output directory is no failure: the report is the run's output
//! in any case.

use std::fs;
use std::io;
use std::path::Path;

use zapjobs_sdk::prelude::*;

use crate::markdown::markdown;
use crate::read::{LogFile, Position, analyse, log_files};
use crate::report::Report;

/// Bytes between two words on progress. Whether to stop is asked four times as often.
const PROGRESS_BYTES: u64 = 4 << 20;

/// What to report on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// The directory of the logs.
    pub from: String,
    /// The directory for `report.json` and `report.md`. Without a grant for it, the report is
    /// only the run's output.
    pub to: String,
    /// The logs' names; empty for all that look like logs, such as `access.log` and
    /// `access.log.1`. At most 1,000.
    #[schemars(length(max = 1000))]
    pub files: Vec<String>,
    /// Names in each list of the most frequent.
    #[schemars(range(min = 1, max = 100))]
    pub top: u8,
}

impl Default for Input {
    fn default() -> Self {
        Self { from: "/in".into(), to: "/out".into(), files: Vec::new(), top: 10 }
    }
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The report.
    pub report: Report,
    /// The files that were written.
    pub written: Vec<String>,
}

/// Reports on web server access logs: requests, errors, times, top paths and clients,
/// robots, and traffic by hour. Logs may be of any size; memory is bounded.
#[job(name = "Access log report", default_input = "{}", tags = ["example"], timeout = "5m")]
pub fn access_log(input: Input) -> Result<Output, JobError> {
    let files = find(&input)?;
    let mut told = 0;
    let (analysis, bytes) = analyse(&files, |position| {
        check_cancelled()?;
        if position.bytes_done - told >= PROGRESS_BYTES
            || position.bytes_done == position.bytes_total
        {
            told = position.bytes_done;
            tell(position);
        }
        Ok::<(), JobError>(())
    })?;
    for place in analysis.malformed_places() {
        warn!(file = place.file, line = place.line, "malformed line");
    }
    let names = files.into_iter().map(|file| file.name).collect();
    let report = Report::new(analysis, names, bytes, usize::from(input.top.clamp(1, 100)));
    info!(requests = report.requests, malformed = report.malformed_lines, "logs read");
    let written = write(&report, Path::new(&input.to))?;
    Ok(Output { report, written })
}

fn find(input: &Input) -> Result<Vec<LogFile>, JobError> {
    let files = log_files(Path::new(&input.from), &input.files).map_err(|error| {
        let message = format!("cannot read logs in {}: {error}", input.from);
        JobError::permanent(message).with_type("unreadable-input")
    })?;
    if files.is_empty() {
        let message = format!(
            "there is no *.log in {}: name the files, or grant another directory",
            input.from
        );
        return Err(JobError::permanent(message).with_type("no-logs"));
    }
    Ok(files)
}

fn tell(position: Position<'_>) {
    let (lines, well_formed, malformed) = position.lines;
    progress(position.bytes_done, position.bytes_total, position.file);
    count_items(lines, well_formed, malformed);
}

fn write(report: &Report, directory: &Path) -> Result<Vec<String>, JobError> {
    if !directory.is_dir() {
        info!(directory = %directory.display(), "no directory for the report: it is only the output");
        return Ok(Vec::new());
    }
    let json = serde_json::to_string_pretty(report)?;
    let files = [("report.json", json), ("report.md", markdown(report))];
    let written: io::Result<Vec<String>> = files
        .into_iter()
        .map(|(name, text)| fs::write(directory.join(name), text).map(|()| name.to_owned()))
        .collect();
    Ok(written?)
}
