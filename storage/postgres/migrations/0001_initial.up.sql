-- The first schema. `{schema}` stands for the schema's name, `{prefix}` for what the names of
-- tables begin with.
--
-- A run is spread over three tables: `runs` is narrow and holds what claims and sweeps
-- change; `inputs` is written once, indices for listings included, so that a change of status
-- touches none of them; `outcomes` is written when an attempt reports or ends.
-- Instants are microseconds since 1970, UTC. Status: 0 pending, 1 scheduled, 2 running,
-- 3 completed, 4 failed, 5 cancelled, 6 awaiting retry, 7 held, 99 quarantined.
-- Free text is kept with U+0001 before '0' for NUL and before '1' for U+0001 itself.

CREATE TABLE {schema}.{prefix}runs (
    id               uuid     NOT NULL PRIMARY KEY,
    due_at           bigint   NOT NULL,
    started_at       bigint,
    finished_at      bigint,
    lease_expires_at bigint,
    lease            bigint   NOT NULL DEFAULT 0,
    attempt          bigint   NOT NULL DEFAULT 0,
    host_faults      bigint   NOT NULL DEFAULT 0,
    input_bytes      integer  NOT NULL,
    priority         smallint NOT NULL,
    status           smallint NOT NULL,
    trigger_code     smallint NOT NULL,
    cancel_requested boolean  NOT NULL DEFAULT false,
    followed         boolean  NOT NULL DEFAULT false,
    worker           uuid,
    digest           bytea,
    tenant           text     COLLATE "C" NOT NULL,
    queue            text     COLLATE "C" NOT NULL,
    -- Flow control: what `FlowLimits::gates` goes by, beside the above; the line, while a limit
    -- holds the run; and whether it was admitted, while it is pending or running.
    job_type         text     COLLATE "C" NOT NULL,
    limit_key        text     COLLATE "C",
    line             text     COLLATE "C",
    admitted         boolean  NOT NULL DEFAULT false,
    unique_key       uuid,
    unique_until     smallint,
    -- The batch that it is a member of; in `inputs` too, for listings.
    batch            uuid
) WITH (
    -- Room for the three versions that most runs go through on one page.
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 1
);

-- In the order of claims: over all, and within each lane, which is a queue of a tenant.
CREATE INDEX {prefix}runs_ready ON {schema}.{prefix}runs (priority DESC, due_at, id)
    WHERE status = 0;
CREATE INDEX {prefix}runs_pending ON {schema}.{prefix}runs
    (tenant, queue, priority DESC, due_at, id) WHERE status = 0;
CREATE INDEX {prefix}runs_delayed ON {schema}.{prefix}runs (due_at, id)
    WHERE status = 1 OR status = 6;
-- For what a tenant waits for.
CREATE INDEX {prefix}runs_delayed_by_tenant ON {schema}.{prefix}runs (tenant)
    WHERE status = 1 OR status = 6;
CREATE INDEX {prefix}runs_held_by_tenant ON {schema}.{prefix}runs (tenant) WHERE status = 7;
CREATE INDEX {prefix}runs_running ON {schema}.{prefix}runs (lease_expires_at, id)
    WHERE status = 2;
CREATE INDEX {prefix}runs_finished ON {schema}.{prefix}runs (finished_at, id)
    WHERE status BETWEEN 3 AND 5;
-- For listings. Most runs complete: those are found by walking the table itself.
CREATE INDEX {prefix}runs_listed ON {schema}.{prefix}runs (status, id)
    WHERE status = 1 OR status = 4 OR status = 5 OR status = 6 OR status = 7;

-- Runs that limits hold, line by line in the order of claims.
CREATE INDEX {prefix}runs_lines ON {schema}.{prefix}runs (line, priority DESC, due_at, id)
    WHERE status = 7 AND line IS NOT NULL;
-- The same runs, all lines together.
CREATE INDEX {prefix}runs_held_first ON {schema}.{prefix}runs (priority DESC, due_at, id)
    WHERE status = 7 AND line IS NOT NULL;

CREATE TABLE {schema}.{prefix}inputs (
    id             uuid   NOT NULL PRIMARY KEY,
    created_at     bigint NOT NULL,
    max_attempts   bigint NOT NULL,
    deadline       bigint,
    parent         uuid,
    tenant         text   COLLATE "C" NOT NULL,
    job_type       text   COLLATE "C" NOT NULL,
    correlation_id text   COLLATE "C",
    tags           text   COLLATE "C",
    metadata       text   COLLATE "C",
    input          text   COLLATE "C" NOT NULL,
    batch          uuid
);

