//! Job definitions.

use zapjobs_model::retry::DELAY_MS_MAX;
use zapjobs_model::{Backoff, ErrorPattern, JobDefinition, RetryPolicy, RunStatus, Schedule};

use crate::Fixture;
use crate::builders::{a_definition, a_run, json, key, queue, tag, tenant};

impl Fixture {
    pub(super) async fn put(&self, definitions: &[JobDefinition]) {
        self.storage.put_definitions(definitions).await.expect("the definitions are stored");
    }

    pub(super) async fn definition(&self, tenant_name: &str, job: &str) -> Option<JobDefinition> {
        self.storage.definition(&key(tenant_name, job)).await.expect("the definition is read")
    }
}

pub(crate) async fn a_definition_that_was_never_put_is_absent(f: &Fixture) {
    assert_eq!(f.definition("acme", "mail").await, None);
    assert_eq!(f.storage.definitions(None).await.expect("listed"), []);
}

pub(crate) async fn every_field_of_a_definition_survives(f: &Fixture) {
    let full = JobDefinition {
        display_name: "Sends \u{1F4E8} 'mail'".to_owned(),
        description: "Line one\nline two; \"quoted\"".to_owned(),
        queue: queue("mail.out"),
        schedule: Schedule::cron("30 4 * * MON-FRI", "Europe/Lisbon").expect("a schedule"),
        retry: RetryPolicy {
            max_attempts: 7,
            base_ms: 1,
            cap_ms: 2,
            jitter: 0.125,
            ..RetryPolicy::default()
        },
        timeout_ms: Some(12_345),
        tags: vec![tag("z"), tag("a b")],
        default_input: json(r#"{"n":1.50}"#),
        input_schema: Some(json(r#"{"type":"object"}"#)),
        output_schema: Some(json("true")),
        last_status: Some(RunStatus::Cancelled),
        ..a_definition("acme", "mail")
    };
    let bare = JobDefinition { digest: None, ..a_definition("acme", "bare") };
    f.put(&[full.clone(), bare.clone()]).await;
    assert_eq!(f.definition("acme", "mail").await, Some(full.clone()));
    assert_eq!(f.definition("acme", "bare").await, Some(bare.clone()));
    assert_eq!(f.storage.definitions(None).await.expect("listed"), [bare, full]);
}

pub(crate) async fn every_kind_of_schedule_survives(f: &Fixture) {
    let schedules = [
        Schedule::Manual,
        Schedule::every_ms(1_500).expect("an interval"),
        Schedule::cron("@daily", "UTC").expect("a schedule"),
    ];
    for schedule in schedules {
        let definition = JobDefinition { schedule, ..a_definition("acme", "mail") };
        f.put(std::slice::from_ref(&definition)).await;
        assert_eq!(f.definition("acme", "mail").await, Some(definition));
    }
}

pub(crate) async fn putting_again_replaces_the_definition(f: &Fixture) {
    f.put(&[a_definition("acme", "mail")]).await;
    let changed = JobDefinition { timeout_ms: Some(5), ..a_definition("acme", "mail") };
    f.put(std::slice::from_ref(&changed)).await;
    assert_eq!(f.definition("acme", "mail").await, Some(changed.clone()));
    assert_eq!(f.storage.definitions(None).await.expect("listed"), [changed]);
}

pub(crate) async fn putting_nothing_changes_nothing(f: &Fixture) {
    f.put(&[a_definition("acme", "mail")]).await;
    f.put(&[]).await;
    assert_eq!(f.storage.definitions(None).await.expect("listed").len(), 1);
}

pub(crate) async fn definitions_are_listed_by_tenant_then_job_type(f: &Fixture) {
    let keys = [("b", "a"), ("a", "b"), ("a", "a"), ("b", "c"), ("a", "c")];
    f.put(&keys.map(|(tenant, job)| a_definition(tenant, job))).await;
    let listed = f.storage.definitions(None).await.expect("listed");
    let listed: Vec<_> = listed.into_iter().map(|definition| definition.key).collect();
    let expected = [("a", "a"), ("a", "b"), ("a", "c"), ("b", "a"), ("b", "c")];
    assert_eq!(listed, expected.map(|(tenant, job)| key(tenant, job)));
}

pub(crate) async fn definitions_are_ordered_by_bytes(f: &Fixture) {
    f.put(&["a", "B", "b", "A", "a-1", "a.1", "a_1", "1"].map(|job| a_definition("t", job))).await;
    let listed = f.storage.definitions(Some(&tenant("t"))).await.expect("listed");
    let listed: Vec<_> = listed.into_iter().map(|definition| definition.key).collect();
    let expected = ["1", "A", "B", "a", "a-1", "a.1", "a_1", "b"];
    assert_eq!(listed, expected.map(|job| key("t", job)));
}

pub(crate) async fn one_tenants_definitions_are_listed_alone(f: &Fixture) {
    f.put(&[a_definition("a", "mail"), a_definition("b", "mail"), a_definition("ab", "mail")])
        .await;
    let listed = f.storage.definitions(Some(&tenant("a"))).await.expect("listed");
    assert_eq!(listed, [a_definition("a", "mail")]);
    assert_eq!(f.storage.definitions(Some(&tenant("c"))).await.expect("listed"), []);
}

pub(crate) async fn deleting_tells_whether_there_was_a_definition(f: &Fixture) {
    f.put(&[a_definition("acme", "mail"), a_definition("acme", "other")]).await;
    assert!(f.storage.delete_definition(&key("acme", "mail")).await.expect("deleted"));
    assert!(!f.storage.delete_definition(&key("acme", "mail")).await.expect("answered"));
    assert_eq!(f.definition("acme", "mail").await, None);
    assert!(f.definition("acme", "other").await.is_some());
}

pub(crate) async fn deleting_a_definition_leaves_its_runs(f: &Fixture) {
    f.put(&[a_definition("acme", "mail")]).await;
    let id = f.enqueue(a_run("mail").tenant("acme")).await;
    f.storage.delete_definition(&key("acme", "mail")).await.expect("deleted");
    assert_eq!(f.claim_one().await.id, id);
}

pub(crate) async fn a_run_needs_no_definition(f: &Fixture) {
    let id = f.enqueue(a_run("unheard-of")).await;
    assert_eq!(f.claim_one().await.id, id);
}

pub(crate) async fn the_latest_status_is_noted(f: &Fixture) {
    let plain = a_definition("acme", "mail");
    f.put(&[plain.clone(), a_definition("acme", "other")]).await;
    for status in [RunStatus::Completed, RunStatus::Failed] {
        let latest = [(key("acme", "mail"), status)];
        f.storage.note_last_status(&latest).await.expect("noted");
        let expected = JobDefinition { last_status: Some(status), ..plain.clone() };
        assert_eq!(f.definition("acme", "mail").await, Some(expected));
    }
    assert_eq!(f.definition("acme", "other").await.expect("there").last_status, None);
}

pub(crate) async fn noting_the_status_of_an_unknown_definition_is_passed_over(f: &Fixture) {
    f.put(&[a_definition("acme", "mail")]).await;
    let latest =
        [(key("acme", "unknown"), RunStatus::Failed), (key("acme", "mail"), RunStatus::Completed)];
    f.storage.note_last_status(&latest).await.expect("noted");
    assert_eq!(f.definition("acme", "unknown").await, None);
    let stored = f.definition("acme", "mail").await.expect("there");
    assert_eq!(stored.last_status, Some(RunStatus::Completed));
}

pub(crate) async fn every_kind_of_retry_policy_survives(f: &Fixture) {
    let named = ErrorPattern::new("ünïcode 'quoted'.*").expect("a pattern");
    let plain = RetryPolicy { max_attempts: 9, base_ms: 5, cap_ms: 7, ..RetryPolicy::default() };
    let policies = [
        plain.clone(),
        RetryPolicy { kind: Backoff::Linear, ..plain.clone() },
        RetryPolicy { kind: Backoff::Fixed, jitter: 0.0, ..plain.clone() },
        RetryPolicy { kind: Backoff::Listed, delays_ms: vec![0, DELAY_MS_MAX], ..plain.clone() },
        RetryPolicy { not_retried: vec![named], ..plain.clone() },
        plain,
    ];
    for retry in policies {
        let definition = JobDefinition { retry, ..a_definition("acme", "mail") };
        f.storage.put_definitions(std::slice::from_ref(&definition)).await.expect("stored");
        let stored = f.storage.definition(&definition.key).await.expect("read");
        assert_eq!(stored, Some(definition));
    }
}
