//! Reports on the logs of a directory, without a host: `cargo run --release --example
//! report -- DIRECTORY`. Says how fast it was.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use access_log::markdown::markdown;
use access_log::read::{analyse, log_files};
use access_log::report::Report;

fn main() -> io::Result<()> {
    let directory = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let started = Instant::now();
    let files = log_files(Path::new(&directory), &[])?;
    let (analysis, bytes) = analyse(&files, |_| Ok::<(), io::Error>(()))?;
    let names = files.into_iter().map(|file| file.name).collect();
    let report = Report::new(analysis, names, bytes, 10);
    let seconds = started.elapsed().as_secs_f64();
    writeln!(io::stdout(), "{}", markdown(&report))?;
    writeln!(io::stderr(), "{:.0} MB/s", bytes as f64 / 1e6 / seconds)
}
