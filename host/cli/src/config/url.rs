//! Where runs are kept.

use std::fmt;

/// Parameters of an address whose values are secret.
const SECRET_PARAMETERS: [&str; 2] = ["password", "sslpassword"];
const HIDDEN: &str = "***";

/// The address of a storage. It may hold a password: shown, it has `***` in its place.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StorageUrl(String);

impl StorageUrl {
    pub(crate) fn new(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// The address with its password: for drivers only.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// Whether it holds a password.
    pub(crate) fn has_secret(&self) -> bool {
        self.to_string() != self.0
    }

    /// Whether what it holds ends with the process.
    pub(crate) fn is_in_process(&self) -> bool {
        self.0 == "memory:" || self.0 == "sqlite::memory:"
    }
}

impl fmt::Display for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_secrets(&self.0))
    }
}

impl fmt::Debug for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address without its password, whether or not it is well formed.
fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // By the last '@': a password that was not encoded may hold others.
    let shown = match rest.rsplit_once('@') {
        Some((login, place)) => match login.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{place}"),
            None => rest.to_owned(),
        },
        None => rest.to_owned(),
    };
    let Some((place, parameters)) = shown.split_once('?') else {
        return format!("{scheme}://{shown}");
    };
    let hidden: Vec<String> = parameters.split('&').map(without_secret_value).collect();
    format!("{scheme}://{place}?{}", hidden.join("&"))
}

fn without_secret_value(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if SECRET_PARAMETERS.contains(&name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://ada:hush@db.example/jobs",
            "postgres://ada:hu@hush@db.example/jobs",
            "postgres://ada:hush/hush@db.example/jobs?sslmode=require",
            "postgres://db.example/jobs?user=ada&password=hush",
            "redis://:hush@cache.example:6379/0",
            "redis+sentinel://ada:hush@a:1,b:2/main",
        ] {
            let url = StorageUrl::new(url);
            assert!(!url.to_string().contains("hu"), "{url}");
            assert!(!format!("{url:?}").contains("hu"), "{url:?}");
            assert!(url.to_string().contains("***"), "{url}");
        }
    }

    #[test]
    fn everything_else_is_shown_as_it_is() {
        for url in [
            "memory:",
            "sqlite:a@b.db",
            "postgres://ada@db.example:5432/jobs?sslmode=require",
            "redis://cache.example",
        ] {
            assert_eq!(StorageUrl::new(url).to_string(), url);
        }
    }
}
