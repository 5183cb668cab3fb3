//! Components that send a request.

use crate::component::http::HTTP;
use crate::component::{Component, escaped};

/// Where texts lie.
const AUTHORITY_AT: u32 = 1_024;
const PATH_AT: u32 = 4_096;
const OWN_AT: u32 = 8_192;
const NAME_AT: u32 = 12_288;
const VALUE_AT: u32 = 13_312;

/// A request that an attack sends.
#[derive(Clone, Copy, Default)]
pub(super) struct Sent<'a> {
    /// The host's name; the granted server's where empty.
    pub(super) authority: &'a str,
    pub(super) path: &'a [u8],
    /// Not `GET`.
    pub(super) method: Option<&'a str>,
    pub(super) header: Option<(&'a [u8], &'a [u8])>,
}

/// Sends requests. `$fetch` answers whether an answer came, which it leaves in `$response`.
const FETCH: &str = r#"(global $response (mut i32) (i32.const 0))
  (func $fetch (param $authority i32) (param $authority-bytes i32) (param $path i32)
    (param $path-bytes i32) (param $name-bytes i32) (param $value-bytes i32)
    (param $method-bytes i32) (result i32)
    (local $fields i32) (local $request i32) (local $future i32) (local $ready i32)
    (local.set $fields (call $fields))
    (if (local.get $name-bytes) (then
      (call $append (local.get $fields) (i32.const 12288) (local.get $name-bytes)
        (i32.const 13312) (local.get $value-bytes) (i32.const 128))
      (if (i32.load8_u (i32.const 128)) (then (return (i32.const 0))))))
    (local.set $request (call $request (local.get $fields)))
    (if (local.get $method-bytes) (then
      (if (call $set-method (local.get $request) (i32.const 9) (i32.const 8192)
          (local.get $method-bytes))
        (then (return (i32.const 0))))))
    (if (call $set-scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0)
        (i32.const 0))
      (then (return (i32.const 0))))
    (if (call $set-authority (local.get $request) (i32.const 1) (local.get $authority)
        (local.get $authority-bytes))
      (then (return (i32.const 0))))
    (if (call $set-path (local.get $request) (i32.const 1) (local.get $path)
        (local.get $path-bytes))
      (then (return (i32.const 0))))
    (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then (return (i32.const 0))))
    (local.set $future (i32.load (i32.const 136)))
    (local.set $ready (call $subscribe (local.get $future)))
    (call $block (local.get $ready))
    (call $drop-pollable (local.get $ready))
    (call $get-response (local.get $future) (i32.const 128))
    (call $drop-future (local.get $future))
    (if (i32.or (i32.load8_u (i32.const 136)) (i32.load8_u (i32.const 144)))
      (then (return (i32.const 0))))
    (global.set $response (i32.load (i32.const 152)))
    (i32.const 1))"#;

/// A component that first asks the granted server for what it may have, and fails the attack if
/// it cannot: a network that is down would hold everything. Then it does what `body` says, in
/// which `SEND` stands for sending the request.
pub(super) fn component(server: u16, sent: Sent<'_>, body: &str) -> Vec<u8> {
    const GIVEN: &str = "/open/given";
    const SERVER_AT: u32 = 15_000;
    const GIVEN_AT: u32 = 15_100;
    let granted = format!("127.0.0.1:{server}");
    let authority = if sent.authority.is_empty() { &granted } else { sent.authority };
    let (name, value) = sent.header.unwrap_or_default();
    let method = sent.method.unwrap_or_default();
    let texts: [(u32, &[u8]); 7] = [
        (AUTHORITY_AT, authority.as_bytes()),
        (PATH_AT, sent.path),
        (OWN_AT, method.as_bytes()),
        (NAME_AT, name),
        (VALUE_AT, value),
        (SERVER_AT, granted.as_bytes()),
        (GIVEN_AT, GIVEN.as_bytes()),
    ];
    let send = format!(
        "(call $fetch (i32.const {AUTHORITY_AT}) (i32.const {}) (i32.const {PATH_AT})
           (i32.const {}) (i32.const {}) (i32.const {}) (i32.const {}))",
        authority.len(),
        sent.path.len(),
        name.len(),
        value.len(),
        method.len()
    );
    let mut component = Component::new().import(&HTTP).code(FETCH);
    for (at, text) in texts {
        component = component.code(format!("(data (i32.const {at}) \"{}\")", escaped(text)));
    }
    component
        .run(format!(
            "(local $n i32) (local $got i32)
             (if (i32.eqz (call $fetch (i32.const {SERVER_AT}) (i32.const {})
                 (i32.const {GIVEN_AT}) (i32.const {}) (i32.const 0) (i32.const 0) (i32.const 0)))
               (then (unreachable)))
             {}",
            granted.len(),
            GIVEN.len(),
            body.replace("SEND", &send)
        ))
        .build()
}

/// A request whose parts were made for it.
#[derive(Clone, Default)]
pub(super) struct Owned {
    pub(super) authority: String,
    pub(super) path: Vec<u8>,
    pub(super) method: Option<&'static str>,
    pub(super) header: Option<(&'static [u8], &'static [u8])>,
}

impl Owned {
    pub(super) fn borrow(&self) -> Sent<'_> {
        Sent {
            authority: &self.authority,
            path: &self.path,
            method: self.method,
            header: self.header,
        }
    }
}
