//! JSON kept as text: parsed once where it enters, then only carried.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Text that is one valid JSON value. Cloning shares the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Arc<str>);

/// Text that is no JSON, and where it stops being so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON: {0}")]
pub struct InvalidJson(String);

impl Json {
    /// Checks that the text is one JSON value and takes it without the space around it.
    pub fn parse(text: &str) -> Result<Self, InvalidJson> {
        serde_json::from_str::<&RawValue>(text)
            .map(|raw| Self(raw.get().into()))
            .map_err(|error| InvalidJson(error.to_string()))
    }

    /// Takes text that this system wrote after it had been checked, such as a stored column.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The JSON of any value that serialises.
    pub fn of(value: &impl Serialize) -> Result<Self, InvalidJson> {
        serde_json::to_string(value)
            .map(|text| Self(text.into()))
            .map_err(|error| InvalidJson(error.to_string()))
    }

    /// `null`.
    pub fn null() -> Self {
        Self("null".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a tree.
    pub fn to_value(&self) -> Result<serde_json::Value, InvalidJson> {
        serde_json::from_str(&self.0).map_err(|error| InvalidJson(error.to_string()))
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_says_where_the_text_goes_wrong() {
        let error = Json::parse("{\"a\": }").expect_err("not JSON");
        assert!(error.to_string().contains("line 1 column 7"), "{error}");
    }

    #[test]
    fn text_goes_through_serde_unchanged() {
        let json = Json::parse(" {\"n\":1.50} ").expect("JSON");
        assert_eq!(serde_json::to_string(&[&json]).expect("serialises"), "[{\"n\":1.50}]");
        let back: Vec<Json> = serde_json::from_str("[{\"n\":1.50}]").expect("deserialises");
        assert_eq!(back, [json]);
    }
}
