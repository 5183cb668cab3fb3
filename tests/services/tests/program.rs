//! The program: servers for another one, and for whoever reads its lines.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::process::{Command, Stdio};

fn program(arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_zapjobs-services"));
    program.args(arguments);
    program
}

/// What it said, what it complained of, and how it ended.
fn run(arguments: &[&str]) -> (String, String, Option<i32>) {
    let ended = program(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(ended.stdout), text(ended.stderr), ended.status.code())
}

#[test]
fn all_services_run_for_one_program_and_have_a_variable_each() {
    let script = "for url in $ZAPJOBS_TEST_POSTGRES $ZAPJOBS_TEST_REDIS \
                  $ZAPJOBS_TEST_REDIS_SENTINEL $ZAPJOBS_TEST_REDIS_CLUSTER; do echo $url; done; \
                  psql -qtA $ZAPJOBS_TEST_POSTGRES -c 'SHOW data_directory' -c 'SHOW fsync' \
                  -c 'SHOW max_connections'; redis-cli -u $ZAPJOBS_TEST_REDIS PING";
    let within = tempfile::tempdir().unwrap();
    // PostgreSQL's user has to reach its own directory in there.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(within.path(), open).unwrap();
    let directory = within.path().to_str().unwrap();
    let services = ["postgres", "--no-fsync", "redis", "redis-sentinel", "redis-cluster"];
    let arguments = [&services[..], &["--data-in", directory, "--", "sh", "-c", script]].concat();
    let (said, complaints, code) = run(&arguments);
    assert_eq!(code, Some(0), "{complaints}");
    let lines: Vec<&str> = said.lines().collect();
    let beginnings = [
        "postgres://postgres@127.0.0.1:",
        "redis://127.0.0.1:",
        "redis+sentinel://127.0.0.1:",
        "redis-cluster://127.0.0.1:",
        directory,
        "off",
        "600",
        "PONG",
    ];
    assert_eq!(lines.len(), beginnings.len(), "{said}");
    for (line, beginning) in lines.iter().zip(beginnings) {
        assert!(line.starts_with(beginning), "{line}");
    }
    assert_eq!(within.path().read_dir().unwrap().count(), 0, "nothing is left");
}

#[test]
fn it_ends_as_the_program_ends() {
    assert_eq!(run(&["redis", "--", "sh", "-c", "exit 7"]).2, Some(7));
    assert_eq!(run(&["redis", "--", "sh", "-c", "kill -9 $$"]).2, Some(137));
    let (_, complaints, code) = run(&["redis", "--", "no-such-program"]);
    assert!(complaints.contains("no-such-program"), "{complaints}");
    assert_eq!(code, Some(1));
}

#[test]
fn without_a_program_it_prints_lines_and_serves_until_its_input_ends() {
    let mut running = program(&["redis-cluster"]);
    let mut running = running.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(b"not the end yet\n").unwrap();
    let mut said = String::new();
    let mut stdout = running.stdout.take().unwrap();
    while !said.ends_with("ready\n") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        said.push(char::from(byte[0]));
    }
    let lines: Vec<&str> = said.lines().collect();
    let [cluster, redis, "ready"] = lines.as_slice() else { panic!("{said}") };
    let url = cluster.strip_prefix("ZAPJOBS_TEST_REDIS_CLUSTER=redis-cluster://").unwrap();
    assert!(redis.ends_with(url) && redis.starts_with("ZAPJOBS_TEST_REDIS="));
    for place in url.split(',') {
        std::net::TcpStream::connect(place).unwrap();
    }
    drop(stdin);
    assert!(running.wait().unwrap().success());
    for place in url.split(',') {
        assert!(std::net::TcpStream::connect(place).is_err());
    }
}

#[test]
fn wrong_arguments_are_told_with_the_right_ones() {
    let (said, complaints, code) = run(&["mysql"]);
    assert!(complaints.contains("unknown: mysql") && complaints.contains("redis-sentinel"));
    assert_eq!((said.as_str(), code), ("", Some(1)));
}

#[test]
fn install_says_where_the_programs_are() {
    let (said, complaints, code) = run(&["install"]);
    assert_eq!(code, Some(0), "{complaints}");
    for name in ["initdb", "postgres", "redis-server", "pgbouncer", "openssl"] {
        assert!(said.contains(&format!("{name}: /")), "{said}");
    }
}