-- For listings: the tenant is here as well as in `runs`, where an index of all runs would be
-- written at each change of status.
CREATE INDEX {prefix}inputs_by_job ON {schema}.{prefix}inputs (job_type, id);
CREATE INDEX {prefix}inputs_by_tenant ON {schema}.{prefix}inputs (tenant, id);

-- What the attempt under `lease` came to. It counts only while it is the run's latest lease,
-- so that a claim clears it without a write.
CREATE TABLE {schema}.{prefix}outcomes (
    id                uuid     NOT NULL PRIMARY KEY,
    lease             bigint   NOT NULL,
    progress_done     bigint   NOT NULL DEFAULT 0,
    progress_total    bigint,
    items_processed   bigint   NOT NULL DEFAULT 0,
    items_succeeded   bigint   NOT NULL DEFAULT 0,
    items_failed      bigint   NOT NULL DEFAULT 0,
    cpu_us            bigint   NOT NULL DEFAULT 0,
    wall_us           bigint   NOT NULL DEFAULT 0,
    memory_bytes_peak bigint   NOT NULL DEFAULT 0,
    log_bytes         bigint   NOT NULL DEFAULT 0,
    log_lines         bigint   NOT NULL DEFAULT 0,
    log_lines_dropped bigint   NOT NULL DEFAULT 0,
    output_bytes      bigint   NOT NULL DEFAULT 0,
    wait_us           bigint   NOT NULL DEFAULT 0,
    http_requests     bigint   NOT NULL DEFAULT 0,
    http_sent_bytes   bigint   NOT NULL DEFAULT 0,
    http_received_bytes bigint NOT NULL DEFAULT 0,
    error_blame       smallint,
    error_type        text     COLLATE "C",
    error_message     text     COLLATE "C",
    error_details     text     COLLATE "C",
    progress_message  text     COLLATE "C" NOT NULL DEFAULT '',
    output            text     COLLATE "C"
) WITH (fillfactor = 90);

-- Which run waits for which, and how that must end: 0 completed, 1 failed, 2 in whatever way.
CREATE TABLE {schema}.{prefix}dependencies (
    parent  uuid     NOT NULL,
    child   uuid     NOT NULL,
    on_code smallint NOT NULL,
    PRIMARY KEY (parent, child)
);

CREATE INDEX {prefix}dependencies_of ON {schema}.{prefix}dependencies (child);

-- Runs that ended while others waited for them.
CREATE TABLE {schema}.{prefix}ends (
    run      uuid     NOT NULL PRIMARY KEY,
    status   smallint NOT NULL,
    noted_at bigint   NOT NULL
);

CREATE INDEX {prefix}ends_in_order ON {schema}.{prefix}ends (noted_at, run);
-- Keys of unique runs and of requests that may be repeated. One is held until its run has come
-- so far (0 started, 1 finished), or else up to `expires_at`; whether the run has follows from
-- `runs`, so that nothing is written here when it does.
CREATE TABLE {schema}.{prefix}keys (
    key         uuid     NOT NULL PRIMARY KEY,
    run         uuid     NOT NULL,
    expires_at  bigint,
    until       smallint,
    fingerprint uuid
);

CREATE INDEX {prefix}keys_expiring ON {schema}.{prefix}keys (expires_at)
    WHERE expires_at IS NOT NULL;

CREATE TABLE {schema}.{prefix}tags (
    tag text COLLATE "C" NOT NULL,
    id  uuid NOT NULL,
    PRIMARY KEY (tag, id)
);

-- For the deletion of runs.
CREATE INDEX {prefix}tags_by_run ON {schema}.{prefix}tags (id);

CREATE TABLE {schema}.{prefix}logs (
    id       uuid     NOT NULL,
    lease    bigint   NOT NULL,
    idx      bigint   NOT NULL,
    at       bigint   NOT NULL,
    level    smallint NOT NULL,
    category text     COLLATE "C" NOT NULL,
    message  text     COLLATE "C" NOT NULL,
    fields   text     COLLATE "C",
    PRIMARY KEY (id, lease, idx)
);

