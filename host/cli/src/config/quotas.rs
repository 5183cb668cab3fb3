//! The file with the tenants' quotas.

use std::path::Path;

use zapjobs_runtime::TenantPolicy;

use crate::errors::{Done, Failure};

/// Bytes of the file at most.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Reads the quotas; without a file nothing is bounded.
pub(crate) fn read(path: Option<&Path>) -> Done<TenantPolicy> {
    let Some(path) = path else { return Ok(TenantPolicy::default()) };
    let place = path.display();
    let unreadable = |error| Failure::usage(format!("the file of quotas {place}: {error}"));
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(Failure::usage(format!(
            "the file of quotas {place} has {bytes} bytes: {FILE_BYTES_MAX} are allowed"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(&text).map_err(|problem| Failure::usage(format!("the file of quotas {place}: {problem}")))
}

fn parse(text: &str) -> Result<TenantPolicy, String> {
    let policy: TenantPolicy = toml::from_str(text).map_err(|error| {
        let before = error.span().map_or("", |span| &text[..span.start]);
        let line = before.matches('\n').count() + 1;
        format!("line {line}: {}", error.message().replace('\n', ", "))
    })?;
    policy.checked().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../docs/tenants.md");

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let (_, rest) = EXAMPLE.split_once("```toml\n").expect("an example");
        let (example, _) = rest.split_once("```").expect("its end");
        let policy = parse(example).expect("quotas");
        assert_eq!(policy.default.concurrent_runs_max, Some(32));
        assert_eq!(policy.tenants.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let unknown = parse("[default]\nruns = 1\n").expect_err("no such quota");
        assert!(unknown.starts_with("line 2: unknown field `runs`"), "{unknown}");
        let zero = parse("[tenants.acme]\nplugins_max = 0\n").expect_err("out of bounds");
        assert_eq!(zero, "plugins_max is 0: use 1 to 100000");
        let nobody = parse("[tenants.\"a b\"]\nweight = 2\n").expect_err("no name");
        assert!(nobody.starts_with("line 1: "), "{nobody}");
    }
}
