-- The first schema. `{prefix}` stands for the table prefix.
--
-- A run is spread over three tables: `runs` is narrow and holds what claims and sweeps
-- touch; `inputs` is written once; `outcomes` is written when an attempt reports or ends.
-- Instants are microseconds since 1970, UTC. Status: 0 pending, 1 scheduled, 2 running,
-- 3 completed, 4 failed, 5 cancelled, 6 awaiting retry, 7 held, 99 quarantined.

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
    digest           BLOB,
    followed         INTEGER NOT NULL DEFAULT 0,
    -- Flow control: the key of a limit per key; the line, while a limit holds the run; and
    -- whether it was admitted, while it is pending or running.
    limit_key        TEXT,
    line             TEXT,
    admitted         INTEGER NOT NULL DEFAULT 0,
    unique_key       BLOB,
    unique_until     INTEGER,
    -- The batch that it is a member of.
    batch            BLOB
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
-- Held runs, for counts. Whatever holds a run knows its id.
CREATE INDEX {prefix}runs_held ON {prefix}runs (tenant, queue, status) WHERE status = 7;
CREATE INDEX {prefix}runs_running ON {prefix}runs (lease_expires_at, id, queue, status)
    WHERE status = 2;
CREATE INDEX {prefix}runs_finished ON {prefix}runs (finished_at, id, queue, status)
    WHERE status BETWEEN 3 AND 5;
-- For listings. Most runs complete: those are found by walking the table itself.
CREATE INDEX {prefix}runs_listed ON {prefix}runs (status, id)
    WHERE status = 1 OR status = 4 OR status = 5 OR status = 6 OR status = 7;
CREATE INDEX {prefix}runs_by_job ON {prefix}runs (job_type, id);
CREATE INDEX {prefix}runs_by_tenant ON {prefix}runs (tenant, id);

-- Runs that limits hold, line by line in the order of claims.
CREATE INDEX {prefix}runs_lines ON {prefix}runs (line, priority DESC, due_at, id, status)
    WHERE status = 7 AND line IS NOT NULL;
-- The same runs, all lines together.
CREATE INDEX {prefix}runs_held_first ON {prefix}runs (priority DESC, due_at, id, line, status)
    WHERE status = 7 AND line IS NOT NULL;

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

-- Which run waits for which, and how that must end: 0 completed, 1 failed, 2 in whatever way.
CREATE TABLE {prefix}dependencies (
    parent  BLOB    NOT NULL,
    child   BLOB    NOT NULL,
    on_code INTEGER NOT NULL,
    PRIMARY KEY (parent, child)
) WITHOUT ROWID;

CREATE INDEX {prefix}dependencies_of ON {prefix}dependencies (child, parent, on_code);

-- Runs that ended while others waited for them.
CREATE TABLE {prefix}ends (
    run      BLOB    NOT NULL PRIMARY KEY,
    status   INTEGER NOT NULL,
    noted_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX {prefix}ends_in_order ON {prefix}ends (noted_at, run, status);
-- Keys of unique runs and of requests that may be repeated. One is held until its run has come
-- so far (0 started, 1 finished), or else up to `expires_at`; whether the run has follows from
-- `runs`, so that nothing is written here when it does.
CREATE TABLE {prefix}keys (
    key         BLOB    NOT NULL PRIMARY KEY,
    run         BLOB    NOT NULL,
    until       INTEGER,
    expires_at  INTEGER,
    fingerprint BLOB
) WITHOUT ROWID;

CREATE INDEX {prefix}keys_expiring ON {prefix}keys (expires_at) WHERE expires_at IS NOT NULL;

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

-- Signals that runs have not taken, in the order of `place`.
CREATE TABLE {prefix}signals (
    seq     INTEGER NOT NULL,
    place   INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    payload TEXT    NOT NULL,
    PRIMARY KEY (seq, place)
) WITHOUT ROWID;

-- What suspended runs wait for: a signal, or a time alone. It stands while its run is scheduled
-- under this lease number.
CREATE TABLE {prefix}waits (
    seq    INTEGER NOT NULL PRIMARY KEY,
    lease  INTEGER NOT NULL,
    until  INTEGER NOT NULL,
    signal TEXT
);

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
    last_status        INTEGER,
    -- The whole policy as JSON, where the four columns do not say all.
    retry_policy       TEXT,
    PRIMARY KEY (tenant, job_type)
) WITHOUT ROWID;

