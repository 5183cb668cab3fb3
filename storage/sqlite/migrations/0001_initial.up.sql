-- The first schema. `{prefix}` stands for the table prefix.
--
-- A run is spread over three tables: `runs` is narrow and holds what claims and sweeps
-- touch; `inputs` is written once; `outcomes` is written when an attempt reports or ends.
-- Instants are microseconds since 1970, UTC. Status: 0 pending, 1 scheduled, 2 running,
-- 3 completed, 4 failed, 5 cancelled, 6 awaiting retry, 99 quarantined.

CREATE TABLE {prefix}runs (
    id               BLOB    NOT NULL PRIMARY KEY,
    seq              INTEGER NOT NULL,
    tenant           TEXT    NOT NULL,
    job_type         TEXT    NOT NULL,
    queue            TEXT    NOT NULL,
    priority         INTEGER NOT NULL,
    trigger_code     INTEGER NOT NULL,
    status           INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    due_at           INTEGER NOT NULL,
    started_at       INTEGER,
    finished_at      INTEGER,
    lease_expires_at INTEGER,
    attempt          INTEGER NOT NULL,
    host_faults      INTEGER NOT NULL,
    lease            INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL,
    worker           BLOB,
    digest           BLOB
) WITHOUT ROWID;

-- In the order of claims. Each index holds the status, though it is the same throughout,
-- for otherwise SQLite looks it up in the table. Their conditions are no lists: SQLite would
-- build one as a table for every write.
CREATE INDEX {prefix}runs_pending
    ON {prefix}runs (tenant, queue, priority DESC, due_at, id, status) WHERE status = 0;
CREATE INDEX {prefix}runs_delayed ON {prefix}runs (due_at, id, queue, status)
    WHERE (status = 1 OR status = 6);
-- For how many of a tenant's runs wait.
CREATE INDEX {prefix}runs_delayed_of ON {prefix}runs (tenant, status)
    WHERE (status = 1 OR status = 6);
CREATE INDEX {prefix}runs_running ON {prefix}runs (lease_expires_at, id, queue, status)
    WHERE status = 2;
CREATE INDEX {prefix}runs_finished ON {prefix}runs (finished_at, id, queue, status)
    WHERE status BETWEEN 3 AND 5;
-- For listings. Most runs complete: those are found by walking the table itself.
CREATE INDEX {prefix}runs_listed ON {prefix}runs (status, id)
    WHERE status = 1 OR status = 4 OR status = 5 OR status = 6;
CREATE INDEX {prefix}runs_by_job ON {prefix}runs (job_type, id);
CREATE INDEX {prefix}runs_by_tenant ON {prefix}runs (tenant, id);

CREATE TABLE {prefix}inputs (
    seq            INTEGER PRIMARY KEY,
    max_attempts   INTEGER NOT NULL,
    deadline       INTEGER,
    correlation_id TEXT,
    parent         BLOB,
    tags           TEXT,
    metadata       TEXT,
    input          TEXT    NOT NULL
);

-- What the attempt under `lease` came to. It counts only while it is the run's latest lease,
-- so that a claim clears it without a write.
CREATE TABLE {prefix}outcomes (
    seq               INTEGER PRIMARY KEY,
    lease             INTEGER NOT NULL,
    error_type        TEXT,
    error_message     TEXT,
    error_blame       INTEGER,
    progress_done     INTEGER NOT NULL DEFAULT 0,
    progress_total    INTEGER,
    progress_message  TEXT    NOT NULL DEFAULT '',
    items_processed   INTEGER NOT NULL DEFAULT 0,
    items_succeeded   INTEGER NOT NULL DEFAULT 0,
    items_failed      INTEGER NOT NULL DEFAULT 0,
    cpu_us            INTEGER NOT NULL DEFAULT 0,
    wall_us           INTEGER NOT NULL DEFAULT 0,
    memory_bytes_peak INTEGER NOT NULL DEFAULT 0,
    log_bytes         INTEGER NOT NULL DEFAULT 0,
    log_lines         INTEGER NOT NULL DEFAULT 0,
    log_lines_dropped INTEGER NOT NULL DEFAULT 0,
    output_bytes      INTEGER NOT NULL DEFAULT 0,
    wait_us           INTEGER NOT NULL DEFAULT 0,
    http_requests     INTEGER NOT NULL DEFAULT 0,
    http_sent_bytes   INTEGER NOT NULL DEFAULT 0,
    http_received_bytes INTEGER NOT NULL DEFAULT 0,
    error_details     TEXT,
    output            TEXT
);

