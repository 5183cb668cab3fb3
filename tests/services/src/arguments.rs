//! The command line.

use std::path::PathBuf;

/// What there is to say.
pub(crate) const USAGE: &str = "use: zapjobs-services install\n\
     or:  zapjobs-services SERVICE... [--no-fsync] [--data-in DIR] [-- program arguments...]\n\
     services: postgres, redis, redis-sentinel, redis-cluster";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Postgres,
    Redis,
    RedisSentinel,
    RedisCluster,
}

/// Which servers to start, how, and for what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) services: Vec<Service>,
    pub(crate) no_fsync: bool,
    pub(crate) data_in: Option<PathBuf>,
    /// The program to run and its arguments.
    pub(crate) program: Option<Vec<String>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Install,
    Serve(Plan),
}

/// What the arguments say, or what is wrong with them.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Order, String> {
    let mut plan = Plan { services: Vec::new(), no_fsync: false, data_in: None, program: None };
    let mut arguments = arguments.into_iter();
    let mut is_install = false;
    while let Some(argument) = arguments.next() {
        let service = match argument.as_str() {
            "install" => {
                is_install = true;
                continue;
            }
            "--no-fsync" => {
                plan.no_fsync = true;
                continue;
            }
            "--data-in" => {
                let directory = arguments.next().ok_or("--data-in needs a directory")?;
                plan.data_in = Some(directory.into());
                continue;
            }
            "--" => {
                plan.program = Some(arguments.by_ref().collect());
                break;
            }
            "postgres" => Service::Postgres,
            "redis" => Service::Redis,
            "redis-sentinel" => Service::RedisSentinel,
            "redis-cluster" => Service::RedisCluster,
            other => return Err(format!("unknown: {other}\n{USAGE}")),
        };
        if plan.services.contains(&service) {
            return Err(format!("named twice: {argument}"));
        }
        plan.services.push(service);
    }
    if plan.program.as_ref().is_some_and(Vec::is_empty) {
        return Err(format!("no program after --\n{USAGE}"));
    }
    let nothing = Plan { services: Vec::new(), no_fsync: false, data_in: None, program: None };
    match (is_install, plan) {
        (true, plan) if plan == nothing => Ok(Order::Install),
        (false, plan) if !plan.services.is_empty() => Ok(Order::Serve(plan)),
        _ => Err(USAGE.to_owned()),
    }
}

/// The variables that name servers. Where one kind of Redis is the only one, it is what tests
/// of any Redis run with.
pub(crate) fn variables(servers: &[(Service, String)]) -> Vec<(&'static str, &str)> {
    const REDIS: &str = "ZAPJOBS_TEST_REDIS";
    let mut variables = Vec::new();
    for (service, url) in servers {
        let name = match service {
            Service::Postgres => "ZAPJOBS_TEST_POSTGRES",
            Service::Redis => REDIS,
            Service::RedisSentinel => "ZAPJOBS_TEST_REDIS_SENTINEL",
            Service::RedisCluster => "ZAPJOBS_TEST_REDIS_CLUSTER",
        };
        variables.push((name, url.as_str()));
    }
    let mut redis = servers.iter().filter(|(service, _)| *service != Service::Postgres);
    if let (Some((Service::RedisSentinel | Service::RedisCluster, url)), None) =
        (redis.next(), redis.next())
    {
        variables.push((REDIS, url));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Order, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn services_options_and_a_program_may_stand_together() {
        let line =
            "postgres --no-fsync redis redis-sentinel redis-cluster --data-in /d -- run -- x";
        let plan = Plan {
            services: vec![
                Service::Postgres,
                Service::Redis,
                Service::RedisSentinel,
                Service::RedisCluster,
            ],
            no_fsync: true,
            data_in: Some("/d".into()),
            program: Some(["run", "--", "x"].map(str::to_owned).into()),
        };
        assert_eq!(parsed(line), Ok(Order::Serve(plan)));
        assert_eq!(parsed("install"), Ok(Order::Install));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let wrong = ["", "--no-fsync", "mysql", "redis redis", "redis --data-in", "redis --"];
        for line in wrong.into_iter().chain(["install redis", "install --no-fsync", "-- true"]) {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn each_service_has_its_variable_and_the_only_redis_has_two() {
        let names = |services: &[Service]| {
            let servers: Vec<_> = services.iter().map(|one| (*one, "url".to_owned())).collect();
            let named: Vec<_> = variables(&servers).into_iter().map(|(name, _)| name).collect();
            named.join(" ").replace("ZAPJOBS_TEST_", "")
        };
        use Service::{Postgres, Redis, RedisCluster, RedisSentinel};
        assert_eq!(names(&[Redis]), "REDIS");
        assert_eq!(names(&[RedisCluster]), "REDIS_CLUSTER REDIS");
        assert_eq!(names(&[RedisSentinel, Postgres]), "REDIS_SENTINEL POSTGRES REDIS");
        assert_eq!(names(&[RedisSentinel, RedisCluster]), "REDIS_SENTINEL REDIS_CLUSTER");
        assert_eq!(
            names(&[Postgres, Redis, RedisSentinel, RedisCluster]),
            "POSTGRES REDIS REDIS_SENTINEL REDIS_CLUSTER"
        );
    }
}