-- Schedules as records that carry their revision. `due_at` is when a host has to look at one.
CREATE TABLE {prefix}schedules (
    tenant   TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    due_at   INTEGER,
    record   TEXT    NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

CREATE INDEX {prefix}schedules_due ON {prefix}schedules (due_at, tenant, name)
    WHERE due_at IS NOT NULL;

-- Small named records. The tenant is empty where one is the installation's own.
CREATE TABLE {prefix}documents (
    kind       TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    revision   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (kind, tenant, name)
) WITHOUT ROWID;

CREATE INDEX {prefix}documents_by_name ON {prefix}documents (kind, name, tenant);

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

-- Flow control. What each scope allows, as JSON.
CREATE TABLE {prefix}flow_limits (
    scope       TEXT    NOT NULL PRIMARY KEY,
    allows      TEXT    NOT NULL,
    -- Whether runs that were ready before it are still to be held. It admits nobody meanwhile.
    is_settling INTEGER NOT NULL
) WITHOUT ROWID;

-- The slots that runs have in gates.
CREATE TABLE {prefix}flow_slots (
    gate TEXT NOT NULL,
    id   BLOB NOT NULL,
    PRIMARY KEY (gate, id)
) WITHOUT ROWID;
CREATE INDEX {prefix}flow_slots_of ON {prefix}flow_slots (id);

-- What the rates of gates remember, as JSON, and when it is as if nobody had passed.
CREATE TABLE {prefix}flow_rates (
    gate       TEXT    NOT NULL PRIMARY KEY,
    remembers  TEXT    NOT NULL,
    forgets_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX {prefix}flow_rates_forgotten ON {prefix}flow_rates (forgets_at);

-- The line behind which the next look begins, in one row.
CREATE TABLE {prefix}flow_look (
    one  INTEGER PRIMARY KEY,
    line TEXT    NOT NULL
);

-- A run that becomes pending while a limit applies to it is held instead, unless it was
-- admitted. Which limits apply, `FlowLimits::gates` says.
CREATE TRIGGER {prefix}flow_hold_new AFTER INSERT ON {prefix}runs
WHEN NEW.status = 0 AND EXISTS (SELECT 1 FROM {prefix}flow_limits) AND EXISTS (
    SELECT 1 FROM {prefix}flow_limits WHERE scope IN ('everything', 'tenant:' || NEW.tenant,
        'queue:' || NEW.queue, 'job:' || NEW.tenant || '/' || NEW.job_type,
        CASE WHEN NEW.limit_key IS NOT NULL
            THEN 'key:' || NEW.tenant || '/' || NEW.job_type END))
BEGIN
    UPDATE {prefix}runs SET status = 7, line = tenant || '/' || queue || '/' || job_type
        || coalesce('/' || limit_key, '') WHERE id = NEW.id;
END;
CREATE TRIGGER {prefix}flow_hold AFTER UPDATE OF status ON {prefix}runs
WHEN NEW.status = 0 AND NEW.admitted = 0 AND EXISTS (SELECT 1 FROM {prefix}flow_limits) AND EXISTS (
    SELECT 1 FROM {prefix}flow_limits WHERE scope IN ('everything', 'tenant:' || NEW.tenant,
        'queue:' || NEW.queue, 'job:' || NEW.tenant || '/' || NEW.job_type,
        CASE WHEN NEW.limit_key IS NOT NULL
            THEN 'key:' || NEW.tenant || '/' || NEW.job_type END))
BEGIN
    UPDATE {prefix}runs SET status = 7, line = tenant || '/' || queue || '/' || job_type
        || coalesce('/' || limit_key, '') WHERE id = NEW.id;
END;
-- A run that is neither pending nor running has no slots.
CREATE TRIGGER {prefix}flow_give_back AFTER UPDATE OF status ON {prefix}runs
WHEN OLD.admitted = 1 AND NEW.status <> 0 AND NEW.status <> 2
BEGIN
    DELETE FROM {prefix}flow_slots WHERE id = NEW.id;
    -- Results say so themselves: then the run is not looked up.
    UPDATE {prefix}runs SET admitted = 0 WHERE NEW.admitted = 1 AND id = NEW.id AND admitted = 1;
END;
-- A run that is not held stands in no line.
CREATE TRIGGER {prefix}flow_leave_line AFTER UPDATE OF status ON {prefix}runs
WHEN NEW.line IS NOT NULL AND NEW.status <> 7
BEGIN
    UPDATE {prefix}runs SET line = NULL WHERE id = NEW.id AND status <> 7;
END;

-- Batches, with counts of their members, which the triggers below keep.
CREATE TABLE {prefix}batches (
    id           BLOB    NOT NULL PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    name         TEXT,
    parent       BLOB,
    created_at   INTEGER NOT NULL,
    is_closed    INTEGER NOT NULL DEFAULT 0,
    total        INTEGER NOT NULL DEFAULT 0,
    unfinished   INTEGER NOT NULL DEFAULT 0,
    completed    INTEGER NOT NULL DEFAULT 0,
    failed       INTEGER NOT NULL DEFAULT 0,
    cancelled    INTEGER NOT NULL DEFAULT 0,
    completed_at INTEGER,
    succeeded_at INTEGER,
    on_complete  BLOB,
    on_success   BLOB
) WITHOUT ROWID;

CREATE INDEX {prefix}batches_by_tenant ON {prefix}batches (tenant, id);
CREATE INDEX {prefix}batches_by_parent ON {prefix}batches (parent, id) WHERE parent IS NOT NULL;
-- Those about which something is due, as `zapjobs_model::batch::decide` says.
CREATE INDEX {prefix}batches_due ON {prefix}batches (id)
    WHERE is_closed = 1 AND unfinished = 0 AND succeeded_at IS NULL
        AND (completed_at IS NULL OR failed + cancelled = 0);
CREATE INDEX {prefix}batches_finished ON {prefix}batches (completed_at, id)
    WHERE completed_at IS NOT NULL AND unfinished = 0;

CREATE INDEX {prefix}runs_by_batch ON {prefix}runs (batch, id) WHERE batch IS NOT NULL;

-- A member is there, or stands in another place. One that was set aside counts as failed.
CREATE TRIGGER {prefix}batch_add AFTER INSERT ON {prefix}runs WHEN NEW.batch IS NOT NULL
BEGIN
    UPDATE {prefix}batches SET total = total + 1, unfinished = unfinished + 1
    WHERE id = NEW.batch;
END;
CREATE TRIGGER {prefix}batch_shift AFTER UPDATE OF status ON {prefix}runs
WHEN NEW.batch IS NOT NULL AND OLD.status <> NEW.status
    AND (OLD.status BETWEEN 3 AND 5 OR OLD.status = 99
        OR NEW.status BETWEEN 3 AND 5 OR NEW.status = 99)
BEGIN
    UPDATE {prefix}batches SET
        unfinished = unfinished - (OLD.status NOT IN (3, 4, 5, 99))
            + (NEW.status NOT IN (3, 4, 5, 99)),
        completed = completed - (OLD.status = 3) + (NEW.status = 3),
        failed = failed - (OLD.status IN (4, 99)) + (NEW.status IN (4, 99)),
        cancelled = cancelled - (OLD.status = 5) + (NEW.status = 5)
    WHERE id = NEW.batch;
END;
