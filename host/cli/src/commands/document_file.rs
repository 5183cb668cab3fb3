//! Files that say what is to be kept: JSON, or TOML by the file's name.

use serde::de::DeserializeOwned;
use serde_json::Value;
use zapjobs_model::document::DOCUMENT_BYTES_MAX;

use super::text_file;
use crate::errors::{Done, Failure};

/// Reads a value from a file of JSON, or of TOML if its name ends with `.toml`, or from JSON on
/// stdin where the place is `-`. `what` names it in errors, such as `calendar`.
pub(super) fn read<T: DeserializeOwned>(what: &str, place: &str) -> Done<T> {
    let failed =
        |problem: String| Failure::usage(format!("the {what} {place} cannot be read: {problem}"));
    let text = text_file::read(place, DOCUMENT_BYTES_MAX as u64)
        .map_err(|error| failed(error.to_string()))?
        .ok_or_else(|| failed(format!("it is longer than {} KiB", DOCUMENT_BYTES_MAX >> 10)))?;
    let value = if place.ends_with(".toml") {
        let parsed: toml::Value =
            toml::from_str(&text).map_err(|error| failed(error.to_string()))?;
        from_toml(parsed).map_err(failed)?
    } else {
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?
    };
    serde_json::from_value(value).map_err(|error| failed(error.to_string()))
}

/// The same as JSON; dates and hours become their texts.
fn from_toml(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("the number {number} cannot be kept"))?,
        toml::Value::Boolean(yes) => yes.into(),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => {
            Value::Array(items.into_iter().map(from_toml).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| Ok((key, from_toml(value)?)))
                .collect::<Result<_, String>>()?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_toml_are_texts() {
        let parsed =
            toml::from_str("dates = [2027-04-02]\nfrom = 09:00:00\nn = 1.5").expect("TOML");
        let expected = serde_json::json!({ "dates": ["2027-04-02"], "from": "09:00:00", "n": 1.5 });
        assert_eq!(from_toml(parsed).expect("JSON"), expected);
    }
}
