use super::{Options, Retry, Schedule};
use quote::quote;

#[test]
fn options_are_read() {
    let options = Options::parse(quote! {
        id = "a.b", name = "A b", queue = "slow", retries = 4, backoff(base = "2s", jitter = 0),
        timeout = "30s", cron = "0 9 * * MON-FRI", tz = "Europe/Lisbon", tags = ["x", "y"],
        default_input = "{}"
    })
    .expect("good options");
    assert_eq!(options.id.as_deref(), Some("a.b"));
    let retry = Retry { max_attempts: 5, base_ms: 2_000, cap_ms: 3_600_000, jitter: 0 };
    assert_eq!(options.retry, Some(retry));
    assert_eq!(options.timeout_ms, Some(30_000));
    assert_eq!(options.tags, ["x", "y"]);
    let Schedule::Cron { expression, time_zone } = options.schedule else {
        panic!("not by the calendar: {:?}", options.schedule)
    };
    assert_eq!((expression.as_str(), time_zone.as_str()), ("0 9 * * MON-FRI", "Europe/Lisbon"));
}

#[test]
fn without_options_the_host_decides() {
    let options = Options::parse(quote! {}).expect("no options");
    assert_eq!(options.retry, None);
    assert!(matches!(options.schedule, Schedule::Manual));
}

#[test]
fn every_bound_is_held() {
    let refused = [
        (quote! { id = "a b" }, "beginning with a letter"),
        (quote! { name = "" }, "1 to 200 bytes"),
        (quote! { max_attempts = 0 }, "1 to 1000"),
        (quote! { retries = 1000 }, "0 to 999"),
        (quote! { backoff(base = "2h") }, "base must not exceed cap"),
        (quote! { backoff(jitter = 101) }, "0 to 100"),
        (quote! { backoff(first = "1s") }, "base, cap or jitter"),
        (quote! { timeout = "0s" }, "1 ms"),
        (quote! { timeout = 30 }, "expected string literal"),
        (quote! { every = "10ms" }, "1000 ms"),
        (quote! { every = "1m", cron = "@daily" }, "one schedule"),
        (quote! { cron = "* * *" }, "five fields"),
        (quote! { tz = "UTC" }, "add one"),
        (quote! { tags = [1] }, "string literal"),
        (quote! { quue = "x" }, "unknown option"),
    ];
    for (tokens, advice) in refused {
        let shown = tokens.to_string();
        let error = Options::parse(tokens).expect_err(&shown).to_string();
        assert!(error.contains(advice), "{shown}: {error}");
    }
}
