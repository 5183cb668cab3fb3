//! What a host counts of what it does.

use std::sync::Arc;

use crate::support::{Bench, describe, returning, script};
use zapjobs_model::{Blame, Json, Outcome, RunError};
use zapjobs_runtime::metrics::{JOBS_MAX, OTHER_JOBS, Series};
use zapjobs_runtime::{HostMetrics, HostOptions};

/// The counters of a family whose labels hold all of these values.
fn counted(metrics: &HostMetrics, name: &str, values: &[&str]) -> u64 {
    let family = metrics.families().into_iter().find(|it| it.name == name).expect(name);
    let Series::Counters(series) = family.series else { panic!("{name} counts nothing") };
    let holds = |labels: &[(&str, String)]| {
        values.iter().all(|value| labels.iter().any(|(_, own)| own == value))
    };
    series.iter().filter(|(labels, _)| holds(labels)).map(|(_, count)| count).sum()
}

/// How many a histogram has measured.
fn measured(metrics: &HostMetrics, name: &str, value: &str) -> u64 {
    let family = metrics.families().into_iter().find(|it| it.name == name).expect(name);
    let Series::Histograms(series) = family.series else { panic!("{name} measures nothing") };
    let own = series.iter().filter(|(labels, _)| labels.iter().any(|(_, own)| own == value));
    own.filter_map(|(_, histogram)| histogram.cumulated().last()).map(|(_, count)| count).sum()
}

fn options(metrics: &Arc<HostMetrics>) -> HostOptions {
    HostOptions { metrics: Arc::clone(metrics), ..HostOptions::default() }
}

#[tokio::test]
async fn what_attempts_come_to_is_counted_by_job_and_blame() {
    let bench = Bench::new();
    bench.serve(describe("good"), returning(Json::null())).await;
    let broken = || RunError::new(Blame::Guest, "broken", "it does not work");
    let fails = script(move |_, _, _| async move { Outcome::Failed(broken()) });
    bench.serve(describe("bad"), fails).await;
    let metrics = Arc::new(HostMetrics::default());
    let host = bench.host(options(&metrics)).await;
    for job in ["good", "good", "bad"] {
        let id = bench.enqueue(job).await;
        bench.ended(id).await;
    }
    host.shutdown(crate::support::PATIENCE).await;
    let attempts = |values: &[&str]| counted(&metrics, "host_attempts_total", values);
    assert_eq!((attempts(&["good", "completed"]), attempts(&["bad", "failed"])), (2, 1));
    assert_eq!(attempts(&[]), 3, "and nothing else");
    assert_eq!(counted(&metrics, "host_failures_total", &["guest"]), 1);
    assert_eq!(counted(&metrics, "host_failures_total", &[]), 1);
    assert_eq!(measured(&metrics, "host_attempt_seconds", "good"), 2);
    assert_eq!(measured(&metrics, "host_wait_seconds", "bad"), 1);
    assert!(measured(&metrics, "host_storage_seconds", "claim") >= 1);
    assert!(measured(&metrics, "host_storage_seconds", "apply") >= 1);
    assert_eq!(counted(&metrics, "host_storage_errors_total", &[]), 0);
}

#[tokio::test]
async fn job_types_beyond_the_bound_are_summed() {
    let bench = Bench::new();
    let metrics = Arc::new(HostMetrics::default());
    let mut names = Vec::new();
    for number in 0..JOBS_MAX + 5 {
        let name = format!("job-{number}");
        bench.serve(describe(&name), returning(Json::null())).await;
        names.push(name);
    }
    let host = bench.host(options(&metrics)).await;
    for name in &names {
        let id = bench.enqueue(name).await;
        bench.ended(id).await;
    }
    host.shutdown(crate::support::PATIENCE).await;
    assert_eq!(counted(&metrics, "host_attempts_total", &["completed"]), JOBS_MAX as u64 + 5);
    let others = counted(&metrics, "host_attempts_total", &[OTHER_JOBS]);
    assert_eq!(others, 5);
}
