use std::env::VarError;

use http::Method;

use super::*;
use crate::egress::target;

fn grant(json: &str) -> SecretGrant {
    serde_json::from_str(json).expect("a grant")
}

fn name(text: &str) -> SecretName {
    SecretName::parse(text).expect("a name")
}

fn read(json: &str, value: &str) -> Result<Vault, String> {
    let grants = BTreeMap::from([(name("TOKEN"), grant(json))]);
    Vault::read(&grants, |variable| match variable {
        "SET" => Ok(value.to_owned()),
        _ => Err(VarError::NotPresent),
    })
}

const SENT: &str = r#"{"env": "SET", "hosts": ["a.example"]}"#;
const PLAIN: &str = r#"{"env": "SET", "plain": true}"#;

fn wallet(json: &str) -> Wallet {
    let vault = Arc::new(read(json, "s3cr3t").expect("read"));
    Wallet::new(&vault).expect("random numbers").expect("secrets")
}

fn fill(wallet: &Wallet, url: &str, value: &str) -> Result<String, String> {
    let url: http::Uri = url.parse().expect("a URL");
    let target = target::read(&Method::GET, &url).expect("a target");
    let mut headers = HeaderMap::new();
    headers.insert("authorization", value.parse().expect("a value"));
    let path = url.path_and_query().map_or("/", |it| it.as_str());
    match wallet.fill(&mut headers, path, &target) {
        Ok(()) => Ok(headers["authorization"].to_str().expect("text").to_owned()),
        Err(failure) => Err(failure.line.expect("a line")),
    }
}

#[test]
fn the_guest_sees_a_placeholder_and_the_server_the_value() {
    let wallet = wallet(SENT);
    let (name, placeholder) = wallet.variables().next().expect("a variable");
    assert!(name == "TOKEN" && placeholder.starts_with("secret-TOKEN-"), "{placeholder}");
    let bearer = format!("Bearer {placeholder}, {placeholder}!");
    assert_eq!(
        fill(&wallet, "https://a.example/", &bearer).expect("sent"),
        "Bearer s3cr3t, s3cr3t!"
    );
    assert_eq!(fill(&wallet, "https://a.example/", "Bearer x").expect("sent"), "Bearer x");
}

#[test]
fn each_attempt_has_placeholders_of_its_own() {
    let vault = Arc::new(read(SENT, "s3cr3t").expect("read"));
    let texts: Vec<String> = (0..2)
        .map(|_| Wallet::new(&vault).expect("random").expect("secrets").placeholders.remove(0))
        .collect();
    assert_ne!(texts[0], texts[1]);
    let wallet = wallet(SENT);
    assert_eq!(fill(&wallet, "https://a.example/", &texts[0]).expect("sent"), texts[0]);
}

#[test]
fn a_secret_goes_nowhere_else() {
    let wallet = wallet(SENT);
    let placeholder = wallet.placeholders[0].clone();
    let error = fill(&wallet, "https://b.example/x", &placeholder).expect_err("elsewhere");
    assert!(error.ends_with("`[secrets.TOKEN]`, `hosts = [\"b.example\"]`"), "{error}");
    let error = fill(&wallet, "http://a.example/", &placeholder).expect_err("in the open");
    assert!(error.ends_with("`[secrets.TOKEN]`, `plain_http = true`"), "{error}");
    let url = format!("https://a.example/?key={placeholder}");
    let error = fill(&wallet, &url, "x").expect_err("in the URL");
    assert!(error.ends_with("send it in a header field"), "{error}");
    let open = r#"{"env": "SET", "hosts": ["a.example"], "plain_http": true}"#;
    let wallet = self::wallet(open);
    let placeholder = wallet.placeholders[0].clone();
    assert_eq!(fill(&wallet, "http://a.example/", &placeholder).expect("sent"), "s3cr3t");
}

#[test]
fn a_plain_secret_is_given_away() {
    let wallet = wallet(PLAIN);
    assert_eq!(wallet.variables().collect::<Vec<_>>(), [("TOKEN", "s3cr3t")]);
}

#[test]
fn what_a_server_sends_back_is_hidden() {
    let wallet = wallet(SENT);
    let mut headers = HeaderMap::new();
    headers.insert("x-echo", HeaderValue::from_static("Bearer s3cr3t"));
    wallet.hide(&mut headers);
    assert_eq!(headers["x-echo"], format!("Bearer {}", wallet.placeholders[0]).as_str());
    let hidden = wallet.vault.hide("the token is s3cr3t!").expect("it holds one");
    assert_eq!(hidden, "the token is [secret TOKEN]!");
    assert_eq!(wallet.vault.hide("nothing here"), None);
}

#[test]
fn a_value_is_not_shown() {
    let shown = format!("{:?}", wallet(SENT));
    assert!(!shown.contains("s3cr3t") && shown.contains("TOKEN"), "{shown}");
}

#[test]
fn a_secret_that_cannot_be_read_is_named_and_its_value_is_not() {
    let missing = r#"{"env": "UNSET", "plain": true}"#;
    assert_eq!(
        read(missing, "").expect_err("unset"),
        "the secret TOKEN: the environment variable UNSET: environment variable not found: set it"
    );
    let file = r#"{"file": "/nonexistent/x", "plain": true}"#;
    let error = read(file, "").expect_err("missing");
    assert!(error.starts_with("the secret TOKEN: /nonexistent/x cannot be read"), "{error}");
    for value in ["", "a\r\nb: c", "a\0", &"x".repeat(VALUE_BYTES_MAX + 1)] {
        let error = read(SENT, value).expect_err(value);
        assert!(error.starts_with("the secret TOKEN: its value has"), "{error}");
        assert!(!error.contains("b: c"), "{error}");
    }
    assert!(read(PLAIN, "a\r\nb").is_ok());
}

#[test]
fn the_last_line_end_of_a_file_is_not_part_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    for (content, value) in [("abcd\n", "abcd"), ("abcd\r\n", "abcd"), ("ab\n\n", "ab\n")] {
        std::fs::write(&path, content).expect("written");
        assert_eq!(read_file(&path).as_deref(), Ok(value));
    }
}
