//! Which of the grants allow a request.

use wasmtime_wasi_http::Error;
use zapjobs_model::{HttpGrant, HttpTarget};

use super::{Failure, quoted};

/// The numbers of the grants that allow a request, at least one.
pub(crate) fn check(grants: &[HttpGrant], target: &HttpTarget) -> Result<Vec<usize>, Failure> {
    let allowing: Vec<usize> =
        grants.iter().enumerate().filter(|(_, it)| it.allows(target)).map(|(n, _)| n).collect();
    if allowing.is_empty() {
        return Err(Failure::said(Error::HttpRequestDenied, refusal(target)));
    }
    Ok(allowing)
}

/// What the log says of a request that no grant allows.
pub(crate) fn refusal(target: &HttpTarget) -> String {
    format!(
        "a request was refused: {target}: no grant allows it: these lines in the plugin's \
         manifest would: {}",
        quoted(&target.lines())
    )
}

#[cfg(test)]
mod tests {
    use zapjobs_model::grants::HostPattern;

    use super::*;
    use crate::egress::target;

    #[test]
    fn a_refusal_shows_the_lines_that_would_allow_the_request() {
        let grants = [HttpGrant::to(HostPattern::parse("a.example").expect("a host"))];
        let post = |url: &str| {
            target::read(&http::Method::POST, &url.parse().expect("a URL")).expect("a target")
        };
        let failure = check(&grants, &post("https://a.example/v1?token=x")).expect_err("refused");
        assert!(matches!(failure.error, Error::HttpRequestDenied));
        assert_eq!(
            failure.line.expect("a line"),
            "a request was refused: POST https://a.example/v1: no grant allows it: these lines \
             in the plugin's manifest would: `[[http]]`, `host = \"a.example\"`, `methods = \
             [\"POST\"]`, `paths = [\"/v1\"]`"
        );
    }
}
