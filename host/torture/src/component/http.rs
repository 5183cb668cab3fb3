//! `wasi:http` for components: what sends a request and waits for its answer.

use super::imports::{Import, POLL, STREAMS, drop_of, function};

/// `wasi:http/types` and `wasi:http/outgoing-handler`.
pub(crate) static HTTP: Import = Import {
    needs: &[&POLL, &STREAMS],
    text: r#"(import "wasi:http/types@0.2.0" (instance $http
  (alias outer 1 $pollable (type $outer-pollable))
  (export "pollable" (type $own-pollable (eq $outer-pollable)))
  (alias outer 1 $input-stream (type $outer-in))
  (export "input-stream" (type $own-in (eq $outer-in)))
  (type $method' (variant (case "get") (case "head") (case "post") (case "put") (case "delete")
    (case "connect") (case "options") (case "trace") (case "patch") (case "other" string)))
  (export "method" (type $method (eq $method')))
  (type $scheme' (variant (case "HTTP") (case "HTTPS") (case "other" string)))
  (export "scheme" (type $scheme (eq $scheme')))
  (type $dns' (record (field "rcode" (option string)) (field "info-code" (option u16))))
  (export "DNS-error-payload" (type $dns (eq $dns')))
  (type $alert' (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
  (export "TLS-alert-received-payload" (type $alert (eq $alert')))
  (type $size' (record (field "field-name" (option string)) (field "field-size" (option u32))))
  (export "field-size-payload" (type $size (eq $size')))
  (type $code' (variant (case "DNS-timeout") (case "DNS-error" $dns)
    (case "destination-not-found") (case "destination-unavailable")
    (case "destination-IP-prohibited") (case "destination-IP-unroutable")
    (case "connection-refused") (case "connection-terminated") (case "connection-timeout")
    (case "connection-read-timeout") (case "connection-write-timeout")
    (case "connection-limit-reached") (case "TLS-protocol-error") (case "TLS-certificate-error")
    (case "TLS-alert-received" $alert) (case "HTTP-request-denied")
    (case "HTTP-request-length-required") (case "HTTP-request-body-size" (option u64))
    (case "HTTP-request-method-invalid") (case "HTTP-request-URI-invalid")
    (case "HTTP-request-URI-too-long") (case "HTTP-request-header-section-size" (option u32))
    (case "HTTP-request-header-size" (option $size))
    (case "HTTP-request-trailer-section-size" (option u32))
    (case "HTTP-request-trailer-size" $size) (case "HTTP-response-incomplete")
    (case "HTTP-response-header-section-size" (option u32))
    (case "HTTP-response-header-size" $size) (case "HTTP-response-body-size" (option u64))
    (case "HTTP-response-trailer-section-size" (option u32))
    (case "HTTP-response-trailer-size" $size)
    (case "HTTP-response-transfer-coding" (option string))
    (case "HTTP-response-content-coding" (option string)) (case "HTTP-response-timeout")
    (case "HTTP-upgrade-failed") (case "HTTP-protocol-error") (case "loop-detected")
    (case "configuration-error") (case "internal-error" (option string))))
  (export "error-code" (type $code (eq $code')))
  (type $header-error' (variant (case "invalid-syntax") (case "forbidden") (case "immutable")))
  (export "header-error" (type $header-error (eq $header-error')))
  (export "fields" (type $fields (sub resource)))
  (export "outgoing-request" (type $request (sub resource)))
  (export "request-options" (type $options (sub resource)))
  (export "incoming-response" (type $response (sub resource)))
  (export "incoming-body" (type $body (sub resource)))
  (export "future-incoming-response" (type $future (sub resource)))
  (export "[constructor]fields" (func (result (own $fields))))
  (export "[method]fields.append" (func (param "self" (borrow $fields)) (param "name" string)
    (param "value" (list u8)) (result (result (error $header-error)))))
  (export "[constructor]outgoing-request" (func (param "headers" (own $fields))
    (result (own $request))))
  (export "[method]outgoing-request.set-method" (func (param "self" (borrow $request))
    (param "method" $method) (result (result))))
  (export "[method]outgoing-request.set-scheme" (func (param "self" (borrow $request))
    (param "scheme" (option $scheme)) (result (result))))
  (export "[method]outgoing-request.set-authority" (func (param "self" (borrow $request))
    (param "authority" (option string)) (result (result))))
  (export "[method]outgoing-request.set-path-with-query" (func (param "self" (borrow $request))
    (param "path-with-query" (option string)) (result (result))))
  (export "[method]future-incoming-response.subscribe" (func (param "self" (borrow $future))
    (result (own $own-pollable))))
  (export "[method]future-incoming-response.get" (func (param "self" (borrow $future))
    (result (option (result (result (own $response) (error $code)))))))
  (export "[method]incoming-response.consume" (func (param "self" (borrow $response))
    (result (result (own $body)))))
  (export "[method]incoming-body.stream" (func (param "self" (borrow $body))
    (result (result (own $own-in)))))))
(alias export $http "error-code" (type $http-code))
(alias export $http "outgoing-request" (type $http-request))
(alias export $http "request-options" (type $http-options))
(alias export $http "future-incoming-response" (type $http-future))
(alias export $http "incoming-response" (type $http-response))
(import "wasi:http/outgoing-handler@0.2.0" (instance $outgoing-handler
  (alias outer 1 $http-code (type $outer-code))
  (export "error-code" (type $own-code (eq $outer-code)))
  (alias outer 1 $http-request (type $outer-request))
  (export "outgoing-request" (type $own-request (eq $outer-request)))
  (alias outer 1 $http-options (type $outer-options))
  (export "request-options" (type $own-options (eq $outer-options)))
  (alias outer 1 $http-future (type $outer-future))
  (export "future-incoming-response" (type $own-future (eq $outer-future)))
  (export "handle" (func (param "request" (own $own-request))
    (param "options" (option (own $own-options)))
    (result (result (own $own-future) (error $own-code)))))))"#,
    functions: &[
        function("fields", "$http", "[constructor]fields", "(result i32)"),
        function("append", "$http", "[method]fields.append", "(param i32 i32 i32 i32 i32 i32)"),
        function("request", "$http", "[constructor]outgoing-request", "(param i32) (result i32)"),
        // self, which method, its name where it is another one
        function("set-method", "$http", "[method]outgoing-request.set-method", FOUR),
        // self, whether there is one, which scheme, its name where it is another one
        function(
            "set-scheme",
            "$http",
            "[method]outgoing-request.set-scheme",
            "(param i32 i32 i32 i32 i32) (result i32)",
        ),
        // self, whether there is one, the text
        function("set-authority", "$http", "[method]outgoing-request.set-authority", FOUR),
        function("set-path", "$http", "[method]outgoing-request.set-path-with-query", FOUR),
        function(
            "subscribe",
            "$http",
            "[method]future-incoming-response.subscribe",
            "(param i32) (result i32)",
        ),
        function(
            "get-response",
            "$http",
            "[method]future-incoming-response.get",
            "(param i32 i32)",
        ),
        function("consume", "$http", "[method]incoming-response.consume", "(param i32 i32)"),
        function("body-stream", "$http", "[method]incoming-body.stream", "(param i32 i32)"),
        function("handle", "$outgoing-handler", "handle", "(param i32 i32 i32 i32)"),
        drop_of("drop-future", "$http-future"),
        drop_of("drop-response", "$http-response"),
    ],
};

/// The core type of what takes a request and a choice with its text, and answers 0 where it went
/// well.
const FOUR: &str = "(param i32 i32 i32 i32) (result i32)";
