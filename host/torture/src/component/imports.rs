//! What a component can import: the text of each interface, and its functions as core ones.
//!
//! **Invariant:** an interface is named with the functions that attacks call, and no more: a
//! host has to take any part of what it provides.

/// An interface.
pub(crate) struct Import {
    /// Interfaces that have to stand before it.
    pub(crate) needs: &'static [&'static Self],
    /// Its import, as text of a component.
    pub(crate) text: &'static str,
    /// Its functions, for core modules.
    pub(crate) functions: &'static [Function],
}

/// A function for core modules.
pub(crate) struct Function {
    /// What core modules call it.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) target: Target,
    /// Its core type.
    pub(crate) signature: &'static str,
}

/// What a core function stands for.
pub(crate) enum Target {
    /// A function of an imported instance.
    Function(&'static str, &'static str),
    /// Giving back a resource.
    Drop(&'static str),
}

pub(super) const fn function(
    name: &'static str,
    instance: &'static str,
    of: &'static str,
    signature: &'static str,
) -> Function {
    Function { name, target: Target::Function(instance, of), signature }
}

pub(super) const fn drop_of(name: &'static str, resource: &'static str) -> Function {
    Function { name, target: Target::Drop(resource), signature: "(param i32)" }
}

/// `zapjobs:job/log`.
pub(crate) static LOG: Import = Import {
    needs: &[],
    text: r#"(import "zapjobs:job/log@0.1.0" (instance $log
  (type $level' (enum "trace" "debug" "info" "warn" "error"))
  (export "level" (type $level (eq $level')))
  (type $field' (record (field "name" string) (field "value" string)))
  (export "field" (type $field (eq $field')))
  (export "min-level" (func (result $level)))
  (export "write" (func (param "level" $level) (param "category" string)
    (param "message" string) (param "fields" (list $field))))))"#,
    functions: &[
        function("min-level", "$log", "min-level", "(result i32)"),
        // level, category, message, fields
        function("log", "$log", "write", "(param i32 i32 i32 i32 i32 i32 i32)"),
    ],
};

/// `zapjobs:job/progress`.
pub(crate) static PROGRESS: Import = Import {
    needs: &[],
    text: r#"(import "zapjobs:job/progress@0.1.0" (instance $progress
  (export "report" (func (param "done" u64) (param "total" (option u64))
    (param "message" string)))
  (export "count-items" (func (param "processed" u64) (param "succeeded" u64)
    (param "failed" u64)))))"#,
    functions: &[
        // done, total, message
        function("report", "$progress", "report", "(param i64 i32 i64 i32 i32)"),
        function("count-items", "$progress", "count-items", "(param i64 i64 i64)"),
    ],
};

/// `zapjobs:job/run-context`.
pub(crate) static RUN_CONTEXT: Import = Import {
    needs: &[],
    text: r#"(import "zapjobs:job/run-context@0.1.0" (instance $run-context
  (export "run-id" (func (result string)))
  (export "attempt" (func (result u32)))
  (export "metadata" (func (result (list (tuple string string)))))))"#,
    functions: &[
        function("run-id", "$run-context", "run-id", "(param i32)"),
        function("attempt", "$run-context", "attempt", "(result i32)"),
        function("metadata", "$run-context", "metadata", "(param i32)"),
    ],
};

/// `zapjobs:job/cancellation`.
pub(crate) static CANCELLATION: Import = Import {
    needs: &[],
    text: r#"(import "zapjobs:job/cancellation@0.1.0" (instance $cancellation
  (export "is-requested" (func (result bool)))))"#,
    functions: &[function("is-requested", "$cancellation", "is-requested", "(result i32)")],
};

/// `zapjobs:job/children`.
pub(crate) static CHILDREN: Import = Import {
    needs: &[],
    text: r#"(import "zapjobs:job/children@0.1.0" (instance $children
  (type $request' (record (field "job" string) (field "input" string) (field "options" string)))
  (export "request" (type $request (eq $request')))
  (type $kind' (enum "unknown-job" "not-granted" "bad-input" "bad-options" "quota-reached"
    "limit-reached" "unavailable" "other"))
  (export "error-kind" (type $kind (eq $kind')))
  (type $error' (record (field "kind" $kind) (field "message" string)))
  (export "error" (type $error (eq $error')))
  (type $status' (enum "waiting" "running" "completed" "failed" "cancelled"))
  (export "status" (type $status (eq $status')))
  (type $state' (record (field "status" $status) (field "output" (option string))
    (field "error-type" (option string)) (field "error-message" (option string))))
  (export "state" (type $state (eq $state')))
  (export "enqueue" (func (param "request" $request) (result (result string (error $error)))))
  (export "enqueue-all" (func (param "requests" (list $request))
    (result (result (list string) (error $error)))))
  (export "child" (func (param "id" string)
    (result (result (option $state) (error $error)))))))"#,
    functions: &[
        // job, input, options
        function("enqueue", "$children", "enqueue", "(param i32 i32 i32 i32 i32 i32 i32)"),
        function("enqueue-all", "$children", "enqueue-all", "(param i32 i32 i32)"),
        function("child", "$children", "child", "(param i32 i32 i32)"),
    ],
};

/// `zapjobs:job/steps`.
pub(crate) static STEPS: Import = Import {
    needs: &[],
    text: r#"(import "zapjobs:job/steps@0.1.0" (instance $steps
  (type $kind' (enum "bad-name" "bad-value" "limit-reached" "lost" "unavailable" "other"))
  (export "error-kind" (type $kind (eq $kind')))
  (type $error' (record (field "kind" $kind) (field "message" string)))
  (export "error" (type $error (eq $error')))
  (export "keep" (func (param "name" string) (param "value" string)
    (result (result string (error $error)))))))"#,
    functions: &[
        // name, value
        function("keep", "$steps", "keep", "(param i32 i32 i32 i32 i32)"),
    ],
};

/// `wasi:io/poll`.
pub(crate) static POLL: Import = Import {
    needs: &[],
    text: r#"(import "wasi:io/poll@0.2.0" (instance $poll
  (export "pollable" (type $pollable (sub resource)))
  (export "[method]pollable.block" (func (param "self" (borrow $pollable))))
  (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
(alias export $poll "pollable" (type $pollable))"#,
    functions: &[
        function("block", "$poll", "[method]pollable.block", "(param i32)"),
        function("poll", "$poll", "poll", "(param i32 i32 i32)"),
        drop_of("drop-pollable", "$pollable"),
    ],
};

/// `wasi:clocks/monotonic-clock`.
pub(crate) static CLOCK: Import = Import {
    needs: &[&POLL],
    text: r#"(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
  (alias outer 1 $pollable (type $outer-pollable))
  (export "pollable" (type $own-pollable (eq $outer-pollable)))
  (export "now" (func (result u64)))
  (export "subscribe-duration" (func (param "when" u64) (result (own $own-pollable))))))"#,
    functions: &[
        function("now", "$clock", "now", "(result i64)"),
        function("timer", "$clock", "subscribe-duration", "(param i64) (result i32)"),
    ],
};

/// `wasi:random/random`.
pub(crate) static RANDOM: Import = Import {
    needs: &[],
    text: r#"(import "wasi:random/random@0.2.0" (instance $random
  (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))"#,
    functions: &[function("random", "$random", "get-random-bytes", "(param i64 i32)")],
};

/// `wasi:cli/exit`.
pub(crate) static EXIT: Import = Import {
    needs: &[],
    text: r#"(import "wasi:cli/exit@0.2.0" (instance $exit
  (export "exit" (func (param "status" (result))))))"#,
    functions: &[function("exit", "$exit", "exit", "(param i32)")],
};

/// `wasi:cli/environment`.
pub(crate) static ENVIRONMENT: Import = Import {
    needs: &[],
    text: r#"(import "wasi:cli/environment@0.2.0" (instance $environment
  (export "get-environment" (func (result (list (tuple string string)))))
  (export "get-arguments" (func (result (list string))))
  (export "initial-cwd" (func (result (option string))))))"#,
    functions: &[
        function("get-environment", "$environment", "get-environment", "(param i32)"),
        function("get-arguments", "$environment", "get-arguments", "(param i32)"),
        function("initial-cwd", "$environment", "initial-cwd", "(param i32)"),
    ],
};

/// `wasi:io/error` and `wasi:io/streams`.
pub(crate) static STREAMS: Import = Import {
    needs: &[],
    text: r#"(import "wasi:io/error@0.2.0" (instance $io-error
  (export "error" (type (sub resource)))))
(alias export $io-error "error" (type $error))
(import "wasi:io/streams@0.2.0" (instance $streams
  (alias outer 1 $error (type $outer-error))
  (export "error" (type $own-error (eq $outer-error)))
  (export "input-stream" (type $in (sub resource)))
  (export "output-stream" (type $out (sub resource)))
  (type $stream-error' (variant (case "last-operation-failed" (own $own-error))
    (case "closed")))
  (export "stream-error" (type $stream-error (eq $stream-error')))
  (export "[method]input-stream.read" (func (param "self" (borrow $in)) (param "len" u64)
    (result (result (list u8) (error $stream-error)))))
  (export "[method]input-stream.blocking-read" (func (param "self" (borrow $in))
    (param "len" u64) (result (result (list u8) (error $stream-error)))))
  (export "[method]output-stream.check-write" (func (param "self" (borrow $out))
    (result (result u64 (error $stream-error)))))
  (export "[method]output-stream.write" (func (param "self" (borrow $out))
    (param "contents" (list u8)) (result (result (error $stream-error)))))
  (export "[method]output-stream.blocking-write-and-flush" (func (param "self" (borrow $out))
    (param "contents" (list u8)) (result (result (error $stream-error)))))
  (export "[method]output-stream.write-zeroes" (func (param "self" (borrow $out))
    (param "len" u64) (result (result (error $stream-error)))))
  (export "[method]output-stream.splice" (func (param "self" (borrow $out))
    (param "src" (borrow $in)) (param "len" u64)
    (result (result u64 (error $stream-error)))))))
(alias export $streams "input-stream" (type $input-stream))
(alias export $streams "output-stream" (type $output-stream))"#,
    functions: &[
        function("read", "$streams", "[method]input-stream.read", "(param i32 i64 i32)"),
        function(
            "blocking-read",
            "$streams",
            "[method]input-stream.blocking-read",
            "(param i32 i64 i32)",
        ),
        function("check-write", "$streams", "[method]output-stream.check-write", "(param i32 i32)"),
        function("write", "$streams", "[method]output-stream.write", "(param i32 i32 i32 i32)"),
        function(
            "blocking-write",
            "$streams",
            "[method]output-stream.blocking-write-and-flush",
            "(param i32 i32 i32 i32)",
        ),
        function(
            "write-zeroes",
            "$streams",
            "[method]output-stream.write-zeroes",
            "(param i32 i64 i32)",
        ),
        function("splice", "$streams", "[method]output-stream.splice", "(param i32 i32 i64 i32)"),
        drop_of("drop-output", "$output-stream"),
        drop_of("drop-input", "$input-stream"),
    ],
};

/// `wasi:cli/stdout`.
pub(crate) static STDOUT: Import = Import {
    needs: &[&STREAMS],
    text: r#"(import "wasi:cli/stdout@0.2.0" (instance $stdout
  (alias outer 1 $output-stream (type $outer-out))
  (export "output-stream" (type $own-out (eq $outer-out)))
  (export "get-stdout" (func (result (own $own-out))))))"#,
    functions: &[function("stdout", "$stdout", "get-stdout", "(result i32)")],
};

/// `wasi:cli/stderr`.
pub(crate) static STDERR: Import = Import {
    needs: &[&STREAMS],
    text: r#"(import "wasi:cli/stderr@0.2.0" (instance $stderr
  (alias outer 1 $output-stream (type $outer-out))
  (export "output-stream" (type $own-out (eq $outer-out)))
  (export "get-stderr" (func (result (own $own-out))))))"#,
    functions: &[function("stderr", "$stderr", "get-stderr", "(result i32)")],
};

/// `wasi:cli/stdin`.
pub(crate) static STDIN: Import = Import {
    needs: &[&STREAMS],
    text: r#"(import "wasi:cli/stdin@0.2.0" (instance $stdin
  (alias outer 1 $input-stream (type $outer-in))
  (export "input-stream" (type $own-in (eq $outer-in)))
  (export "get-stdin" (func (result (own $own-in))))))"#,
    functions: &[function("stdin", "$stdin", "get-stdin", "(result i32)")],
};

/// `wasi:filesystem/types` and `wasi:filesystem/preopens`.
pub(crate) static FILES: Import = Import {
    needs: &[&STREAMS],
    text: r#"(import "wasi:filesystem/types@0.2.0" (instance $files
  (alias outer 1 $input-stream (type $outer-in))
  (export "input-stream" (type $own-in (eq $outer-in)))
  (alias outer 1 $output-stream (type $outer-out))
  (export "output-stream" (type $own-out (eq $outer-out)))
  (export "descriptor" (type $descriptor (sub resource)))
  (type $code' (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota"
    "exist" "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io"
    "is-directory" "loop" "too-many-links" "message-size" "name-too-long" "no-device" "no-entry"
    "no-lock" "insufficient-memory" "insufficient-space" "not-directory" "not-empty"
    "not-recoverable" "unsupported" "no-tty" "no-such-device" "overflow" "not-permitted" "pipe"
    "read-only" "invalid-seek" "text-file-busy" "cross-device"))
  (export "error-code" (type $code (eq $code')))
  (type $path-flags' (flags "symlink-follow"))
  (export "path-flags" (type $path-flags (eq $path-flags')))
  (type $open-flags' (flags "create" "directory" "exclusive" "truncate"))
  (export "open-flags" (type $open-flags (eq $open-flags')))
  (type $flags' (flags "read" "write" "file-integrity-sync" "data-integrity-sync"
    "requested-write-sync" "mutate-directory"))
  (export "descriptor-flags" (type $flags (eq $flags')))
  (export "[method]descriptor.open-at" (func (param "self" (borrow $descriptor))
    (param "path-flags" $path-flags) (param "path" string) (param "open-flags" $open-flags)
    (param "flags" $flags) (result (result (own $descriptor) (error $code)))))
  (export "[method]descriptor.read" (func (param "self" (borrow $descriptor))
    (param "length" u64) (param "offset" u64)
    (result (result (tuple (list u8) bool) (error $code)))))
  (export "[method]descriptor.write" (func (param "self" (borrow $descriptor))
    (param "buffer" (list u8)) (param "offset" u64) (result (result u64 (error $code)))))
  (export "[method]descriptor.set-size" (func (param "self" (borrow $descriptor))
    (param "size" u64) (result (result (error $code)))))
  (export "[method]descriptor.read-via-stream" (func (param "self" (borrow $descriptor))
    (param "offset" u64) (result (result (own $own-in) (error $code)))))
  (export "[method]descriptor.create-directory-at" (func (param "self" (borrow $descriptor))
    (param "path" string) (result (result (error $code)))))
  (export "[method]descriptor.unlink-file-at" (func (param "self" (borrow $descriptor))
    (param "path" string) (result (result (error $code)))))
  (export "[method]descriptor.readlink-at" (func (param "self" (borrow $descriptor))
    (param "path" string) (result (result string (error $code)))))
  (export "[method]descriptor.symlink-at" (func (param "self" (borrow $descriptor))
    (param "old-path" string) (param "new-path" string) (result (result (error $code)))))
  (export "[method]descriptor.link-at" (func (param "self" (borrow $descriptor))
    (param "old-path-flags" $path-flags) (param "old-path" string)
    (param "new-descriptor" (borrow $descriptor)) (param "new-path" string)
    (result (result (error $code)))))
  (export "[method]descriptor.rename-at" (func (param "self" (borrow $descriptor))
    (param "old-path" string) (param "new-descriptor" (borrow $descriptor))
    (param "new-path" string) (result (result (error $code)))))))
(alias export $files "descriptor" (type $descriptor))
(import "wasi:filesystem/preopens@0.2.0" (instance $preopens
  (alias outer 1 $descriptor (type $outer-descriptor))
  (export "descriptor" (type $own-descriptor (eq $outer-descriptor)))
  (export "get-directories" (func (result (list (tuple (own $own-descriptor) string)))))))"#,
    functions: &[
        // self, path flags, path, open flags, flags, where to leave the answer
        function(
            "open",
            "$files",
            "[method]descriptor.open-at",
            "(param i32 i32 i32 i32 i32 i32 i32)",
        ),
        function("file-read", "$files", "[method]descriptor.read", "(param i32 i64 i64 i32)"),
        function("file-write", "$files", "[method]descriptor.write", "(param i32 i32 i32 i64 i32)"),
        function("set-size", "$files", "[method]descriptor.set-size", "(param i32 i64 i32)"),
        function(
            "read-stream",
            "$files",
            "[method]descriptor.read-via-stream",
            "(param i32 i64 i32)",
        ),
        function(
            "make-directory",
            "$files",
            "[method]descriptor.create-directory-at",
            "(param i32 i32 i32 i32)",
        ),
        function(
            "unlink",
            "$files",
            "[method]descriptor.unlink-file-at",
            "(param i32 i32 i32 i32)",
        ),
        function(
            "read-link",
            "$files",
            "[method]descriptor.readlink-at",
            "(param i32 i32 i32 i32)",
        ),
        function(
            "symlink",
            "$files",
            "[method]descriptor.symlink-at",
            "(param i32 i32 i32 i32 i32 i32)",
        ),
        function(
            "link",
            "$files",
            "[method]descriptor.link-at",
            "(param i32 i32 i32 i32 i32 i32 i32 i32)",
        ),
        function(
            "rename",
            "$files",
            "[method]descriptor.rename-at",
            "(param i32 i32 i32 i32 i32 i32 i32)",
        ),
        function("directories", "$preopens", "get-directories", "(param i32)"),
        drop_of("drop-descriptor", "$descriptor"),
    ],
};

/// `wasi:sockets`: TCP, and looking names up.
pub(crate) static SOCKETS: Import = Import {
    needs: &[],
    text: r#"(import "wasi:sockets/network@0.2.0" (instance $network
  (export "network" (type (sub resource)))
  (type $code' (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory"
    "timeout" "concurrency-conflict" "not-in-progress" "would-block" "invalid-state"
    "new-socket-limit" "address-not-bindable" "address-in-use" "remote-unreachable"
    "connection-refused" "connection-reset" "connection-aborted" "datagram-too-large"
    "name-unresolvable" "temporary-resolver-failure" "permanent-resolver-failure"))
  (export "error-code" (type (eq $code')))
  (type $family' (enum "ipv4" "ipv6"))
  (export "ip-address-family" (type (eq $family')))
  (type $v4 (tuple u8 u8 u8 u8))
  (export "ipv4-address" (type $ipv4 (eq $v4)))
  (type $v6 (tuple u16 u16 u16 u16 u16 u16 u16 u16))
  (export "ipv6-address" (type $ipv6 (eq $v6)))
  (type $v4-socket (record (field "port" u16) (field "address" $ipv4)))
  (export "ipv4-socket-address" (type $ipv4-socket (eq $v4-socket)))
  (type $v6-socket (record (field "port" u16) (field "flow-info" u32) (field "address" $ipv6)
    (field "scope-id" u32)))
  (export "ipv6-socket-address" (type $ipv6-socket (eq $v6-socket)))
  (type $address' (variant (case "ipv4" $ipv4-socket) (case "ipv6" $ipv6-socket)))
  (export "ip-socket-address" (type (eq $address')))))
(alias export $network "network" (type $net))
(alias export $network "error-code" (type $net-code))
(alias export $network "ip-address-family" (type $family))
(alias export $network "ip-socket-address" (type $address))
(import "wasi:sockets/instance-network@0.2.0" (instance $instance-network
  (alias outer 1 $net (type $outer-net))
  (export "network" (type $own-net (eq $outer-net)))
  (export "instance-network" (func (result (own $own-net))))))
(import "wasi:sockets/tcp@0.2.0" (instance $tcp
  (alias outer 1 $net (type $outer-net))
  (export "network" (type $own-net (eq $outer-net)))
  (alias outer 1 $net-code (type $outer-code))
  (export "error-code" (type $own-code (eq $outer-code)))
  (alias outer 1 $address (type $outer-address))
  (export "ip-socket-address" (type $own-address (eq $outer-address)))
  (export "tcp-socket" (type $socket (sub resource)))
  (export "[method]tcp-socket.start-bind" (func (param "self" (borrow $socket))
    (param "network" (borrow $own-net)) (param "local-address" $own-address)
    (result (result (error $own-code)))))
  (export "[method]tcp-socket.start-connect" (func (param "self" (borrow $socket))
    (param "network" (borrow $own-net)) (param "remote-address" $own-address)
    (result (result (error $own-code)))))))
(alias export $tcp "tcp-socket" (type $tcp-socket))
(import "wasi:sockets/tcp-create-socket@0.2.0" (instance $create-tcp
  (alias outer 1 $net-code (type $outer-code))
  (export "error-code" (type $own-code (eq $outer-code)))
  (alias outer 1 $family (type $outer-family))
  (export "ip-address-family" (type $own-family (eq $outer-family)))
  (alias outer 1 $tcp-socket (type $outer-socket))
  (export "tcp-socket" (type $own-socket (eq $outer-socket)))
  (export "create-tcp-socket" (func (param "address-family" $own-family)
    (result (result (own $own-socket) (error $own-code)))))))
(import "wasi:sockets/ip-name-lookup@0.2.0" (instance $lookup
  (alias outer 1 $net (type $outer-net))
  (export "network" (type $own-net (eq $outer-net)))
  (alias outer 1 $net-code (type $outer-code))
  (export "error-code" (type $own-code (eq $outer-code)))
  (export "resolve-address-stream" (type $found (sub resource)))
  (export "resolve-addresses" (func (param "network" (borrow $own-net)) (param "name" string)
    (result (result (own $found) (error $own-code)))))))"#,
    functions: &[
        function("network", "$instance-network", "instance-network", "(result i32)"),
        function("create-tcp", "$create-tcp", "create-tcp-socket", "(param i32 i32)"),
        // self, network, which kind of address, the address as eleven numbers, the answer
        function("connect", "$tcp", "[method]tcp-socket.start-connect", ADDRESSED),
        function("bind", "$tcp", "[method]tcp-socket.start-bind", ADDRESSED),
        function("resolve", "$lookup", "resolve-addresses", "(param i32 i32 i32 i32)"),
    ],
};

/// The core type of what takes a socket, a network and an address.
const ADDRESSED: &str = "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)";
