//! Parts of URLs.

use std::fmt::Write;

/// A login as it stands before the host: `user:password@`, `user@`, `:password@` or nothing.
pub(crate) fn login(user: Option<&str>, password: Option<&str>) -> String {
    let user = user.map(encode).unwrap_or_default();
    match password {
        Some(password) => format!("{user}:{}@", encode(password)),
        None if user.is_empty() => String::new(),
        None => format!("{user}@"),
    }
}

/// All but letters, digits and `-._~` as `%` and two digits.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes all");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_urls_is_encoded() {
        assert_eq!(login(Some("a b"), Some("p@s:s/ü%~")), "a%20b:p%40s%3As%2F%C3%BC%25~@");
        assert_eq!(login(None, Some("x")), ":x@");
        assert_eq!(login(Some("x"), None), "x@");
        assert_eq!(login(None, None), "");
    }
}
