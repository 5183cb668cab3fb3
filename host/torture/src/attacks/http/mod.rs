//! Ways out of a grant of HTTP: addresses in disguise, paths and methods beside those granted,
//! redirects, smuggled header fields, and servers that give more than anyone can take.
//!
//! Granted is one server of this machine, below `/open/`; and any host at another port, where
//! the server listens that must never be reached, but at public addresses only.
//!
//! What is not here: names whose addresses change between two looks. The suite has no say in
//! how an installation resolves names; the tests of the sandbox have.

mod request;

use crate::attack::Attack;
use crate::attack::Ending::{Answered, Completed};
use request::{Owned, Sent, component};

/// What holds those that go elsewhere.
const GRANT: &str = "the granted requests";
/// What holds those that go to addresses that are not public.
const ADDRESSES: &str = "private_addresses";
/// Bytes that an answer may have.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Bytes that one read of the host's may bring beyond them; they do not reach the component.
const READ_BYTES_MAX: u64 = 64 << 10;

pub(super) fn attacks() -> Vec<Attack> {
    [disguises(), beside(), smuggles(), redirected(), floods()].into_iter().flatten().collect()
}

/// Sends one request, which must not be answered.
fn refused(
    name: String,
    tries: String,
    held: &'static str,
    sent: impl Fn(u16) -> Owned + Send + Sync + 'static,
) -> Attack {
    Attack::new(name, tries, move |place| {
        component(place.server_port(), sent(place.port).borrow(), "(call $bool SEND)")
    })
    .sending()
    .held_by(held, &[Answered("false")])
}

/// This machine, in disguise: a name for it, and how it is written. `PORT` is where the server
/// listens that must not be reached.
const DISGUISES: &[(&str, &str)] = &[
    ("loopback", "127.0.0.1:PORT"),
    ("loopback-in-full", "127.255.255.254:PORT"),
    ("any-address", "0.0.0.0:PORT"),
    ("localhost", "localhost:PORT"),
    ("localhost-in-capitals", "LOCALHOST:PORT"),
    ("localhost-with-dot", "localhost.:PORT"),
    ("ipv6", "[::1]:PORT"),
    ("ipv6-any", "[::]:PORT"),
    ("mapped", "[::ffff:127.0.0.1]:PORT"),
    ("mapped-in-hex", "[::ffff:7f00:1]:PORT"),
    ("compatible", "[::127.0.0.1]:PORT"),
    ("nat64", "[64:ff9b::7f00:1]:PORT"),
    ("6to4", "[2002:7f00:1::]:PORT"),
    ("zone", "[fe80::1%25lo]:PORT"),
    ("private", "192.168.0.1:PORT"),
    ("metadata", "169.254.169.254:PORT"),
    ("metadata-mapped", "[::ffff:169.254.169.254]:PORT"),
    ("broadcast", "255.255.255.255:PORT"),
    ("multicast", "224.0.0.1:PORT"),
    ("decimal", "2130706433:PORT"),
    ("hexadecimal", "0x7f000001:PORT"),
    ("octal", "0177.0.0.1:PORT"),
    ("short", "127.1:PORT"),
    ("full-width", "\u{ff11}\u{ff12}\u{ff17}.0.0.1:PORT"),
    ("percent", "%31%32%37.0.0.1:PORT"),
    ("user", "user@127.0.0.1:PORT"),
    ("user-that-looks-like-a-host", "example.com:80@127.0.0.1:PORT"),
    ("password", "user:word@127.0.0.1:PORT"),
    ("fragment", "127.0.0.1:PORT#@example.com"),
    ("query", "127.0.0.1:PORT?@example.com"),
    ("backslash", "127.0.0.1:PORT\\@example.com"),
    ("slash", "127.0.0.1:PORT/@example.com"),
    ("space", "127.0.0.1:PORT example.com"),
    ("line-break", "127.0.0.1:PORT\r\nx-smuggled: 1"),
    ("nul", "127.0.0.1:PORT\0.example.com"),
    ("two-ports", "127.0.0.1:PORT:80"),
];

fn disguises() -> Vec<Attack> {
    let disguise = |(kind, authority): &(&str, &'static str)| {
        let tries = format!("sends a request to this machine as {}", authority.escape_debug());
        refused(format!("request-to-{kind}"), tries, ADDRESSES, |port| Owned {
            authority: authority.replace("PORT", &port.to_string()),
            path: b"/".to_vec(),
            ..Owned::default()
        })
    };
    DISGUISES.iter().map(disguise).collect()
}

/// Paths that some servers take for one outside of what is granted.
const PATHS: &[(&str, &[u8])] = &[
    ("another", b"/secret"),
    ("parent", b"/open/../secret"),
    ("parent-in-percents", b"/open/%2e%2e/secret"),
    ("parent-half-in-percents", b"/open/.%2E/secret"),
    ("parent-with-slash-in-percents", b"/open/..%2fsecret"),
    ("parent-twice-in-percents", b"/open/%252e%252e/secret"),
    ("parent-with-parameters", b"/open/..;/secret"),
    ("parent-with-backslash", b"/open/..\\secret"),
    ("parent-behind-a-query", b"/open/../secret?a=/open/"),
    ("absolute", b"http://127.0.0.1/secret"),
    ("two-slashes", b"//open/../secret"),
    ("line-break", b"/open/ HTTP/1.1\r\nx-smuggled: 1\r\n"),
    ("nul", b"/open/\0/../../secret"),
    ("none", b""),
];

