//! What an examination finds.

use zapjobs_postgres::{Migrating, PostgresOptions, PostgresSchema, WakeUps, examine};
use zapjobs_storage::{Finding, RunStore, SchemaAdmin, Verdict};

use crate::harness;
use crate::harness::runs::{a_claim, a_run};

/// Each finding is for people: one sentence, and what mends it.
async fn findings(options: &PostgresOptions) -> Vec<Finding> {
    let findings = examine(options).await;
    for finding in &findings {
        let Finding { found, verdict, remedy, .. } = finding;
        assert!(!found.is_empty() && !found.contains("hush"), "{finding:?}");
        assert_eq!(*verdict == Verdict::Good, remedy.is_none(), "{finding:?}");
    }
    findings
}

/// What was found of one subject, which must be there once.
async fn found(options: &PostgresOptions, subject: &str) -> Finding {
    let findings = findings(options).await;
    let mut of_it = findings.iter().filter(|finding| finding.subject == subject);
    let first = of_it.next().unwrap_or_else(|| panic!("nothing of {subject}: {findings:#?}"));
    assert_eq!(of_it.next(), None);
    first.clone()
}

async fn opened() -> PostgresOptions {
    let options = harness::options();
    drop(harness::open(&options).await);
    options
}

#[tokio::test]
async fn a_storage_in_order_gives_no_cause_for_concern() {
    let options = PostgresOptions { table_prefix: "x_".to_owned(), ..harness::options() };
    drop(harness::open(&options).await);
    let findings = findings(&options).await;
    let subjects: Vec<&str> = findings.iter().map(|finding| finding.subject.as_str()).collect();
    let expected = [
        "reachable",
        "server version",
        "role of the server",
        "schema",
        "rights",
        "schema drift",
        "durability",
        "autovacuum",
        "statement timeout",
        "isolation",
        "connections",
        "old transactions",
        "prepared transactions",
        "clock",
        "dead rows",
        "quarantine",
    ];
    assert_eq!(subjects, expected);
    // Servers for tests may do without fsync; other tests may keep this one busy.
    let of_the_server = ["durability", "reachable", "old transactions", "connections"];
    let bad = findings.iter().filter(|finding| finding.verdict != Verdict::Good);
    let bad: Vec<_> = bad.filter(|bad| !of_the_server.contains(&bad.subject.as_str())).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let left =
        harness::execute("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'zapjobs_examined_%'");
    assert_eq!(left.await, 0, "what was compared with is gone");
}

#[tokio::test]
async fn every_drift_is_named() {
    let drifts = [
        ("DROP INDEX $s.runs_ready", "index runs_ready is missing", Verdict::Warning),
        ("DROP TABLE $s.tags", "table tags is missing", Verdict::Problem),
        (
            "ALTER TABLE $s.runs DROP COLUMN digest",
            "column runs.digest is missing",
            Verdict::Problem,
        ),
        (
            "ALTER TABLE $s.runs ALTER COLUMN priority TYPE integer",
            "column runs.priority was changed: it is integer NOT NULL",
            Verdict::Problem,
        ),
        (
            "ALTER TABLE $s.inputs ALTER COLUMN tenant DROP NOT NULL",
            "column inputs.tenant was changed",
            Verdict::Problem,
        ),
        (
            "ALTER TABLE $s.logs SET UNLOGGED",
            "table logs was changed: it is unlogged",
            Verdict::Problem,
        ),
        (
            "ALTER TABLE $s.logs DROP CONSTRAINT logs_pkey",
            "constraint logs.logs_pkey is missing",
            Verdict::Problem,
        ),
        (
            "ALTER TABLE $s.runs ADD COLUMN mine text",
            "column runs.mine was added",
            Verdict::Warning,
        ),
        ("CREATE INDEX mine ON $s.runs (worker)", "index mine was added", Verdict::Warning),
        (
            "DROP INDEX $s.runs_delayed; CREATE INDEX runs_delayed ON $s.runs (due_at)",
            "index runs_delayed was changed",
            Verdict::Problem,
        ),
        (
            "DROP FUNCTION $s.uuid7(bigint)",
            "function uuid7(p_micros bigint) is missing",
            Verdict::Problem,
        ),
        (
            "CREATE OR REPLACE FUNCTION $s.uuid7(p_micros bigint) RETURNS uuid LANGUAGE sql
                AS 'SELECT gen_random_uuid()'",
            "function uuid7(p_micros bigint) is not the one",
            Verdict::Warning,
        ),
        (
            "CREATE FUNCTION $s.none() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER mine BEFORE INSERT ON $s.runs EXECUTE FUNCTION $s.none()",
            "trigger runs.mine was added",
            Verdict::Warning,
        ),
    ];
    for (sql, told, verdict) in drifts {
        let options = opened().await;
        harness::execute(&sql.replace("$s", &options.schema)).await;
        let findings = findings(&options).await;
        let named = findings.iter().find(|finding| finding.found.contains(told));
        let named = named.unwrap_or_else(|| panic!("{told}: {findings:#?}"));
        assert_eq!((named.subject.as_str(), named.verdict), ("schema drift", verdict), "{named:?}");
    }
}

#[tokio::test]
async fn a_missing_index_is_given_back_as_sql() {
    let options = opened().await;
    harness::execute(&format!("DROP INDEX {}.runs_ready", options.schema)).await;
    let remedy = found(&options, "schema drift").await.remedy.unwrap();
    harness::execute(&remedy).await;
    assert_eq!(found(&options, "schema drift").await.verdict, Verdict::Good, "{remedy}");
}

