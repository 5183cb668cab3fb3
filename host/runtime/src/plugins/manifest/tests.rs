use zapjobs_model::grants::{Host, HttpTarget, Scheme};

use super::*;

/// The reference that operators read.
const REFERENCE: &str = include_str!("../../../../../docs/manifest.md");

fn refusal(text: &str) -> String {
    Manifest::parse(text).expect_err(text).to_string()
}

#[test]
fn a_manifest_grants_directories_and_narrows_limits() {
    let text = "[[directory]]\nhost = \"/srv\"\nguest = \"/in\"\naccess = \"ro\"\n\
                [limits]\ncpu_ms_max = 10\nwall_ms_max = 900000000\n";
    let manifest = Manifest::parse(text).expect("a manifest");
    assert_eq!(manifest.grants().directories[0].access, Access::ReadOnly);
    let host = Limits::default();
    let limits = manifest.narrow(&host);
    assert_eq!(limits.cpu_ms_max, 10);
    assert_eq!(limits.wall_ms_max, host.wall_ms_max, "a manifest cannot widen");
}

#[test]
fn a_manifest_that_says_something_unknown_is_refused_with_its_line() {
    for (text, expected) in [
        ("[limits]\ncpu_max = 1\n", "line 2: there is no limit \"cpu_max\""),
        ("[limits]\ncpu_ms_max = 0\n", "line 2: cpu_ms_max is 0: use 1 to 86400000"),
        ("[[directory]]\nhost = \"in\"\nguest = \"/in\"\naccess = \"ro\"\n", "line 1: directory"),
        ("[[directory]]\nhost = \"/in\"\nguest = \"/a/../b\"\naccess = \"ro\"\n", ".."),
        ("[[directory]]\nhost = \"/in\"\nguest = \"/in\"\naccess = \"all\"\n", "line 4"),
        ("digest = \"sha1:00\"\n", "64 hexadecimal digits"),
        ("\n[[http]]\nhost = \"127.1\"\n", "line 3: \"127.1\" is no host"),
        ("[[http]]\nhost = \"a.example\"\nmethods = [\"post\"]\n", "line 3: \"post\" is no method"),
        ("[[http]]\nhost = \"a.example\"\npaths = [\"v1\"]\n", "line 3: \"v1\" is no pattern"),
        ("[[http]]\nhost = \"a.example\"\nscheme = \"ftp\"\n", "line 3: unknown variant"),
        ("[[http]]\nhost = \"a.example\"\nmethod = \"GET\"\n", "line 3: unknown field"),
        ("[[http]]\nhost = \"a\"\nprivate_addresses = 1\n", "line 3: use true, false, or a list"),
        ("[[http]]\nhost = \"a\"\nprivate_addresses = [\"10.0.0.1/8\"]\n", "have to be zero"),
        ("[[http]]\nhost = \"a\"\nport = 70000\n", "line 3"),
        ("[env]\n\"A B\" = \"x\"\n", "is no environment variable"),
        ("[config]\nn = 1\n", "line 2"),
        ("tenants = [\"a b\"]\n", "line 1"),
        ("[jobs.mail.retry]\ntries = 3\n", "line 2: unknown field"),
        ("[jobs.mail.retry]\nkind = \"often\"\n", "line 2: unknown variant"),
        ("[jobs.mail.retry]\nnot_retried = [\"a*\"]\n", "line 2: invalid error type"),
        ("[jobs.mail.retry]\nmax_attempts = 0\n", "[jobs.mail.retry]: invalid retry policy"),
        ("[jobs.\"a b\".retry]\n", "line 1"),
        ("\n[secrets.T]\nenv = \"A\"\n", "line 2: a secret needs `hosts`"),
        (
            "[secrets.T]\nenv = \"A\"\nhosts = [\"a.example\"]\n",
            "the secret T may go to a.example, which no [[http]] entry allows",
        ),
    ] {
        let error = refusal(text);
        assert!(error.contains(expected), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_manifest_restricts_tenants_and_queues() {
    let (a, b) = (TenantId::new("a").expect("good"), TenantId::new("b").expect("good"));
    let manifest = Manifest::parse("tenants = [\"a\"]\nqueues = [\"q\"]\n").expect("a manifest");
    assert!(manifest.serves_tenant(&a) && !manifest.serves_tenant(&b));
    let (q, r) = (QueueName::new("q").expect("good"), QueueName::new("r").expect("good"));
    assert!(manifest.serves_queue(&q) && !manifest.serves_queue(&r));
    let open = Manifest::default();
    assert!(open.serves_tenant(&b) && open.serves_queue(&r));
}

#[test]
fn no_hosts_and_nothing_said_of_hosts_are_two_things() {
    assert_eq!(Manifest::default().grants().http, None);
    assert_eq!(Manifest::parse("http = []\n").expect("a manifest").grants().http, Some(vec![]));
}

#[test]
fn the_example_of_the_reference_is_a_manifest_and_says_all_that_there_is() {
    let (_, rest) = REFERENCE.split_once("```toml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let manifest = Manifest::parse(example).expect("a manifest");
    let grants = manifest.grants();
    let target = HttpTarget {
        scheme: Scheme::Https,
        host: Host::parse("api.example.com").expect("a host"),
        port: 443,
        method: "POST".into(),
        path: "/v1/reports/7".into(),
    };
    assert!(grants.hosts().iter().any(|grant| grant.allows(&target)));
    assert_eq!(grants.secrets.len(), 2);
    let tables =
        ["tenants", "queues", "digest", "directory", "http", "env", "config", "secrets", "limits"];
    for table in tables {
        assert!(example.contains(table), "{table} is not in the example");
    }
    assert!(
        manifest.digest().is_some()
            && manifest.queues().is_some()
            && !grants.environment.is_empty()
    );
    assert!(!grants.settings.is_empty() && !grants.directories.is_empty());
}

#[test]
fn a_manifest_says_how_a_job_is_tried_again_in_place_of_the_plugin() {
    let text = "[jobs.mail.retry]\nmax_attempts = 9\ndelays_ms = [5, 10]\n\
                not_retried = [\"config.*\"]\n[jobs.other]\n";
    let manifest = Manifest::parse(text).expect("a manifest");
    let declared = RetryPolicy { jitter: 0.5, ..RetryPolicy::default() };
    let mail = JobType::new("mail").expect("a name");
    let retry = manifest.retry(&mail, &declared).expect("it fits");
    assert_eq!((retry.max_attempts, retry.jitter), (9, 0.5));
    assert!(!retry.retries("config.missing") && retry.delays_ms == [5, 10]);
    let other = JobType::new("other").expect("a name");
    assert_eq!(manifest.retry(&other, &declared), Ok(declared));
    assert_eq!(manifest.jobs().map(JobType::as_str).collect::<Vec<_>>(), ["mail", "other"]);
}