fn beside() -> Vec<Attack> {
    let paths = PATHS.iter().map(|(kind, path)| {
        let tries = format!("asks a granted server for {}", path.escape_ascii());
        refused(format!("path-{kind}"), tries, GRANT, |_| Owned {
            path: path.to_vec(),
            ..Owned::default()
        })
    });
    let methods =
        ["POST", "CONNECT", "TRACE", "get", "GET /secret HTTP/1.1\r\nx-smuggled:1\r\n\r\n"];
    let methods = methods.into_iter().enumerate().map(|(number, method)| {
        let tries = format!("sends a granted server a {}", method.escape_debug());
        refused(format!("method-{}", number + 1), tries, GRANT, move |_| Owned {
            path: b"/open/given".to_vec(),
            method: Some(method),
            ..Owned::default()
        })
    });
    paths.chain(methods).collect()
}

/// Header fields that would change what a request is, or whom it is for.
const FIELDS: &[(&str, &[u8], &[u8])] = &[
    ("host", b"Host", b"example.com"),
    ("length", b"Content-Length", b"1000"),
    ("chunks", b"Transfer-Encoding", b"chunked"),
    ("connection", b"Connection", b"keep-alive"),
    ("upgrade", b"Upgrade", b"h2c"),
    ("line-break", b"x-a", b"b\r\nx-smuggled: 1"),
    ("line-feed", b"x-a", b"b\nx-smuggled: 1"),
    ("name", b"x-a: b\r\nx-smuggled", b"1"),
    ("nul", b"x-a", b"b\0c"),
];

fn smuggles() -> Vec<Attack> {
    let smuggle = |(kind, name, value): &'static (&str, &[u8], &[u8])| {
        let tries = format!("smuggles a header field: {}", name.escape_ascii());
        refused(format!("header-{kind}"), tries, GRANT, |_| Owned {
            path: b"/open/given".to_vec(),
            header: Some((name, value)),
            ..Owned::default()
        })
    };
    FIELDS.iter().map(smuggle).collect()
}

fn redirected() -> Vec<Attack> {
    let followed = Attack::new(
        "redirect-to-this-machine",
        "is sent to a server that is not granted by one that is",
        |place| {
            let sent = Sent { path: b"/open/redirect", ..Sent::default() };
            component(place.server_port(), sent, "(call $bool (i32.eqz SEND))")
        },
    );
    // A redirect is an answer like others; the host follows none.
    vec![followed.sending().held_by(GRANT, &[Answered("false")]).checked(
        |it| match it.place.asked() {
            2 => Ok(()),
            asked => Err(format!("the granted server was asked {asked} times, and not twice")),
        },
    )]
}

fn floods() -> Vec<Attack> {
    let many = Attack::new("request-flood", "sends a thousand requests", |place| {
        let sent = Sent { path: b"/open/given", ..Sent::default() };
        let body = "(loop $again
              (if SEND (then
                (call $drop-response (global.get $response))
                (local.set $got (i32.add (local.get $got) (i32.const 1)))))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
            (call $bool (i32.gt_u (local.get $got) (i32.const 10)))";
        component(place.server_port(), sent, body)
    })
    .sending()
    .limited(&[("http_requests_max", 10)])
    .held_by("http_requests_max", &[Answered("false")])
    .checked(|it| match it.place.asked() {
        0..=10 => Ok(()),
        asked => Err(format!("the server was asked {asked} times, and 10 are allowed")),
    });
    let body = Attack::new("endless-answer", "reads an answer that never ends", |place| {
        let sent = Sent { path: b"/open/endless-body", ..Sent::default() };
        let body = "(if (i32.eqz SEND) (then (unreachable)))
            (call $consume (global.get $response) (i32.const 128))
            (call $body-stream (i32.load (i32.const 132)) (i32.const 128))
            (local.set $n (i32.load (i32.const 132)))
            (loop $again
              (call $blocking-read (local.get $n) (i64.const 4096) (i32.const 128))
              (call $reset)
              (br_if $again (i32.eqz (i32.load8_u (i32.const 128)))))
            (call $null)";
        component(place.server_port(), sent, body)
    })
    .sending()
    .limited(&[("http_response_bytes_max", ANSWER_BYTES_MAX)])
    .held_by("http_response_bytes_max", &[Completed])
    .checked(|it| match it.reports[0].usage.http_received_bytes {
        received if received <= ANSWER_BYTES_MAX + READ_BYTES_MAX => Ok(()),
        received => Err(format!("{received} bytes were received of {ANSWER_BYTES_MAX} allowed")),
    });
    let answers = [
        ("endless-header", "endless-head", "http_header_bytes_max", "reads header fields for ever"),
        ("silent-server", "silent", "http_first_byte_ms_max", "waits for a server that is silent"),
    ];
    let answers = answers.into_iter().map(|(name, path, limit, tries)| {
        refused(name.to_owned(), tries.to_owned(), limit, move |_| Owned {
            path: format!("/open/{path}").into_bytes(),
            ..Owned::default()
        })
        .limited(&[("http_first_byte_ms_max", 300)])
    });
    [many, body].into_iter().chain(answers).collect()
}