#[tokio::test]
async fn a_schema_that_is_missing_older_newer_or_anothers_is_told() {
    let options = harness::options();
    let manual = PostgresOptions { migrating: Migrating::Manual, ..options.clone() };
    let missing = found(&manual, "schema").await;
    assert_eq!(missing.verdict, Verdict::Problem);
    assert!(missing.found.contains("there is no schema"), "{missing:?}");
    assert_eq!(found(&options, "schema").await.verdict, Verdict::Warning);

    let schema = PostgresSchema::new(options.clone());
    schema.up().await.unwrap();
    assert_eq!(found(&manual, "schema").await.verdict, Verdict::Good);
    schema.down(1).await.unwrap();
    let older = found(&manual, "schema").await;
    assert_eq!(older.verdict, Verdict::Problem);
    assert!(older.found.contains("has version 1, this program needs"), "{older:?}");
    schema.up().await.unwrap();

    let table = format!("{}.schema", options.schema);
    harness::execute(&format!("INSERT INTO {table} VALUES (99, 'x')")).await;
    let newer = found(&options, "schema").await;
    assert_eq!(newer.verdict, Verdict::Problem);
    assert!(newer.found.contains("version 99"), "{newer:?}");
    harness::execute(&format!("DELETE FROM {table} WHERE version = 99")).await;
    harness::execute(&format!("UPDATE {table} SET checksum = 'x' WHERE version = 1")).await;
    let other = found(&options, "schema").await;
    assert_eq!(other.verdict, Verdict::Problem);
    assert!(other.found.contains("different build"), "{other:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_the_only_finding() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [
        format!("postgres://user:hush@127.0.0.1:{port}/db"),
        harness::url().replace("/postgres", "/nowhere"),
        "redis://hush@127.0.0.1".to_owned(),
    ] {
        let options = PostgresOptions { url, ..harness::options() };
        // As a task: it can be sent to another thread.
        let findings = tokio::spawn(async move { findings(&options).await }).await.unwrap();
        let [Finding { subject, verdict, .. }] = findings.as_slice() else {
            panic!("{findings:#?}")
        };
        assert_eq!((subject.as_str(), *verdict), ("reachable", Verdict::Problem));
    }
}

/// A role of its own, with `settings`; the options to come as it.
async fn role(options: &PostgresOptions, settings: &str) -> PostgresOptions {
    let role = format!("r_{}", options.schema);
    harness::execute(&format!("CREATE ROLE {role} LOGIN; {}", settings.replace("$r", &role))).await;
    let url = harness::url().replace("//postgres@", &format!("//{role}@"));
    PostgresOptions { url, ..options.clone() }
}

#[tokio::test]
async fn a_user_with_too_few_rights_is_told_which() {
    let options = opened().await;
    let schema = &options.schema;
    let grants = format!(
        "GRANT USAGE ON SCHEMA {schema} TO $r;
        GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO $r;
        GRANT INSERT, UPDATE, DELETE ON {schema}.runs, {schema}.inputs TO $r"
    );
    let options = role(&options, &grants).await;
    let rights = found(&options, "rights").await;
    assert_eq!(rights.verdict, Verdict::Problem);
    assert!(rights.found.contains("outcomes") && !rights.found.contains("inputs"), "{rights:?}");
    let drift = found(&options, "schema drift").await;
    assert!(drift.found.contains("was not looked at"), "{drift:?}");
    harness::execute(&rights.remedy.unwrap()).await;
    assert_eq!(found(&options, "rights").await.verdict, Verdict::Good);
}

#[tokio::test]
async fn settings_that_do_harm_are_told_with_what_mends_them() {
    let options = opened().await;
    let settings = "ALTER ROLE $r SUPERUSER CONNECTION LIMIT 3;
        ALTER ROLE $r SET default_transaction_isolation = 'serializable';
        ALTER ROLE $r SET default_transaction_read_only = on;
        ALTER ROLE $r SET synchronous_commit = off";
    let options = role(&options, settings).await;
    // By polling no setting is sent at the start.
    let options = PostgresOptions { wake_ups: WakeUps::Poll, ..options };
    for (subject, verdict) in [
        ("isolation", Verdict::Problem),
        ("role of the server", Verdict::Problem),
        ("statement timeout", Verdict::Warning),
        ("connections", Verdict::Problem),
    ] {
        let finding = found(&options, subject).await;
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        if let Some(remedy) = finding.remedy.filter(|remedy| remedy.starts_with("ALTER")) {
            harness::execute(&remedy).await;
            assert_eq!(found(&options, subject).await.verdict, Verdict::Good, "{remedy}");
        }
    }
    let all = findings(&options).await;
    assert!(all.iter().any(|one| one.found.starts_with("synchronous_commit is off")), "{all:#?}");
}

#[tokio::test]
async fn records_set_aside_are_counted() {
    let options = harness::options();
    let storage = harness::open(&options).await;
    let runs = [a_run("q"), a_run("q")];
    storage.enqueue(&runs).await.unwrap();
    harness::execute(&format!("UPDATE {}.inputs SET input = '{{'", options.schema)).await;
    assert_eq!(storage.claim(a_claim(5)).await.unwrap(), []);
    let quarantine = found(&options, "quarantine").await;
    assert_eq!(quarantine.verdict, Verdict::Warning);
    assert!(quarantine.found.starts_with("2 run(s)"), "{quarantine:?}");
    assert!(quarantine.remedy.unwrap().contains(&format!("\"{}\".quarantine", options.schema)));
}