-- What attempts have done for good. `place` is the step's number from 0, `bytes` those of the
-- result, which is mostly kept out of line.
CREATE TABLE {schema}.{prefix}steps (
    id     uuid   NOT NULL,
    place  bigint NOT NULL,
    at     bigint NOT NULL,
    bytes  bigint NOT NULL,
    name   text   COLLATE "C" NOT NULL,
    result text   COLLATE "C" NOT NULL,
    PRIMARY KEY (id, name)
);

-- Signals that runs have not taken, in the order of `place`.
CREATE TABLE {schema}.{prefix}signals (
    id      uuid   NOT NULL,
    place   bigint NOT NULL,
    at      bigint NOT NULL,
    name    text   COLLATE "C" NOT NULL,
    payload text   COLLATE "C" NOT NULL,
    PRIMARY KEY (id, place)
);

-- What suspended runs wait for: a signal, or a time alone. It stands while its run is scheduled
-- under this lease number.
CREATE TABLE {schema}.{prefix}waits (
    id     uuid   NOT NULL PRIMARY KEY,
    lease  bigint NOT NULL,
    until  bigint NOT NULL,
    signal text   COLLATE "C"
);

-- What happened, as sums: of an hour (span 0), of a day (1) and for ever (2), which begin at
-- `from_us`. Only hours are written, by each connection in a slot that few others use, so that
-- none waits for another's commit; pruning merges slots into -1, old hours into days and old
-- days into the total.
CREATE TABLE {schema}.{prefix}statistics (
    span      smallint NOT NULL,
    from_us   bigint   NOT NULL,
    tenant    text     COLLATE "C" NOT NULL,
    queue     text     COLLATE "C" NOT NULL,
    slot      bigint   NOT NULL,
    enqueued  bigint   NOT NULL DEFAULT 0,
    started   bigint   NOT NULL DEFAULT 0,
    completed bigint   NOT NULL DEFAULT 0,
    failed    bigint   NOT NULL DEFAULT 0,
    cancelled bigint   NOT NULL DEFAULT 0,
    retried   bigint   NOT NULL DEFAULT 0,
    put_back  bigint   NOT NULL DEFAULT 0,
    cpu_us    bigint   NOT NULL DEFAULT 0,
    wall_us   bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (span, from_us, tenant, queue, slot)
) WITH (
    -- Room for new versions of rows that change all the time.
    fillfactor = 50
);

-- What is to be merged.
CREATE INDEX {prefix}statistics_unmerged ON {schema}.{prefix}statistics
    (from_us, tenant, queue, slot) WHERE span = 0 AND slot >= 0;

-- The run whose log was deleted to its end last: one row.
CREATE TABLE {schema}.{prefix}log_pruning (
    is_the_row  boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (is_the_row),
    finished_at bigint  NOT NULL,
    id          uuid    NOT NULL
);
INSERT INTO {schema}.{prefix}log_pruning (finished_at, id)
    VALUES (-9223372036854775808, '00000000-0000-0000-0000-000000000000');

-- Runs whose record cannot be read: set aside, and kept as they are for a person to look at.
CREATE TABLE {schema}.{prefix}quarantine (
    id             uuid     NOT NULL PRIMARY KEY,
    status         smallint NOT NULL,
    reason         text     NOT NULL,
    quarantined_at bigint   NOT NULL
);

CREATE TABLE {schema}.{prefix}definitions (
    tenant             text     COLLATE "C" NOT NULL,
    job_type           text     COLLATE "C" NOT NULL,
    display_name       text     COLLATE "C" NOT NULL,
    description        text     COLLATE "C" NOT NULL,
    queue              text     COLLATE "C" NOT NULL,
    schedule           text     COLLATE "C" NOT NULL,
    retry_max_attempts bigint   NOT NULL,
    retry_base_ms      bigint   NOT NULL,
    retry_cap_ms       bigint   NOT NULL,
    retry_jitter       double precision NOT NULL,
    timeout_ms         bigint,
    tags               text     COLLATE "C" NOT NULL,
    default_input      text     COLLATE "C" NOT NULL,
    input_schema       text     COLLATE "C",
    output_schema      text     COLLATE "C",
    digest             bytea,
    last_status        smallint,
    -- The whole policy as JSON, where the four columns do not say all.
    retry_policy       text     COLLATE "C",
    PRIMARY KEY (tenant, job_type)
);

