//! What the host of this process has counted, as lines.
//!
//! **Invariant:** as many series as [`HostMetrics`] bounds them to.

use zapjobs_runtime::metrics::{Family, Histogram, HostMetrics, Labels, Series};

use super::metrics::Text;

pub(super) fn host(metrics: &HostMetrics, text: &mut Text) {
    metrics.families().iter().for_each(|family| lines(family, text));
}

fn lines(family: &Family, text: &mut Text) {
    match &family.series {
        Series::Counters(series) => {
            text.head(family.name, "counter", family.help);
            for (labels, value) in series {
                text.line(family.name, &written(labels, None), value);
            }
        }
        Series::Histograms(series) => {
            text.head(family.name, "histogram", family.help);
            for (labels, histogram) in series {
                histogram_lines(family.name, labels, histogram, text);
            }
        }
    }
}

fn histogram_lines(name: &str, labels: &Labels, histogram: &Histogram, text: &mut Text) {
    let mut all = 0;
    for (end, count) in histogram.cumulated() {
        let end = end.map_or_else(|| "+Inf".to_owned(), |end| end.to_string());
        text.line(&format!("{name}_bucket"), &written(labels, Some(&end)), count);
        all = count;
    }
    text.line(&format!("{name}_sum"), &written(labels, None), histogram.sum());
    text.line(&format!("{name}_count"), &written(labels, None), all);
}

/// Names of jobs and words of our own need no escapes.
fn written(labels: &Labels, end: Option<&str>) -> String {
    let labels = labels.iter().map(|(name, value)| format!("{name}=\"{value}\""));
    let end = end.map(|end| format!("le=\"{end}\""));
    labels.chain(end).collect::<Vec<_>>().join(",")
}
