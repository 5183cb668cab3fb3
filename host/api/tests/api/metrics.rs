//! What `/metrics` tells, and that the documentation, the dashboard and the alerts go by it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use zapjobs_api::{ApiOptions, AuthMode};
use zapjobs_runtime::HostMetrics;

use crate::support::{Place, failed, place_with};

const DOCUMENTATION: &str = include_str!("../../../../docs/observability.md");
const DASHBOARD: &str = include_str!("../../../../docs/observability/grafana.json");
const ALERTS: &str = include_str!("../../../../docs/observability/alerts.yaml");

async fn a_place() -> Place {
    let metrics = Some(Arc::new(HostMetrics::default()));
    place_with(ApiOptions { auth: AuthMode::Off, metrics, ..ApiOptions::default() }).await
}

/// Each metric with its type, from a text that must be well formed.
fn read(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut helped = BTreeSet::new();
    let mut latest = String::new();
    let mut series = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a sentence");
            assert!(help.ends_with('.') && helped.insert(name.to_owned()), "{line}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a type");
            assert!(helped.contains(name) && name.starts_with("zapjobs_"), "{line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(found.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            latest = name.to_owned();
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a series and a value");
        assert!(value.parse::<f64>().is_ok_and(|value| value >= 0.0), "{line}");
        assert!(series.insert(name.to_owned()), "twice: {line}");
        let name = name.split('{').next().unwrap_or_default();
        let own = name.strip_prefix(&latest).unwrap_or_else(|| panic!("out of place: {line}"));
        let is_histogram = found[&latest] == "histogram";
        let parts: &[&str] = if is_histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(parts.contains(&own), "{line}");
    }
    found
}

async fn told() -> (BTreeMap<String, String>, String) {
    let place = a_place().await;
    place.greet().await;
    place.end(failed()).await;
    place.greet().await;
    let text = place.get("/metrics").await.text;
    (read(&text), text)
}

/// The names in an expression, without what a histogram adds.
fn names(expression: &str, known: &BTreeMap<String, String>) -> BTreeSet<String> {
    let words = expression.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let own = words.filter(|word| word.starts_with("zapjobs_"));
    own.map(|word| {
        let plain = word.strip_suffix("_bucket").unwrap_or(word);
        let is_known = known.get(plain).is_some_and(|kind| plain == word || kind == "histogram");
        assert!(is_known, "{word} is not told by /metrics: {expression}");
        plain.to_owned()
    })
    .collect()
}

#[tokio::test]
async fn every_metric_is_well_formed_and_counts() {
    let (_, text) = told().await;
    for line in [
        "zapjobs_dead_letters 1",
        "zapjobs_runs_enqueued_total 2",
        "zapjobs_paused_scopes 0",
        "zapjobs_webhooks 0",
        "zapjobs_host_storage_errors_total{operation=\"claim\"} 0",
        "zapjobs_host_storage_seconds_bucket{operation=\"apply\",le=\"+Inf\"} 0",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
}

#[tokio::test]
async fn the_documentation_names_every_metric_and_its_type_and_no_other() {
    let (told, _) = told().await;
    let rows = DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("| `zapjobs_"));
    let documented: BTreeMap<String, String> = rows
        .map(|row| {
            let (name, rest) = row.split_once("` | ").expect("a name");
            let (kind, _) = rest.split_once(" |").expect("a type");
            (format!("zapjobs_{name}"), kind.to_owned())
        })
        .collect();
    assert_eq!(documented, told);
}

#[tokio::test]
async fn the_dashboard_shows_what_there_is() {
    let (told, _) = told().await;
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut ids = BTreeSet::new();
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel}");
        for target in panel["targets"].as_array().expect("targets") {
            let own = names(target["expr"].as_str().expect("an expression"), &told);
            assert!(!own.is_empty(), "{target}");
            shown.extend(own);
        }
    }
    assert!(shown.len() > 20, "{shown:?}");
}

/// The values of the alerts, read as strictly as the file is written: a list of flat maps.
fn alerts() -> Vec<BTreeMap<&'static str, String>> {
    let mut lines = ALERTS.lines().filter(|line| !line.starts_with('#'));
    for head in ["groups:", "  - name: zapjobs", "    rules:"] {
        assert_eq!(lines.next(), Some(head));
    }
    let mut alerts: Vec<BTreeMap<_, _>> = Vec::new();
    for line in lines {
        let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("{line}"));
        let value = match value.trim().strip_prefix('\'') {
            Some(quoted) => quoted.strip_suffix('\'').expect("its end").replace("''", "\""),
            None => {
                assert!(!value.contains([':', '#', '{', '[', '\'', '"']), "quote it: {line}");
                value.trim().to_owned()
            }
        };
        if key == "      - alert" {
            alerts.push(BTreeMap::from([("alert", value)]));
            continue;
        }
        let known = [
            ("        expr", "expr"),
            ("        for", "for"),
            ("        labels", "labels"),
            ("          severity", "severity"),
            ("        annotations", "annotations"),
            ("          summary", "summary"),
            ("          description", "description"),
        ];
        let (_, name) = known.iter().find(|(at, _)| *at == key).unwrap_or_else(|| panic!("{line}"));
        let alert = alerts.last_mut().expect("an alert begins before");
        assert!(alert.insert(name, value).is_none(), "twice: {line}");
    }
    alerts
}

#[tokio::test]
async fn the_alerts_go_by_what_there_is() {
    let (told, _) = told().await;
    let alerts = alerts();
    assert!(alerts.len() >= 10);
    let mut known = BTreeSet::new();
    for alert in &alerts {
        assert_eq!(alert.len(), 8, "{alert:?}");
        assert!(known.insert(&alert["alert"]), "twice: {alert:?}");
        let expression = &alert["expr"];
        assert!(!names(expression, &told).is_empty(), "{expression}");
        let balance =
            |open, close| expression.matches(open).count() == expression.matches(close).count();
        assert!(balance('(', ')') && balance('{', '}') && balance('[', ']'), "{expression}");
        assert!(["critical", "warning", "info"].contains(&alert["severity"].as_str()));
    }
}