-- Schedules as records that carry their revision. `due_at` is when a host has to look at one.
CREATE TABLE {schema}.{prefix}schedules (
    tenant   text   COLLATE "C" NOT NULL,
    name     text   COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    due_at   bigint,
    record   text   COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE INDEX {prefix}schedules_due ON {schema}.{prefix}schedules (due_at, tenant, name)
    WHERE due_at IS NOT NULL;

-- Small named records. The tenant is empty where one is the installation's own.
CREATE TABLE {schema}.{prefix}documents (
    kind       text   COLLATE "C" NOT NULL,
    tenant     text   COLLATE "C" NOT NULL,
    name       text   COLLATE "C" NOT NULL,
    revision   bigint NOT NULL,
    updated_at bigint NOT NULL,
    body       text   COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, tenant, name)
);

CREATE INDEX {prefix}documents_by_name ON {schema}.{prefix}documents (kind, name, tenant);

CREATE TABLE {schema}.{prefix}workers (
    id          uuid   NOT NULL PRIMARY KEY,
    hostname    text   COLLATE "C" NOT NULL,
    pid         bigint NOT NULL,
    version     text   COLLATE "C" NOT NULL,
    started_at  bigint NOT NULL,
    seen_at     bigint NOT NULL,
    queues      text   COLLATE "C" NOT NULL,
    concurrency bigint NOT NULL,
    running     bigint NOT NULL
);

CREATE TABLE {schema}.{prefix}named_leases (
    name       text   COLLATE "C" NOT NULL PRIMARY KEY,
    owner      uuid,
    fence      bigint NOT NULL,
    expires_at bigint NOT NULL
);

-- Flow control. What each scope allows, as JSON.
CREATE TABLE {schema}.{prefix}flow_limits (
    scope       text    COLLATE "C" NOT NULL PRIMARY KEY,
    allows      text    NOT NULL,
    -- Whether runs that were ready before it are still to be held. It admits nobody meanwhile.
    is_settling boolean NOT NULL
);

-- The slots that runs have in gates.
CREATE TABLE {schema}.{prefix}flow_slots (
    gate text COLLATE "C" NOT NULL,
    id   uuid NOT NULL,
    PRIMARY KEY (gate, id)
);
CREATE INDEX {prefix}flow_slots_of ON {schema}.{prefix}flow_slots (id);

-- What the rates of gates remember, as JSON, and when it is as if nobody had passed.
CREATE TABLE {schema}.{prefix}flow_rates (
    gate       text   COLLATE "C" NOT NULL PRIMARY KEY,
    remembers  text   NOT NULL,
    forgets_at bigint NOT NULL
);
CREATE INDEX {prefix}flow_rates_forgotten ON {schema}.{prefix}flow_rates (forgets_at);

-- One row, which whoever admits or changes limits locks; and the line behind which the next look
-- begins.
CREATE TABLE {schema}.{prefix}flow_look (
    is_the_row boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (is_the_row),
    line       text    COLLATE "C" NOT NULL DEFAULT ''
);
INSERT INTO {schema}.{prefix}flow_look DEFAULT VALUES;

-- A run that becomes pending while a limit applies to it is held instead, unless it was
-- admitted. Which limits apply, `FlowLimits::gates` says. The trigger is enabled only while there
-- are limits.
CREATE FUNCTION {schema}.{prefix}flow_hold() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (SELECT 1 FROM {schema}.{prefix}flow_limits WHERE scope IN ('everything',
        'tenant:' || NEW.tenant, 'queue:' || NEW.queue,
        'job:' || NEW.tenant || '/' || NEW.job_type,
        CASE WHEN NEW.limit_key IS NOT NULL
            THEN 'key:' || NEW.tenant || '/' || NEW.job_type END)) THEN
        NEW.status := 7;
        NEW.line := NEW.tenant || '/' || NEW.queue || '/' || NEW.job_type
            || coalesce('/' || NEW.limit_key, '');
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER {prefix}flow_hold BEFORE INSERT OR UPDATE OF status ON {schema}.{prefix}runs
    FOR EACH ROW WHEN (NEW.status = 0 AND NOT NEW.admitted)
    EXECUTE FUNCTION {schema}.{prefix}flow_hold();
ALTER TABLE {schema}.{prefix}runs DISABLE TRIGGER {prefix}flow_hold;

