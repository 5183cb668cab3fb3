//! Which place is chosen, for every way to choose one.

use super::*;
use crate::config::{Sources, load};
use crate::contexts::Context;

fn contexts(current: Option<&str>) -> Contexts {
    let name = |text: &str| text.parse::<ContextName>().expect("a name");
    let context = Context {
        server: "https://jobs.example".to_owned(),
        token: Some("zj_1_x".to_owned()),
        tenant: None,
    };
    let contexts = [(name("prod"), context)].into();
    Contexts { current: current.map(name), contexts }
}

fn effective(flags: &[(&'static str, &str)]) -> Effective {
    let flags = flags.iter().map(|(key, text)| (*key, "--x".to_owned(), (*text).to_owned()));
    let sources = Sources { is_file_unread: true, flags: flags.collect(), ..Sources::default() };
    load(&sources, |_| None).expect("it is good")
}

fn server(url: &str) -> ServerArgs {
    ServerArgs { server: Some(url.to_owned()), ..ServerArgs::default() }
}

fn context(name: &str) -> ServerArgs {
    ServerArgs { context: Some(name.parse().expect("a name")), ..ServerArgs::default() }
}

/// The server's address, `storage`, or what is refused.
fn place(ways: Ways, chosen: &ServerArgs, of: &Effective, current: Option<&str>) -> String {
    match chosen_place(ways, chosen, of, || Ok(contexts(current))) {
        Ok(Reach::Storage) => "storage".to_owned(),
        Ok(Reach::Server(server)) => server.url.to_string(),
        Err(failure) => failure.message,
    }
}

#[test]
fn a_server_wins_over_a_context_and_a_named_context_over_the_one_in_use() {
    let (nothing, plain) = (ServerArgs::default(), effective(&[]));
    assert_eq!(place(Ways::Both, &nothing, &plain, None), "storage");
    assert_eq!(place(Ways::Both, &nothing, &plain, Some("prod")), "https://jobs.example");
    assert_eq!(place(Ways::Both, &context("prod"), &plain, None), "https://jobs.example");
    assert_eq!(place(Ways::Both, &context("local"), &plain, Some("prod")), "storage");
    assert_eq!(place(Ways::Both, &server("http://a"), &plain, Some("prod")), "http://a");
    assert_eq!(place(Ways::Both, &server(""), &plain, None), "storage", "emptied is unset");
    let named = effective(&[("storage", "sqlite:a.db")]);
    assert_eq!(place(Ways::Both, &nothing, &named, Some("prod")), "storage");
    assert!(place(Ways::Both, &context("other"), &plain, None).contains("no context other"));
    assert!(place(Ways::Both, &server("ftp://ada:hush@x"), &plain, None).contains("neither"));
}

#[test]
fn commands_that_cannot_work_on_a_server_refuse_it_in_one_line() {
    let (nothing, plain) = (ServerArgs::default(), effective(&[]));
    for chosen in [server("http://a"), context("prod")] {
        let here = place(Ways::Here, &chosen, &plain, None);
        assert!(here.contains("works on this machine alone: leave out --server"), "{here}");
        let storage = place(Ways::Storage, &chosen, &plain, None);
        assert!(storage.contains("does not work on a server yet"), "{storage}");
        assert_eq!(place(Ways::Nowhere, &chosen, &plain, None), "storage");
    }
    assert_eq!(place(Ways::Here, &nothing, &plain, Some("prod")), "storage");
    let in_use = place(Ways::Storage, &nothing, &plain, Some("prod"));
    assert!(in_use.contains("the context prod is in use: say --context local"), "{in_use}");
    assert_eq!(place(Ways::Storage, &context("local"), &plain, Some("prod")), "storage");
}

#[test]
fn only_a_tenant_that_is_named_goes_along() {
    let tenant = |of: &Effective| match chosen_place(Ways::Both, &server("http://a"), of, || {
        Ok(contexts(None))
    }) {
        Ok(Reach::Server(server)) => server.tenant.map(|tenant| tenant.to_string()),
        _ => panic!("a server is named"),
    };
    assert_eq!(tenant(&effective(&[])), None);
    assert_eq!(tenant(&effective(&[("tenant", "acme")])).as_deref(), Some("acme"));
}
