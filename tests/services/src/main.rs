//! Starts a private server, prints how to reach it, and stops it when its input ends.
//!
//! ```text
//! zapjobs-services postgres [--no-fsync] [-- program arguments...]
//! zapjobs-services redis | redis-sentinel | redis-cluster [-- program arguments...]
//! ```
//!
//! Prints `ZAPJOBS_TEST_POSTGRES=...` or `ZAPJOBS_TEST_REDIS=...`. With a program, runs it with that in its environment
//! and ends as it ends; without, waits until its standard input is closed.

use std::any::Any;
use std::io::{self, Read, Write};
use std::process::{Command, ExitCode};

use zapjobs_services::{
    Postgres, PostgresSettings, Redis, RedisCluster, RedisSentinels, RedisSettings,
};

const USAGE: &str = "use: zapjobs-services postgres [--no-fsync] | redis | redis-sentinel | \
                     redis-cluster [-- program arguments...]";
const POSTGRES: &str = "ZAPJOBS_TEST_POSTGRES";
const REDIS: &str = "ZAPJOBS_TEST_REDIS";

/// A server that stops when this is dropped, the variable that names it, and its address.
type Serving = (Box<dyn Any>, &'static str, String);

fn main() -> ExitCode {
    match serve() {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<ExitCode> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let at = arguments.iter().position(|argument| argument == "--");
    let program = at.map_or_else(Vec::new, |at| arguments.split_off(at));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (_server, name, url) = start(&arguments)?;
    let variable = (name, url);
    if let [_, program, arguments @ ..] = program.as_slice() {
        let status = Command::new(program).args(arguments).envs([variable]).status()?;
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}={}", variable.0, variable.1)?;
    out.flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(ExitCode::SUCCESS)
}

fn start(arguments: &[&str]) -> io::Result<Serving> {
    match arguments {
        ["postgres"] => start_postgres(PostgresSettings::default()),
        ["postgres", "--no-fsync"] => {
            start_postgres(PostgresSettings { fsync: false, ..Default::default() })
        }
        ["redis"] => {
            let server = Redis::start(&RedisSettings::default())?;
            let url = server.url();
            Ok((Box::new(server), REDIS, url))
        }
        ["redis-sentinel"] => {
            let servers = RedisSentinels::start()?;
            let url = servers.url();
            Ok((Box::new(servers), REDIS, url))
        }
        ["redis-cluster"] => {
            let cluster = RedisCluster::start()?;
            let url = cluster.url();
            Ok((Box::new(cluster), REDIS, url))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, USAGE)),
    }
}

fn start_postgres(settings: PostgresSettings) -> io::Result<Serving> {
    let server = Postgres::start(settings)?;
    let url = server.url();
    Ok((Box::new(server), POSTGRES, url))
}
