//! Finds log files and reads them through.
//!
//! **Invariant:** a file is never held whole, and whoever watches can break off after each
//! buffer of 1 MiB. Knows nothing of jobs; see [`crate::job`] for that.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::analysis::Analysis;
use crate::stream::{Sink, each_line};

/// Log files read by one run.
pub const FILES_MAX: usize = 1_000;

/// A log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Its name in the directory.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// How far the reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position<'a> {
    /// Bytes read, of all files.
    pub bytes_done: u64,
    /// Bytes of all files.
    pub bytes_total: u64,
    /// The file being read.
    pub file: &'a str,
    /// Lines, those in the format, and those not.
    pub lines: (u64, u64, u64),
}

/// The files of these names, or where none is named all of `directory` whose name looks
/// like a log's: `*.log`, `*.log.1`, `access_log`, `access_log.1`; oldest number first.
///
/// # Errors
/// Where a file or the directory cannot be read, or there are more than [`FILES_MAX`].
pub fn log_files(directory: &Path, names: &[String]) -> io::Result<Vec<LogFile>> {
    let mut found = match names {
        [] => names_in(directory)?,
        names => names.to_vec(),
    };
    if found.len() > FILES_MAX {
        let message = format!("{} log files, at most {FILES_MAX} are read", found.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    if names.is_empty() {
        // Rotation numbers grow with age: `access.log.2` is before `.1` and `access.log`.
        found.sort_by_key(|name| (std::cmp::Reverse(rotation(name)), name.clone()));
    }
    found.into_iter().map(|name| log_file(directory, name)).collect()
}

/// Counts all lines of `files`; tells `watch` after every buffer.
///
/// # Errors
/// Where a file cannot be read, and what `watch` answers.
pub fn analyse<E: From<io::Error>>(
    files: &[LogFile],
    watch: impl FnMut(Position<'_>) -> Result<(), E>,
) -> Result<(Analysis, u64), E> {
    let bytes_total = files.iter().map(|file| file.bytes).sum();
    let analysis = Analysis::new();
    let mut reading = Reading { analysis, watch, file: "", bytes_done: 0, bytes_total };
    for file in files {
        reading.analysis.begin_file(&file.name);
        reading.file = &file.name;
        let opened = File::open(&file.path).map_err(|error| at(&file.name, &error))?;
        each_line(opened, &mut reading)?;
    }
    Ok((reading.analysis, reading.bytes_done))
}

struct Reading<'a, W> {
    analysis: Analysis,
    watch: W,
    file: &'a str,
    bytes_done: u64,
    bytes_total: u64,
}

impl<E, W> Sink for Reading<'_, W>
where
    E: From<io::Error>,
    W: FnMut(Position<'_>) -> Result<(), E>,
{
    type Error = E;

    fn line(&mut self, line: Option<&[u8]>) {
        self.analysis.add_line(line);
    }

    fn advanced(&mut self, bytes: u64) -> Result<(), E> {
        self.bytes_done += bytes;
        // A log may grow while it is read.
        self.bytes_total = self.bytes_total.max(self.bytes_done);
        (self.watch)(Position {
            bytes_done: self.bytes_done,
            bytes_total: self.bytes_total,
            file: self.file,
            lines: self.analysis.line_counts(),
        })
    }
}

fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && looks_like_log(&name)
            && entry.file_type()?.is_file()
        {
            names.push(name);
        }
    }
    Ok(names)
}

fn looks_like_log(name: &str) -> bool {
    let stem = match rotation(name) {
        0 => name,
        _ => name.rsplit_once('.').map_or(name, |(stem, _)| stem),
    };
    stem.ends_with(".log") || stem.ends_with("access_log")
}

/// The `2` of `access.log.2`; 0 where there is none.
fn rotation(name: &str) -> u32 {
    name.rsplit_once('.').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn log_file(directory: &Path, name: String) -> io::Result<LogFile> {
    let path = directory.join(&name);
    let metadata = fs::metadata(&path).map_err(|error| at(&name, &error))?;
    Ok(LogFile { path, bytes: metadata.len(), name })
}

fn at(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in files {
            fs::write(directory.path().join(name), text).expect("the file is written");
        }
        directory
    }

    #[test]
    fn logs_are_found_by_name_oldest_first() {
        let names = ["access.log", "access.log.2", "access.log.10", "notes.txt", "a.log.gz"];
        let directory = directory_with(&names.map(|name| (name, "")));
        let found = log_files(directory.path(), &[]).expect("the directory is read");
        let found: Vec<_> = found.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(found, ["access.log.10", "access.log.2", "access.log"]);
    }

    #[test]
    fn a_named_file_that_is_missing_is_named_in_the_error() {
        let directory = directory_with(&[]);
        let error = log_files(directory.path(), &["nope.log".into()]).expect_err("it is missing");
        assert!(error.to_string().starts_with("nope.log: "), "{error}");
    }

    #[test]
    fn malformed_lines_are_located_and_the_watcher_sees_the_end() {
        let good = r#"192.0.2.7 - - [14/Nov/2026:09:30:00 +0000] "GET / HTTP/1.1" 200 5"#;
        let text = format!("{good}\n\nbroken\n{good}\n");
        let directory = directory_with(&[("access.log", &text)]);
        let files = log_files(directory.path(), &[]).expect("the directory is read");
        let mut last = (0, 0);
        let (analysis, bytes) = analyse(&files, |position| {
            last = (position.bytes_done, position.bytes_total);
            Ok::<(), io::Error>(())
        })
        .expect("it is read");
        assert_eq!(analysis.line_counts(), (3, 2, 1));
        assert_eq!(analysis.malformed_places()[0].line, 3);
        assert_eq!((bytes, last), (text.len() as u64, (text.len() as u64, text.len() as u64)));
    }

    #[test]
    fn the_watcher_breaks_off() {
        let directory = directory_with(&[("access.log", "x\n")]);
        let files = log_files(directory.path(), &[]).expect("the directory is read");
        let stopped = analyse(&files, |_| Err(io::Error::other("enough"))).expect_err("stopped");
        assert_eq!(stopped.to_string(), "enough");
    }
}
