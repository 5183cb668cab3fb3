//! A run that is enqueued inside a transaction of one's own.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use uuid::Uuid;
use zapjobs_model::{
    Digest, JobDefinition, JobKey, JobType, Json, QueueName, RetryPolicy, RunId, RunStatus,
    Schedule, Tag, TenantId, Trigger,
};
use zapjobs_postgres::PostgresStorage;
use zapjobs_storage::{Definitions, Events, Notice, RunFilter, RunQueries, RunStore};

use crate::harness;
use crate::harness::runs::a_claim;

struct Shop {
    storage: PostgresStorage,
    schema: String,
}

impl Shop {
    async fn new() -> Self {
        let options = harness::options();
        let storage = harness::open(&options).await;
        storage.put_definitions(&[a_definition()]).await.unwrap();
        Self { storage, schema: options.schema }
    }

    async fn enqueue(&self, within: &mut PgConnection, arguments: &str) -> sqlx::Result<RunId> {
        let sql = format!("SELECT {}.enqueue({arguments})", self.schema);
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(within).await?;
        Ok(RunId(row.get::<Uuid, _>(0)))
    }
}

fn a_definition() -> JobDefinition {
    JobDefinition {
        key: JobKey { tenant: TenantId::standard(), job_type: JobType::new("mail").unwrap() },
        display_name: "Mail".to_owned(),
        description: String::new(),
        queue: QueueName::new("letters").unwrap(),
        schedule: Schedule::Manual,
        retry: RetryPolicy { max_attempts: 7, ..RetryPolicy::default() },
        timeout_ms: None,
        tags: vec![Tag::new("inherited").unwrap()],
        default_input: Json::null(),
        input_schema: None,
        output_schema: None,
        digest: Some(Digest::of(b"code")),
        last_status: None,
    }
}

#[tokio::test]
async fn a_run_is_there_if_and_only_if_the_transaction_commits() {
    let shop = Shop::new().await;
    let mut connection = harness::connection().await;
    let mut tx = connection.begin().await.unwrap();
    let undone = shop.enqueue(&mut tx, "'mail', '{}'").await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(shop.storage.run(undone).await.unwrap(), None);

    let mut notices = shop.storage.subscribe();
    while notices.next().await.unwrap() != Notice::Resync {}
    let mut tx = connection.begin().await.unwrap();
    let id = shop
        .enqueue(
            &mut tx,
            "'mail', '{\"to\": \"you\"}', p_tags => ARRAY['own'], p_priority => 5, \
             p_metadata => '{\"order\": \"66\"}', p_correlation_id => 'c-1'",
        )
        .await
        .unwrap();
    assert!(shop.storage.claim(a_claim(1)).await.unwrap().is_empty(), "not before the commit");
    tx.commit().await.unwrap();
    while notices.next().await.unwrap() != Notice::Ready(QueueName::new("letters").unwrap()) {}

    let run = shop.storage.claim(a_claim(1)).await.unwrap().remove(0).run;
    assert_eq!(run.id, id);
    assert_eq!(run.id.0.get_version_num(), 7);
    assert_eq!(run.queue.as_str(), "letters");
    assert_eq!(run.input.as_str(), r#"{"to": "you"}"#);
    assert_eq!((run.priority.get(), run.max_attempts, run.trigger), (5, 7, Trigger::Api));
    assert_eq!(run.tags, [Tag::new("inherited").unwrap(), Tag::new("own").unwrap()]);
    assert_eq!(run.metadata["order"], "66");
    let tagged = RunFilter { tag: Some(Tag::new("own").unwrap()), ..RunFilter::default() };
    assert_eq!(shop.storage.counts(&tagged).await.unwrap().total(), 1);
}

#[tokio::test]
async fn a_delayed_run_waits_and_a_repeated_call_does_no_harm() {
    let shop = Shop::new().await;
    let mut connection = harness::connection().await;
    let id = Uuid::now_v7();
    let arguments = format!("'mail', p_delay => interval '1 hour', p_id => '{id}'");
    for _ in 0..2 {
        assert_eq!(shop.enqueue(&mut connection, &arguments).await.unwrap(), RunId(id));
    }
    let run = shop.storage.run(RunId(id)).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Scheduled);
    assert_eq!(run.due_at.since(run.created_at).as_secs(), 3_600);
}

#[tokio::test]
async fn what_breaks_the_rules_is_refused() {
    let shop = Shop::new().await;
    let mut connection = harness::connection().await;
    for arguments in [
        "'nothing'",
        "'mail', '{'",
        "'mail', NULL",
        "'mail', p_queue => 'a b'",
        "'mail', p_priority => 1001",
        "'mail', p_max_attempts => 0",
        "'mail', p_delay => interval '11 years'",
        "'mail', p_deadline => now() - interval '1 hour'",
        "'mail', p_tags => ARRAY['']",
        "'mail', p_metadata => '[]'",
        "'mail', p_metadata => '{\"a\": 1}'",
        "'mail', p_correlation_id => E'a\\nb'",
    ] {
        let refused = shop.enqueue(&mut connection, arguments).await;
        assert!(refused.is_err(), "{arguments}");
    }
    assert_eq!(shop.storage.counts(&RunFilter::default()).await.unwrap().total(), 0);
}
