//! Queries, read strictly: a parameter that a route does not know is refused.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};

use super::problem::{Code, Problem};

/// The parameter that chooses a tenant, for every route; `access` reads it.
pub(crate) const TENANT: &str = "tenant";

/// A query of this shape.
pub(crate) struct StrictQuery<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// The pairs of a query.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    serde_urlencoded::from_str(query)
        .map_err(|error| Problem::new(Code::BadQuery, format!("the query: {error}")))
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let mut own = pairs(query)?;
    own.retain(|(name, _)| name != TENANT);
    let text = serde_urlencoded::to_string(own)
        .map_err(|error| Problem::new(Code::BadQuery, format!("the query: {error}")))?;
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(form_pairs(&text)))
        .map_err(|error| {
            let place = match error.path().to_string() {
                place if place == "." => String::new(),
                place => format!("{place}: "),
            };
            Problem::new(Code::BadQuery, format!("the query: {place}{}", error.inner()))
        })
}

fn form_pairs(text: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(text.as_bytes())
}

/// How many are wanted, 1 to a maximum.
pub(crate) fn count(
    name: &str,
    given: Option<impl Into<usize>>,
    default: impl Into<usize>,
    max: usize,
) -> Result<usize, Problem> {
    let count = given.map_or_else(|| default.into(), Into::into);
    if (1..=max).contains(&count) {
        return Ok(count);
    }
    Err(Problem::new(Code::BadQuery, format!("{name}={count}: use 1 to {max}")))
}

/// Words separated by commas, each of this type.
pub(crate) fn commas<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|error| de::Error::custom(format!("{error}")))).collect()
}
