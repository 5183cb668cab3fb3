//! Writes the demo's input into a directory: `zapjobs-demo-input OUT_DIR`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use zapjobs_demo_input::{access_log, photos};

const LOG_BYTES: u64 = 100 << 20;
const PHOTOS: usize = 12;
const SEED: u64 = 1;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        let _ = writeln!(io::stderr(), "usage: zapjobs-demo-input OUT_DIR");
        return ExitCode::from(2);
    };
    match write(Path::new(&directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "failed to write the demo's input: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &Path) -> io::Result<()> {
    let logs = directory.join("logs");
    let pictures = directory.join("photos");
    fs::create_dir_all(&logs)?;
    fs::create_dir_all(&pictures)?;

    let started = Instant::now();
    let log = access_log(&logs.join("access.log"), LOG_BYTES, SEED)?;
    let log_ms = started.elapsed().as_millis();

    let started = Instant::now();
    let made = photos(&pictures, PHOTOS, SEED)?;
    let photos_ms = started.elapsed().as_millis();

    let mut out = io::stdout().lock();
    writeln!(
        out,
        "logs/access.log: {} lines, {} malformed, {} MB in {log_ms} ms",
        log.lines,
        log.malformed,
        log.bytes / 1_000_000
    )?;
    writeln!(
        out,
        "photos: {} whole, {} broken, {} megapixels, {} MB in {photos_ms} ms",
        made.whole,
        made.broken,
        made.pixels / 1_000_000,
        made.bytes / 1_000_000
    )
}
