//! Starts private servers, prints how to reach them, and stops them when its input ends.
//!
//! ```text
//! zapjobs-services SERVICE... [--no-fsync] [--data-in DIR] [-- program arguments...]
//! zapjobs-services install
//! ```
//!
//! The services are `postgres`, `redis`, `redis-sentinel` and `redis-cluster`; each has a
//! variable for its address: `ZAPJOBS_TEST_POSTGRES`, `ZAPJOBS_TEST_REDIS`,
//! `ZAPJOBS_TEST_REDIS_SENTINEL` and `ZAPJOBS_TEST_REDIS_CLUSTER`. Where Sentinels or a cluster
//! are the only Redis, `ZAPJOBS_TEST_REDIS` names them too.
//!
//! With a program, runs it with these variables in its environment and ends as it ends.
//! Without one, prints a line `NAME=address` for each and then `ready`, and waits until its
//! standard input is closed.
//!
//! - `--no-fsync`: servers that a run of tests shares. PostgreSQL does not wait for the disk,
//!   takes little memory and up to 600 connections; all data is in memory where there is room.
//! - `--data-in DIR`: keeps all data below this directory, whatever else was said. Started by
//!   root, PostgreSQL's own user has to be able to reach it.
//!
//! `install` makes sure that the servers' programs are there, with `apt-get` where it can.

mod arguments;

use std::any::Any;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};
use std::thread;

use zapjobs_services::{
    Postgres, PostgresSettings, Redis, RedisCluster, RedisSentinels, RedisSettings, install,
    memory_directory,
};

use crate::arguments::{Order, Plan, Service, parse, variables};

/// A server that stops when this is dropped.
type Running = Box<dyn Any + Send>;

fn main() -> ExitCode {
    let done = match parse(std::env::args().skip(1)) {
        Ok(Order::Install) => install(say).map(|()| ExitCode::SUCCESS),
        Ok(Order::Serve(plan)) => serve(&plan),
        Err(words) => Err(io::Error::new(io::ErrorKind::InvalidInput, words)),
    };
    done.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}

fn say(line: &str) {
    // Whoever does not listen still has it done.
    let _ = writeln!(io::stdout(), "{line}");
}

fn serve(plan: &Plan) -> io::Result<ExitCode> {
    let started = start_all(plan)?;
    let (_running, servers): (Vec<Running>, Vec<_>) = started.into_iter().unzip();
    let variables = variables(&servers);
    if let Some([program, arguments @ ..]) = plan.program.as_deref() {
        let ended = Command::new(program).args(arguments).envs(variables).status();
        let ended =
            ended.map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
        return Ok(ExitCode::from(code(ended)));
    }
    let mut out = io::stdout().lock();
    for (name, url) in variables {
        writeln!(out, "{name}={url}")?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    Ok(ExitCode::SUCCESS)
}

/// All at once: some wait long for each other.
fn start_all(plan: &Plan) -> io::Result<Vec<(Running, (Service, String))>> {
    let data_in = plan.data_in.clone().or_else(|| memory_directory().filter(|_| plan.no_fsync));
    thread::scope(|scope| {
        let start = |service| {
            let data_in = data_in.clone();
            scope.spawn(move || {
                let (running, url) = start(service, plan.no_fsync, data_in)?;
                Ok((running, (service, url)))
            })
        };
        let starting: Vec<_> = plan.services.iter().map(|service| start(*service)).collect();
        let started = starting.into_iter().map(|one| one.join().unwrap_or_else(|_| panicked()));
        started.collect()
    })
}

fn panicked<T>() -> io::Result<T> {
    Err(io::Error::other("starting a server panicked, as told above"))
}

fn start(
    service: Service,
    no_fsync: bool,
    data_in: Option<PathBuf>,
) -> io::Result<(Running, String)> {
    let settings = RedisSettings { data_in: data_in.clone(), ..Default::default() };
    Ok(match service {
        Service::Postgres => {
            let cheap = PostgresSettings::for_tests;
            let settings = if no_fsync { cheap() } else { PostgresSettings::default() };
            let server = Postgres::start(PostgresSettings { data_in, ..settings })?;
            let url = server.url();
            (Box::new(server), url)
        }
        Service::Redis => {
            let server = Redis::start(&settings)?;
            let url = server.url();
            (Box::new(server), url)
        }
        Service::RedisSentinel => {
            let servers = RedisSentinels::start_with(&settings)?;
            let url = servers.url();
            (Box::new(servers), url)
        }
        Service::RedisCluster => {
            let cluster = RedisCluster::start_with(&settings)?;
            let url = cluster.url();
            (Box::new(cluster), url)
        }
    })
}

/// As a shell gives it: a signal's number is added to 128.
fn code(ended: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&ended).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let signal = None;
    ended.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
