//! Encrypted servers, users with rights of their own, and what each mistake says.

use std::path::PathBuf;

use zapjobs_redis::{RedisOptions, RedisStorage, examine};
use zapjobs_services::{Redis, RedisCluster, RedisSettings};
use zapjobs_storage::{EnqueueResult, ErrorKind, Finding, RunStore, StorageError, Verdict};

use crate::harness::runs::a_run;

async fn serves(options: RedisOptions) {
    let storage = RedisStorage::connect(options).await.unwrap();
    assert_eq!(storage.enqueue(&[a_run("q")]).await.unwrap(), [EnqueueResult::Stored]);
}

async fn refusal(options: RedisOptions) -> StorageError {
    let error = RedisStorage::connect(options).await.expect_err("it must be refused");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

fn subject<'a>(findings: &'a [Finding], subject: &str) -> &'a Finding {
    let mut of = findings.iter().filter(|finding| finding.subject == subject);
    of.next().unwrap_or_else(|| panic!("no finding about {subject}: {findings:?}"))
}

#[tokio::test]
async fn an_encrypted_server_is_trusted_by_its_ca_file_alone() {
    let settings = RedisSettings { tls: true, ..RedisSettings::default() };
    let server = Redis::start(&settings).unwrap();
    let options = RedisOptions::parse(&server.url()).unwrap();
    let error = refusal(options.clone()).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");

    let ca_file = server.certificate().map(PathBuf::from);
    serves(RedisOptions { ca_file: ca_file.clone(), ..options.clone() }).await;

    let missing = Some(PathBuf::from("/no/such/file.pem"));
    let error = refusal(RedisOptions { ca_file: missing, ..options.clone() }).await;
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains("/no/such/file.pem"), "{error}");
    let plain = RedisOptions { tls: false, ca_file, ..options };
    assert_eq!(refusal(plain).await.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn a_user_logs_in_and_a_wrong_password_is_not_repeated() {
    let settings = RedisSettings {
        user: Some("worker".to_owned()),
        password: Some("top-secret".to_owned()),
        ..RedisSettings::default()
    };
    let server = Redis::start(&settings).unwrap();
    serves(RedisOptions::parse(&server.url()).unwrap()).await;
    for wrong in ["worker:wrong-secret@", "nobody:top-secret@", ""] {
        let url = format!("redis://{wrong}127.0.0.1:{}", server.port());
        let error = refusal(RedisOptions::parse(&url).unwrap()).await;
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_user_who_lacks_a_right_is_told_so() {
    let server = Redis::start(&RedisSettings::default()).unwrap();
    let mut raw = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    let mut user = |name: &str, rights: &[&str]| {
        let mut command = redis::cmd("ACL");
        command.arg("SETUSER").arg(name).arg("on").arg(">pw").arg(rights);
        command.exec(&mut raw).unwrap();
    };
    // All that a host needs: nothing that is dangerous but INFO.
    user("host", &["~{zapjobs}:*", "&{zapjobs}:*", "+@all", "-@dangerous", "+info"]);
    user("guest", &["~{zapjobs}:*", "&*", "+@read"]);
    user("other", &["~{other}:*", "&*", "+@all"]);
    let options = |user: &str| {
        RedisOptions::parse(&format!("redis://{user}:pw@127.0.0.1:{}", server.port())).unwrap()
    };
    serves(options("host")).await;
    for user in ["guest", "other"] {
        let error = refusal(options(user)).await;
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    }
    // Who may not ask for settings still gets an examination.
    let findings = examine(&options("host")).await;
    assert_eq!(subject(&findings, "persistence").verdict, Verdict::Good);
    assert!(subject(&findings, "persistence").found.contains("does not tell"));
}

#[tokio::test]
async fn an_examination_tells_the_kind_of_server_and_what_can_be_lost() {
    let more = vec![("maxmemory-policy".to_owned(), "allkeys-lru".to_owned())];
    let settings = RedisSettings { appendonly: false, more, ..RedisSettings::default() };
    let server = Redis::start(&settings).unwrap();
    let options = RedisOptions::parse(&server.url()).unwrap();
    let findings = examine(&options).await;
    assert_eq!(subject(&findings, "connection").verdict, Verdict::Good);
    assert_eq!(subject(&findings, "eviction policy").verdict, Verdict::Warning);
    assert_eq!(subject(&findings, "persistence").verdict, Verdict::Warning);
    assert_eq!(subject(&findings, "clock").verdict, Verdict::Good);
    assert!(subject(&findings, "schema").found.contains("not made yet"), "nothing is written");
    serves(options.clone()).await;
    let mut raw = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    redis::cmd("HSET").arg("{zapjobs}:quarantine").arg("id").arg("why").exec(&mut raw).unwrap();
    let findings = examine(&options).await;
    assert!(subject(&findings, "schema").found.contains("version 5"));
    assert_eq!(subject(&findings, "quarantine").verdict, Verdict::Warning);

    let safe = Redis::start(&RedisSettings::default()).unwrap();
    let findings = examine(&RedisOptions::parse(&safe.url()).unwrap()).await;
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Good), "{findings:?}");
    assert!(subject(&findings, "persistence").found.contains("every second"));
}

#[tokio::test]
async fn an_examination_of_what_cannot_be_used_says_why() {
    let cluster = RedisCluster::start().unwrap();
    let findings = examine(&RedisOptions::parse(&cluster.url()).unwrap()).await;
    assert_eq!(subject(&findings, "cluster").verdict, Verdict::Good, "{findings:?}");
    let findings = examine(&RedisOptions::parse(&cluster.nodes[0].url()).unwrap()).await;
    assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::Problem));
    assert!(findings[0].found.contains("redis-cluster://"), "{findings:?}");

    let mut server = Redis::start(&RedisSettings::default()).unwrap();
    let as_cluster = format!("redis-cluster://127.0.0.1:{}", server.port());
    let findings = examine(&RedisOptions::parse(&as_cluster).unwrap()).await;
    assert!(findings[0].found.contains("no node of a cluster"), "{findings:?}");
    server.stop().unwrap();
    let findings = examine(&RedisOptions::parse(&server.url()).unwrap()).await;
    assert_eq!((findings.len(), findings[0].verdict), (1, Verdict::Problem));
}