CREATE TABLE {prefix}tags (
    tag TEXT NOT NULL,
    id  BLOB NOT NULL,
    PRIMARY KEY (tag, id)
) WITHOUT ROWID;

CREATE TABLE {prefix}logs (
    seq      INTEGER NOT NULL,
    lease    INTEGER NOT NULL,
    idx      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    level    INTEGER NOT NULL,
    category TEXT    NOT NULL,
    message  TEXT    NOT NULL,
    fields   TEXT,
    PRIMARY KEY (seq, lease, idx)
) WITHOUT ROWID;

-- What attempts have done for good. `place` is the step's number from 0, `bytes` those of the
-- result: it stands last, so that sums do not read it.
CREATE TABLE {prefix}steps (
    seq    INTEGER NOT NULL,
    name   TEXT    NOT NULL,
    place  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    bytes  INTEGER NOT NULL,
    result TEXT    NOT NULL,
    PRIMARY KEY (seq, name)
) WITHOUT ROWID;

-- Runs whose record cannot be read: set aside, and kept as they are for a person to look at.
CREATE TABLE {prefix}quarantine (
    id             BLOB    NOT NULL PRIMARY KEY,
    status         INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    quarantined_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE {prefix}definitions (
    tenant             TEXT    NOT NULL,
    job_type           TEXT    NOT NULL,
    display_name       TEXT    NOT NULL,
    description        TEXT    NOT NULL,
    queue              TEXT    NOT NULL,
    schedule           TEXT    NOT NULL,
    enabled            INTEGER NOT NULL,
    retry_max_attempts INTEGER NOT NULL,
    retry_base_ms      INTEGER NOT NULL,
    retry_cap_ms       INTEGER NOT NULL,
    retry_jitter       REAL    NOT NULL,
    timeout_ms         INTEGER,
    tags               TEXT    NOT NULL,
    default_input      TEXT    NOT NULL,
    input_schema       TEXT,
    output_schema      TEXT,
    digest             BLOB,
    next_run_at        INTEGER,
    last_run_at        INTEGER,
    last_status        INTEGER,
    PRIMARY KEY (tenant, job_type)
) WITHOUT ROWID;

CREATE INDEX {prefix}definitions_due ON {prefix}definitions (next_run_at, tenant, job_type)
    WHERE enabled = 1 AND digest IS NOT NULL AND next_run_at IS NOT NULL;

CREATE TABLE {prefix}workers (
    id          BLOB    NOT NULL PRIMARY KEY,
    hostname    TEXT    NOT NULL,
    pid         INTEGER NOT NULL,
    version     TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    queues      TEXT    NOT NULL,
    concurrency INTEGER NOT NULL,
    running     INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE {prefix}named_leases (
    name       TEXT    NOT NULL PRIMARY KEY,
    owner      BLOB,
    fence      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Where a sweep that goes on over many calls has come to: the run, by its place among those
-- that ended.
CREATE TABLE {prefix}places (
    sweep       TEXT    NOT NULL PRIMARY KEY,
    finished_at INTEGER NOT NULL,
    id          BLOB    NOT NULL
) WITHOUT ROWID;

-- What happened, as sums. Span: 0 an hour, 1 a day, 2 all time. Only hours are counted into;
-- old hours are folded into days, and old days into all time, so that each happening stands
-- in one row.
CREATE TABLE {prefix}statistics (
    span      INTEGER NOT NULL,
    begins_at INTEGER NOT NULL,
    tenant    TEXT    NOT NULL,
    queue     TEXT    NOT NULL,
    enqueued  INTEGER NOT NULL,
    started   INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    retried   INTEGER NOT NULL,
    put_back  INTEGER NOT NULL,
    cpu_us    INTEGER NOT NULL,
    wall_us   INTEGER NOT NULL,
    PRIMARY KEY (span, begins_at, tenant, queue)
) WITHOUT ROWID;
