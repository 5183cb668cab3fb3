//! What was measured, with every setting.

#![allow(clippy::print_stdout, reason = "printing the figures is what this program is for")]

use anyhow::Result;
use serde::Serialize;

use crate::floor::Floor;
use crate::line::Line;
use crate::settings::Settings;
use crate::work::percentile;

#[derive(Serialize)]
pub(crate) struct Report {
    storage: String,
    durability: String,
    jobs: usize,
    concurrency: usize,
    guest_threads: usize,
    drain_per_s: f64,
    bulk_enqueue_per_s: f64,
    start_ms: Percentiles,
    cpu_us_per_job: f64,
    floor_us_per_job: f64,
    floor_per_s: f64,
    cpu_to_floor: f64,
}

#[derive(Serialize)]
struct Percentiles {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Report {
    pub(crate) fn new(storage: &str, settings: &Settings, floor: &Floor, line: &Line) -> Self {
        let at = |share| percentile(&line.start_ms, share);
        Self {
            storage: storage.to_owned(),
            durability: line.durability.clone(),
            jobs: settings.jobs,
            concurrency: settings.concurrency,
            guest_threads: settings.threads(),
            drain_per_s: line.drain_per_s,
            bulk_enqueue_per_s: line.bulk_enqueue_per_s,
            start_ms: Percentiles { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) },
            cpu_us_per_job: line.cpu_us_per_job,
            floor_us_per_job: floor.cpu_us_per_job,
            floor_per_s: floor.jobs_per_s,
            cpu_to_floor: line.cpu_us_per_job / floor.cpu_us_per_job,
        }
    }
}

pub(crate) fn print(settings: &Settings, reports: &[Report]) -> Result<()> {
    if settings.json {
        println!("{}", serde_json::to_string_pretty(reports)?);
        return Ok(());
    }
    println!(
        "no-op jobs, each in a fresh sandbox, history kept\nzapjobs {}, {} jobs, concurrency {}, \
         {} guest threads, plugin {}",
        env!("CARGO_PKG_VERSION"),
        settings.jobs,
        settings.concurrency,
        settings.threads(),
        settings.plugin().display(),
    );
    for report in reports {
        print_one(report);
    }
    Ok(())
}

fn print_one(report: &Report) {
    let start = &report.start_ms;
    println!("\n{} ({})", report.storage, report.durability);
    println!("  drain           {:>10.0} runs/s", report.drain_per_s);
    println!("  bulk enqueue    {:>10.0} runs/s", report.bulk_enqueue_per_s);
    println!(
        "  enqueue-start   {:>10.2} ms p50, {:.2} p90, {:.2} p99, {:.2} max",
        start.p50, start.p90, start.p99, start.max
    );
    println!("  CPU             {:>10.1} us/run", report.cpu_us_per_job);
    println!(
        "  bare sandbox    {:>10.1} us/run, {:.0} runs/s: the line costs {:.1} times that",
        report.floor_us_per_job, report.floor_per_s, report.cpu_to_floor
    );
}
