//! What a path names.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::{Code, Problem};

/// The one thing that the path names.
pub(crate) struct Named<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Named<T>
where
    T: FromStr,
    T::Err: Display,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::new(Code::BadPath, format!("the path: {error}")))?;
        text.parse().map(Self).map_err(|error: T::Err| {
            let shown: String = text.chars().take(80).collect();
            Problem::new(Code::BadPath, format!("{shown:?} in the path: {error}"))
        })
    }
}
