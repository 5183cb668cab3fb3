//! The file with the HTTP API's endpoints.

use std::path::Path;

use zapjobs_api::{EndpointFile, Endpoints};
use zapjobs_model::TenantId;

use crate::errors::{Done, Failure};

/// Bytes of the file at most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads the endpoints; without a file there are none. Those that name no tenant are this one's.
pub(crate) fn read(path: Option<&Path>, tenant: &TenantId) -> Done<Endpoints> {
    let Some(path) = path else { return Ok(Endpoints::default()) };
    let place = path.display();
    let unreadable = |error| Failure::usage(format!("the file of endpoints {place}: {error}"));
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(Failure::usage(format!(
            "the file of endpoints {place} has {bytes} bytes: {FILE_BYTES_MAX} are allowed"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(&text, tenant)
        .map_err(|problem| Failure::usage(format!("the file of endpoints {place}: {problem}")))
}

fn parse(text: &str, tenant: &TenantId) -> Result<Endpoints, String> {
    let file: EndpointFile = toml::from_str(text).map_err(|error| {
        let before = error.span().map_or("", |span| &text[..span.start]);
        let line = before.matches('\n').count() + 1;
        format!("line {line}: {}", error.message().replace('\n', ", "))
    })?;
    Endpoints::new(file, tenant).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../docs/http-api.md");

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let (_, rest) = EXAMPLE.split_once("```toml\n").expect("an example");
        let (example, _) = rest.split_once("```").expect("its end");
        parse(example, &TenantId::standard()).unwrap_or_else(|problem| panic!("{problem}"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let refused = |text| parse(text, &TenantId::standard()).expect_err("wrong");
        let unknown = refused("[[endpoint]]\npath = \"/a\"\njob_type = \"x\"\nquue = \"y\"\n");
        assert!(unknown.starts_with("line 4: unknown field `quue`"), "{unknown}");
        let method =
            refused("[[endpoint]]\npath = \"/a\"\njob_type = \"x\"\nmethods = [\"HEAD\"]\n");
        assert!(method.starts_with("endpoint 1 (/a): the method \"HEAD\""), "{method}");
    }
}
