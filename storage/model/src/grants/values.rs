//! Values that an operator gives a plugin: environment variables, and settings by key.
//!
//! **Invariant:** their number and bytes are bounded, whoever wrote them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::InvalidGrant;

/// Values of one kind at most.
const VALUES_MAX: usize = 256;
/// Bytes of a name at most.
const NAME_BYTES_MAX: usize = 256;
/// Bytes of a value at most.
const VALUE_BYTES_MAX: usize = 32 << 10;
/// Bytes of all names and values of one kind at most.
const BYTES_MAX: usize = 128 << 10;

/// Environment variables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Environment(BTreeMap<String, String>);

/// Settings, by keys of any form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Settings(BTreeMap<String, String>);

macro_rules! values {
    ($type:ident) => {
        impl $type {
            /// The value with this name.
            pub fn get(&self, name: &str) -> Option<&str> {
                self.0.get(name).map(String::as_str)
            }

            /// All names with their values, in the order of the names.
            pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
                self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
            }

            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }
    };
}

values!(Environment);
values!(Settings);

impl TryFrom<BTreeMap<String, String>> for Environment {
    type Error = InvalidGrant;

    fn try_from(values: BTreeMap<String, String>) -> Result<Self, InvalidGrant> {
        values.keys().try_for_each(|name| variable(name))?;
        if let Some((name, _)) = values.iter().find(|(_, value)| value.contains('\0')) {
            return Err(InvalidGrant(format!("the value of {name} has a zero byte: remove it")));
        }
        bounded(&values)?;
        Ok(Self(values))
    }
}

impl TryFrom<BTreeMap<String, String>> for Settings {
    type Error = InvalidGrant;

    fn try_from(values: BTreeMap<String, String>) -> Result<Self, InvalidGrant> {
        bounded(&values)?;
        Ok(Self(values))
    }
}

/// Refuses what cannot be the name of an environment variable.
pub(super) fn variable(name: &str) -> Result<(), InvalidGrant> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let well_formed = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(known)
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if well_formed {
        return Ok(());
    }
    let shown: String = name.chars().take(100).collect();
    Err(InvalidGrant(format!(
        "{shown:?} is no environment variable: use letters, digits and _, at most \
         {NAME_BYTES_MAX}, and no digit first"
    )))
}

fn bounded(values: &BTreeMap<String, String>) -> Result<(), InvalidGrant> {
    if values.len() > VALUES_MAX {
        return Err(InvalidGrant(format!(
            "there are {} values: use at most {VALUES_MAX}",
            values.len()
        )));
    }
    let mut bytes = 0;
    for (name, value) in values {
        bytes += name.len() + value.len();
        if name.is_empty() || name.len() > NAME_BYTES_MAX || value.len() > VALUE_BYTES_MAX {
            let shown: String = name.chars().take(100).collect();
            return Err(InvalidGrant(format!(
                "{shown:?} has {} bytes and its value {}: use 1 to {NAME_BYTES_MAX} and at most \
                 {VALUE_BYTES_MAX}",
                name.len(),
                value.len()
            )));
        }
    }
    if bytes > BYTES_MAX {
        return Err(InvalidGrant(format!(
            "names and values have {bytes} bytes in all: use at most {BYTES_MAX}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, value: String) -> Result<Environment, InvalidGrant> {
        Environment::try_from(BTreeMap::from([(name.to_owned(), value)]))
    }

    #[test]
    fn variables_have_names_that_every_system_takes() {
        assert!(environment("A_1", "x".into()).is_ok());
        for name in ["", "1A", "A=B", "A B", "\u{e4}", "A\0"] {
            assert!(environment(name, "x".into()).is_err(), "{name:?}");
        }
        assert!(environment("A", "a\0b".into()).is_err());
    }

    #[test]
    fn values_are_bounded_one_by_one_and_in_all() {
        assert!(environment("A", "x".repeat(VALUE_BYTES_MAX)).is_ok());
        assert!(environment("A", "x".repeat(VALUE_BYTES_MAX + 1)).is_err());
        let many = (0..=VALUES_MAX).map(|n| (n.to_string(), String::new()));
        assert!(Settings::try_from(many.collect::<BTreeMap<_, _>>()).is_err());
        let large = (0..5).map(|n| (n.to_string(), "x".repeat(VALUE_BYTES_MAX)));
        assert!(Settings::try_from(large.collect::<BTreeMap<_, _>>()).is_err());
    }
}
