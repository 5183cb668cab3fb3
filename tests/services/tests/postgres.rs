//! Servers of PostgreSQL, and PgBouncer before one, asked with `psql`.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Stdio};

use zapjobs_services::{PgBouncer, PoolMode, Postgres, PostgresSettings};

fn small() -> PostgresSettings {
    PostgresSettings { connections_max: 20, ..PostgresSettings::for_tests() }
}

fn psql(url: &str, statements: &[&str]) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "-qtA", "-v", "ON_ERROR_STOP=1", url]).env("PGCONNECT_TIMEOUT", "10");
    for statement in statements {
        psql.args(["-c", statement]);
    }
    psql
}

/// What `psql` answers to statements of one session; errors are answers too.
fn ask(url: &str, statements: &[&str]) -> String {
    let asked = psql(url, statements).output().unwrap();
    String::from_utf8([asked.stdout, asked.stderr].concat()).unwrap().trim().to_owned()
}

#[test]
fn settings_are_the_servers() {
    let more = vec![("work_mem".to_owned(), "7MB".to_owned())];
    let server = Postgres::start(PostgresSettings { more, ..small() }).unwrap();
    let show = |name| ask(&server.url(), &[&format!("SHOW {name}")]);
    assert_eq!(
        ["work_mem", "fsync", "synchronous_commit", "max_connections"].map(show),
        ["7MB", "off", "on", "20"]
    );
}

#[test]
fn a_killed_server_recovers_what_was_committed() {
    let mut server = Postgres::start(PostgresSettings { fsync: true, ..small() }).unwrap();
    let url = server.url();
    ask(&url, &["CREATE TABLE t (n int)", "INSERT INTO t VALUES (1)"]);
    let mut open = psql(&url, &["SELECT pg_sleep(600)"]).stderr(Stdio::null()).spawn().unwrap();
    server.kill().unwrap();
    assert!(!open.wait().unwrap().success());
    assert!(ask(&url, &["SELECT 1"]).contains("refused"));
    server.start_again().unwrap();
    assert_eq!(ask(&url, &["SELECT n FROM t"]), "1");
    server.stop().unwrap();
    server.start_again().unwrap();
    assert_eq!(ask(&url, &["SELECT n FROM t"]), "1");
}

#[test]
fn a_paused_server_does_not_answer_until_it_is_resumed() {
    let mut server = Postgres::start(small()).unwrap();
    let url = server.url();
    server.pause().unwrap();
    let mut asked = psql(&url, &["SELECT 1"]).stdout(Stdio::null()).spawn().unwrap();
    let pid = server.pid().unwrap();
    let children = Command::new("ps").args(["-o", "stat=", "--ppid", &pid.to_string()]).output();
    let children = String::from_utf8(children.unwrap().stdout).unwrap();
    assert!(children.lines().count() >= 3, "{children}");
    assert!(children.lines().all(|state| state.starts_with('T')), "{children}");
    assert!(asked.try_wait().unwrap().is_none());
    server.resume().unwrap();
    assert!(asked.wait().unwrap().success());
    server.pause().unwrap();
    server.stop().unwrap();
    server.start_again().unwrap();
    server.pause().unwrap();
    server.kill().unwrap();
}

#[test]
fn a_password_with_any_character_is_demanded_and_works_in_the_url() {
    let password = Some("p@s:s/w \"ö\\%?#'".to_owned());
    let server = Postgres::start(PostgresSettings { password, ..small() }).unwrap();
    assert_eq!(ask(&server.url(), &["SELECT current_user"]), "postgres");
    let stored = ask(&server.url(), &["SELECT rolpassword FROM pg_authid WHERE rolsuper"]);
    assert!(stored.starts_with("SCRAM-SHA-256"), "{stored}");
    let wrong = format!("postgres://postgres:wrong@127.0.0.1:{}/postgres", server.port());
    assert!(ask(&wrong, &["SELECT 1"]).contains("password authentication failed"));
    let bouncer = PgBouncer::start(&server, PoolMode::Transaction).unwrap();
    assert_eq!(ask(&bouncer.url(), &["SELECT current_user"]), "postgres");
    let wrong = format!("postgres://postgres:wrong@127.0.0.1:{}/postgres", bouncer.port());
    assert!(ask(&wrong, &["SELECT 1"]).contains("authentication failed"));
}

#[test]
fn with_tls_the_certificate_is_verified_and_plain_clients_are_refused() {
    let tls = || Postgres::start(PostgresSettings { tls: true, ..small() }).unwrap();
    let (server, other) = (tls(), tls());
    let ssl = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(ask(&server.url(), &[ssl]), "t");
    let file = |server: &Postgres| server.certificate().unwrap().display().to_string();
    let stranger = server.url().replace(&file(&server), &file(&other));
    assert!(ask(&stranger, &[ssl]).contains("certificate verify failed"));
    let plain = server.url().split('?').next().unwrap().to_owned() + "?sslmode=disable";
    assert!(ask(&plain, &[ssl]).contains("no encryption"));
    let bouncer = PgBouncer::start(&server, PoolMode::Session).unwrap();
    assert_eq!(ask(&bouncer.url(), &[ssl]), "t");
}

#[test]
fn pgbouncer_shares_connections_between_transactions() {
    let server = Postgres::start(small()).unwrap();
    let mut bouncer = PgBouncer::start(&server, PoolMode::Transaction).unwrap();
    assert_eq!(ask(&bouncer.url(), &["SELECT 1"]), "1");
    let pid = "SELECT pg_backend_pid()";
    assert_eq!(ask(&bouncer.url(), &[pid]), ask(&bouncer.url(), &[pid]), "one is enough");
    bouncer.stop().unwrap();
    assert!(ask(&bouncer.url(), &["SELECT 1"]).contains("refused"));
    bouncer.start_again().unwrap();
    assert_eq!(ask(&bouncer.url(), &["SELECT 1"]), "1");
    let session = PgBouncer::start(&server, PoolMode::Session).unwrap();
    assert_eq!(ask(&session.url(), &["SELECT 1"]), "1");
    let statement = PgBouncer::start(&server, PoolMode::Statement).unwrap();
    let refused = ask(&statement.url(), &["BEGIN"]);
    assert!(refused.contains("not allowed"), "{refused}");
}

#[test]
fn a_port_that_another_took_is_told_apart() {
    let mut server = Postgres::start(small()).unwrap();
    let mut bouncer = PgBouncer::start(&server, PoolMode::Transaction).unwrap();
    bouncer.stop().unwrap();
    server.stop().unwrap();
    let take = |port| std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let taken = [take(server.port()), take(bouncer.port())];
    assert_eq!(server.start_again().unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    assert_eq!(bouncer.start_again().unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    drop(taken);
    server.start_again().unwrap();
    bouncer.start_again().unwrap();
    assert_eq!(ask(&bouncer.url(), &["SELECT 1"]), "1");
}

#[test]
fn a_wrong_setting_is_told_with_the_servers_words() {
    let more = vec![("work_mem".to_owned(), "nonsense".to_owned())];
    let error = Postgres::start(PostgresSettings { more, ..small() }).unwrap_err();
    assert!(error.to_string().contains("PostgreSQL did not start"), "{error}");
    assert!(error.to_string().contains("nonsense"), "{error}");
    let password = Some("two\nlines".to_owned());
    let error = Postgres::start(PostgresSettings { password, ..small() }).unwrap_err();
    assert!(error.to_string().contains("one line"), "{error}");
}
