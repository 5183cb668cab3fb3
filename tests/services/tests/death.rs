//! A process that is killed takes its servers with it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WAIT_MAX: Duration = Duration::from_secs(30);

/// The children of a process, and theirs.
fn descendants(process: u32) -> Vec<u32> {
    let asked = Command::new("ps").args(["-o", "pid=", "--ppid", &process.to_string()]).output();
    let text = String::from_utf8(asked.unwrap().stdout).unwrap();
    let children = text.split_whitespace().map(|pid| pid.parse().unwrap());
    children.flat_map(|child: u32| [vec![child], descendants(child)].concat()).collect()
}

fn is_alive(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn servers_end_with_the_program(arguments: &[&str], processes_min: usize) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_zapjobs-services"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take_while(|line| line != "ready").collect();
    let address = lines[0].rsplit_once('@').map_or_else(
        || lines[0].split_once("//").unwrap().1.to_owned(),
        |(_, address)| address.to_owned(),
    );
    let address = address.split('/').next().unwrap();
    TcpStream::connect(address).expect("it serves");
    let servers = descendants(program.id());
    assert!(servers.len() >= processes_min, "{servers:?}");
    program.kill().unwrap();
    program.wait().unwrap();
    let began = Instant::now();
    // A process of several threads counts as ended while the last of them still hold its port.
    while servers.iter().any(|server| is_alive(*server)) || TcpStream::connect(address).is_ok() {
        assert!(began.elapsed() < WAIT_MAX, "servers are left");
        std::thread::yield_now();
    }
}

#[test]
fn redis_ends_with_the_process_that_started_it() {
    servers_end_with_the_program(&["redis"], 1);
}

#[test]
fn postgres_ends_with_all_its_processes() {
    servers_end_with_the_program(&["postgres", "--no-fsync"], 4);
}
