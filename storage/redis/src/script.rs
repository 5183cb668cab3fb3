//! The scripts, and a call of one.
//!
//! **Invariant:** every write to the server is one script, and so happens as a whole or not
//! at all, in no time that another could see.

use std::sync::LazyLock;

use redis::{Cmd, ToRedisArgs, cmd};

/// A script and its name on the server.
pub(crate) struct Script {
    source: String,
    sha: String,
    /// Whether running it twice does what running it once does, with the same answer.
    is_repeatable: bool,
}

impl Script {
    fn new(parts: &[&str], is_repeatable: bool) -> Self {
        let source = parts.concat();
        let sha = redis::Script::new(&source).get_hash().to_owned();
        Self { source, sha, is_repeatable }
    }

    pub(crate) fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }
}

macro_rules! lua {
    ($name:literal) => {
        include_str!(concat!("lua/", $name, ".lua"))
    };
}

macro_rules! scripts {
    ($($name:ident: [$($part:literal),+] $repeatable:ident,)+) => {
        /// Every script.
        pub(crate) struct Scripts {
            $(pub(crate) $name: Script,)+
        }

        /// Every script, put together once.
        pub(crate) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
            $($name: Script::new(&[$(lua!($part)),+], $repeatable),)+
        });
    };
}

scripts! {
    enqueue: ["prelude", "store", "members", "enqueue"] false,
    enqueue_unique: ["prelude", "store", "unique", "enqueue_unique"] false,
    claim: ["prelude", "take", "claim"] false,
    claim_run: ["prelude", "take", "claim_run"] false,
    renew: ["prelude", "renew"] true,
    asked: ["prelude", "asked"] true,
    progress: ["prelude", "progress"] true,
    apply: ["prelude", "links", "apply"] false,
    promote: ["prelude", "promote"] false,
    expired: ["prelude", "expired"] true,
    cancel: ["prelude", "links", "stop", "cancel"] false,
    requeue: ["prelude", "links", "unique", "again", "requeue"] false,
    step: ["prelude", "step"] true,
    send_signal: ["prelude", "signals", "send_signal"] false,
    take_signal: ["prelude", "signals", "take_signal"] true,
    suspend: ["prelude", "links", "signals", "suspend", "apply"] false,
    prune: ["prelude", "ended", "unique", "tags", "prune"] false,
    alter: ["prelude", "links", "unique", "stop", "again", "tags", "alter"] false,
    release_runs: ["prelude", "links", "release_runs"] false,
    enqueue_linked: ["prelude", "store", "links", "members", "enqueue_linked"] false,
    advance: ["prelude", "links", "advance"] false,
    ended_parents: ["ended_parents"] true,
    prune_logs: ["prelude", "ended", "prune_logs"] false,
    quarantine: ["prelude", "quarantine"] true,
    fire: ["prelude", "store", "fire"] false,
    flow_first: ["prelude", "flow_first"] true,
    flow_look: ["prelude", "flow_look"] true,
    flow_gates: ["prelude", "flow_gates"] true,
    flow_heads: ["prelude", "flow_heads"] true,
    flow_admit: ["prelude", "flow_admit"] false,
    flow_change: ["prelude", "flow_change"] false,
    flow_hold: ["prelude", "flow_hold"] true,
    flow_count: ["prelude", "flow_count"] true,
    flow_uses: ["prelude", "flow_uses"] true,
    batch_create: ["prelude", "store", "members", "batch_create"] false,
    batch_close: ["prelude", "batch_close"] true,
    batch_settle: ["prelude", "links", "batch_settle"] false,
    batch_delete: ["prelude", "batch_delete"] false,
    batch_page: ["batch_page"] true,
    ready_tenants: ["ready_tenants"] true,
    read: ["read"] true,
    log: ["log"] true,
    define: ["define"] true,
    undefine: ["undefine"] false,
    last_status: ["last_status"] true,
    schedule_put: ["clock", "schedule_put"] false,
    schedule_delete: ["schedule_delete"] false,
    schedule_due: ["clock", "schedule_due"] true,
    schedule_page: ["schedule_page"] true,
    aged: ["aged"] true,
    document_put: ["clock", "document_put"] false,
    document_read: ["document_read"] true,
    document_page: ["document_page"] true,
    document_delete: ["document_delete"] false,
    document_prune: ["document_prune"] false,
    time: ["clock", "time"] true,
    info: ["info"] true,
    heartbeat: ["clock", "heartbeat"] true,
    workers: ["workers"] true,
    forget: ["forget"] false,
    stale: ["clock", "stale"] false,
    acquire: ["clock", "acquire"] false,
    release: ["clock", "release"] false,
    named_lease: ["clock", "named_lease"] true,
}

/// A call of a script. Keys come first, then arguments.
pub(crate) struct Call {
    script: &'static Script,
    cmd: Cmd,
}

impl Call {
    /// A call that will be given so many keys.
    pub(crate) fn new(script: &'static Script, keys: usize) -> Self {
        let mut cmd = cmd("EVALSHA");
        cmd.arg(&script.sha).arg(keys);
        Self { script, cmd }
    }

    /// The next key or argument.
    pub(crate) fn arg(&mut self, arg: impl ToRedisArgs) -> &mut Self {
        self.cmd.arg(arg);
        self
    }

    pub(crate) fn is_repeatable(&self) -> bool {
        self.script.is_repeatable()
    }

    /// The call by the script's name, for a server that knows it.
    pub(crate) fn by_name(&self) -> &Cmd {
        &self.cmd
    }

    /// The call with the script's text, which makes the server know it.
    pub(crate) fn by_text(&self) -> Cmd {
        let mut whole = cmd("EVAL");
        whole.arg(&self.script.source);
        for arg in self.cmd.args_iter().skip(2) {
            if let redis::Arg::Simple(arg) = arg {
                whole.arg(arg);
            }
        }
        whole
    }
}
