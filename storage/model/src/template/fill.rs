//! Placeholders in an input: where they are, and what takes their place.
//!
//! Values nest no deeper than a parser of JSON takes, 128 levels.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{PLACEHOLDER, Parameter, ParameterValues, TemplateError};
use crate::ParameterName;

/// How often each parameter stands in the input. Refuses placeholders that name none.
pub(super) fn uses(
    input: &Value,
    parameters: &BTreeMap<ParameterName, Parameter>,
) -> Result<BTreeMap<ParameterName, u64>, TemplateError> {
    let mut uses = BTreeMap::new();
    look(input, "", parameters, &mut uses)?;
    Ok(uses)
}

fn look(
    value: &Value,
    at: &str,
    parameters: &BTreeMap<ParameterName, Parameter>,
    uses: &mut BTreeMap<ParameterName, u64>,
) -> Result<(), TemplateError> {
    let place = || if at.is_empty() { "/".to_owned() } else { at.to_owned() };
    match value {
        Value::Object(members) if members.contains_key(PLACEHOLDER) => {
            let bad = || TemplateError::BadPlaceholder { at: place() };
            let text = members[PLACEHOLDER].as_str().filter(|_| members.len() == 1);
            let text = text.ok_or_else(bad)?;
            match parameters.get_key_value(text) {
                Some((name, _)) => *uses.entry(name.clone()).or_default() += 1,
                None => {
                    let name = text.chars().take(80).collect();
                    return Err(TemplateError::Undescribed { at: place(), name });
                }
            }
            Ok(())
        }
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            look(value, &format!("{at}/{key}"), parameters, uses)
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| look(value, &format!("{at}/{index}"), parameters, uses)),
        _ => Ok(()),
    }
}

/// The value with its placeholders filled in; `None` where it is one that has no value.
pub(super) fn filled(value: &Value, values: &ParameterValues) -> Option<Value> {
    match value {
        Value::Object(members) => match members.get(PLACEHOLDER).and_then(Value::as_str) {
            Some(name) => values.get(name).cloned(),
            None => {
                let member =
                    |(key, value): (&String, &Value)| Some((key.clone(), filled(value, values)?));
                Some(Value::Object(members.iter().filter_map(member).collect::<Map<_, _>>()))
            }
        },
        Value::Array(items) => {
            let item = |value: &Value| filled(value, values).unwrap_or(Value::Null);
            Some(Value::Array(items.iter().map(item).collect()))
        }
        plain => Some(plain.clone()),
    }
}