-- A run that is neither pending nor running has no slots; one that is not held stands in no line.
-- By its name it comes behind the one above.
CREATE FUNCTION {schema}.{prefix}flow_leave() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF OLD.admitted AND NEW.status NOT IN (0, 2) THEN
        DELETE FROM {schema}.{prefix}flow_slots WHERE id = NEW.id;
        NEW.admitted := false;
    END IF;
    IF NEW.status <> 7 THEN
        NEW.line := NULL;
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER {prefix}flow_leave BEFORE UPDATE OF status ON {schema}.{prefix}runs
    FOR EACH ROW WHEN ((OLD.admitted AND NEW.status <> 0 AND NEW.status <> 2)
        OR (NEW.line IS NOT NULL AND NEW.status <> 7))
    EXECUTE FUNCTION {schema}.{prefix}flow_leave();

-- Batches. Their counts are those here and all in `batch_changes` together.
CREATE TABLE {schema}.{prefix}batches (
    id           uuid    NOT NULL PRIMARY KEY,
    parent       uuid,
    on_complete  uuid,
    on_success   uuid,
    created_at   bigint  NOT NULL,
    completed_at bigint,
    succeeded_at bigint,
    total        bigint  NOT NULL DEFAULT 0,
    unfinished   bigint  NOT NULL DEFAULT 0,
    completed    bigint  NOT NULL DEFAULT 0,
    failed       bigint  NOT NULL DEFAULT 0,
    cancelled    bigint  NOT NULL DEFAULT 0,
    is_closed    boolean NOT NULL DEFAULT false,
    tenant       text    COLLATE "C" NOT NULL,
    name         text    COLLATE "C"
) WITH (fillfactor = 70);

CREATE INDEX {prefix}batches_by_tenant ON {schema}.{prefix}batches (tenant, id);
CREATE INDEX {prefix}batches_by_parent ON {schema}.{prefix}batches (parent, id)
    WHERE parent IS NOT NULL;
-- Those about which something may be due, as `zapjobs_model::batch::decide` says.
CREATE INDEX {prefix}batches_due ON {schema}.{prefix}batches (id)
    WHERE is_closed AND unfinished <= 0 AND succeeded_at IS NULL
        AND (completed_at IS NULL OR failed + cancelled <= 0);
CREATE INDEX {prefix}batches_finished ON {schema}.{prefix}batches (completed_at, id)
    WHERE completed_at IS NOT NULL;

-- What happened to members, until it is added to their batch's row: so whoever ends a member
-- writes a row of its own, locks no batch, and waits for nobody who does the same.
CREATE TABLE {schema}.{prefix}batch_changes (
    batch      uuid    NOT NULL,
    total      integer NOT NULL DEFAULT 0,
    unfinished integer NOT NULL DEFAULT 0,
    completed  integer NOT NULL DEFAULT 0,
    failed     integer NOT NULL DEFAULT 0,
    cancelled  integer NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1);

CREATE INDEX {prefix}batch_changes_of ON {schema}.{prefix}batch_changes (batch);

-- For listings: here, where no change of status writes it.
CREATE INDEX {prefix}inputs_by_batch ON {schema}.{prefix}inputs (batch, id)
    WHERE batch IS NOT NULL;

-- A member stands in another place. One that was set aside counts as failed.
CREATE FUNCTION {schema}.{prefix}batch_shift() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO {schema}.{prefix}batch_changes (batch, unfinished, completed, failed, cancelled)
    VALUES (NEW.batch,
        (NEW.status NOT IN (3, 4, 5, 99))::int - (OLD.status NOT IN (3, 4, 5, 99))::int,
        (NEW.status = 3)::int - (OLD.status = 3)::int,
        (NEW.status IN (4, 99))::int - (OLD.status IN (4, 99))::int,
        (NEW.status = 5)::int - (OLD.status = 5)::int);
    RETURN NEW;
END
$body$;
CREATE TRIGGER {prefix}batch_shift BEFORE UPDATE OF status ON {schema}.{prefix}runs
    FOR EACH ROW WHEN (NEW.batch IS NOT NULL AND OLD.status <> NEW.status
        AND (OLD.status BETWEEN 3 AND 5 OR OLD.status = 99
            OR NEW.status BETWEEN 3 AND 5 OR NEW.status = 99))
    EXECUTE FUNCTION {schema}.{prefix}batch_shift();
