-- Enqueueing from any language, inside the caller's own transaction: the run is there if and
-- only if the transaction commits, and hosts are told at that moment.
--
--   SELECT {schema}.{prefix}enqueue('thumbnail', '{"path": "/in/a.png"}');
--   SELECT {schema}.{prefix}enqueue('mail', '{}', p_delay => interval '5 minutes');
--
-- Answers the run's id. Give `p_id` (a UUID v7 of your own) to make a repeated call harmless:
-- a run that is stored already is left as it is, and its id answered.
-- What is left out comes from the job's definition. Not checked here: whether the input fits
-- the job's schema. Refused, as an error that ends the transaction: an unknown job type, a
-- name, priority, number of attempts or size out of bounds, text that is no JSON.

CREATE FUNCTION {schema}.{prefix}uuid7(p_micros bigint) RETURNS uuid
LANGUAGE sql VOLATILE AS $body$
    -- 48 bits of milliseconds, the version, 12 bits that order within one millisecond, and
    -- the variant and 62 random bits of a version 4 UUID.
    SELECT (lpad(to_hex(p_micros / 1000), 12, '0')
        || '7' || lpad(to_hex((p_micros % 1000) * 4096 / 1000), 3, '0')
        || substr(replace(gen_random_uuid()::text, '-', ''), 17))::uuid
$body$;

CREATE FUNCTION {schema}.{prefix}enqueue(
    p_job_type       text,
    p_input          text        DEFAULT 'null',
    p_tenant         text        DEFAULT 'default',
    p_queue          text        DEFAULT NULL,
    p_priority       integer     DEFAULT 0,
    p_delay          interval    DEFAULT NULL,
    p_due_at         timestamptz DEFAULT NULL,
    p_deadline       timestamptz DEFAULT NULL,
    p_max_attempts   integer     DEFAULT NULL,
    p_correlation_id text        DEFAULT NULL,
    p_parent         uuid        DEFAULT NULL,
    p_tags           text[]      DEFAULT NULL,
    p_metadata       jsonb       DEFAULT NULL,
    p_id             uuid        DEFAULT NULL,
    p_limit_key      text        DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
    v_name       CONSTANT text := '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$';
    v_now        CONSTANT bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    v_definition {schema}.{prefix}definitions%ROWTYPE;
    v_due        bigint := v_now;
    v_deadline   bigint := (extract(epoch FROM p_deadline) * 1000000)::bigint;
    v_attempts   bigint;
    v_queue      text;
    v_tags       text[];
    v_id         uuid;
BEGIN
    SELECT * INTO v_definition FROM {schema}.{prefix}definitions
        WHERE tenant = p_tenant AND job_type = p_job_type;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown job type %: no host has published a plugin with it', p_job_type
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_queue := coalesce(p_queue, v_definition.queue);
    IF v_queue !~ v_name THEN
        RAISE EXCEPTION 'invalid queue name %', v_queue USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_input IS NULL OR octet_length(p_input) > 16777216 THEN
        RAISE EXCEPTION 'the input must have 16 MiB at most'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM p_input::json;
    IF p_priority IS NULL OR p_priority NOT BETWEEN -1000 AND 1000 THEN
        RAISE EXCEPTION 'invalid priority %: use -1000 to 1000', p_priority
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    v_attempts := coalesce(p_max_attempts, v_definition.retry_max_attempts);
    IF v_attempts NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION 'the run asks for % attempts: use 1 to 1000', v_attempts
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_delay IS NOT NULL THEN
        v_due := v_now + (extract(epoch FROM p_delay) * 1000000)::bigint;
    ELSIF p_due_at IS NOT NULL THEN
        v_due := (extract(epoch FROM p_due_at) * 1000000)::bigint;
    END IF;
    v_due := greatest(v_due, v_now);
    IF v_due - v_now > 316224000000000 THEN
        RAISE EXCEPTION 'the run is put off by more than ten years'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF v_deadline < v_due THEN
        RAISE EXCEPTION 'the run''s deadline passes before the run is ready'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_correlation_id IS NOT NULL
        AND (octet_length(p_correlation_id) NOT BETWEEN 1 AND 200
            OR p_correlation_id ~ '[\x01-\x1f\x7f-\x9f]') THEN
        RAISE EXCEPTION 'invalid correlation id: use 1 to 200 bytes without control characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_limit_key IS NOT NULL
        AND (octet_length(p_limit_key) NOT BETWEEN 1 AND 200
            OR p_limit_key ~ '[\x01-\x1f\x7f-\x9f]') THEN
        RAISE EXCEPTION 'invalid limit key: use 1 to 200 bytes without control characters'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT array_agg(DISTINCT tag COLLATE "C" ORDER BY tag COLLATE "C") INTO v_tags FROM (
        SELECT unnest(p_tags) AS tag
        UNION SELECT json_array_elements_text(v_definition.tags::json)) AS named;
    IF cardinality(v_tags) > 32 OR EXISTS (SELECT 1 FROM unnest(v_tags) AS tag
        WHERE tag IS NULL OR octet_length(tag) NOT BETWEEN 1 AND 200
            OR tag ~ '[\x01-\x1f\x7f-\x9f]') THEN
        RAISE EXCEPTION 'invalid tags: use at most 32, each of 1 to 200 bytes without control '
            'characters' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF p_metadata IS NOT NULL AND (jsonb_typeof(p_metadata) <> 'object'
        OR octet_length(p_metadata::text) > 8192
        OR EXISTS (SELECT 1 FROM jsonb_each(
                CASE WHEN jsonb_typeof(p_metadata) = 'object' THEN p_metadata ELSE '{}' END)
            AS entry WHERE jsonb_typeof(entry.value) <> 'string')) THEN
        RAISE EXCEPTION 'invalid metadata: use an object of texts, 8 KiB at most'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO {schema}.{prefix}runs
        (id, due_at, input_bytes, priority, status, trigger_code, tenant, queue, job_type,
            limit_key)
    VALUES (coalesce(p_id, {schema}.{prefix}uuid7(v_now)), v_due, octet_length(p_input),
        p_priority, CASE WHEN v_due > v_now THEN 1 ELSE 0 END, 3, p_tenant, v_queue,
        p_job_type, p_limit_key)
    ON CONFLICT (id) DO NOTHING RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN p_id;
    END IF;
    INSERT INTO {schema}.{prefix}inputs (id, created_at, max_attempts, deadline, parent, tenant,
        job_type, correlation_id, tags, metadata, input)
    VALUES (v_id, v_now, v_attempts, v_deadline, p_parent, p_tenant, p_job_type,
        p_correlation_id, to_json(v_tags)::text, p_metadata::text, btrim(p_input, E' \t\r\n'));
    INSERT INTO {schema}.{prefix}tags (tag, id) SELECT tag, v_id FROM unnest(v_tags) AS tag;
    -- A row of its own: the caller's transaction may last, and must keep nobody waiting.
    INSERT INTO {schema}.{prefix}statistics AS s (span, from_us, tenant, queue, slot, enqueued)
    VALUES (0, v_now / 3600000000 * 3600000000, p_tenant, v_queue,
        32 + (uuid_hash_extended(v_id, 0) & 4611686018427387903), 1)
    ON CONFLICT (span, from_us, tenant, queue, slot) DO UPDATE SET enqueued = s.enqueued + 1;
    PERFORM pg_notify('{channel}', 'sql ' || CASE WHEN v_due > v_now THEN 's'
        ELSE 'r ' || v_queue END);
    RETURN v_id;
END
$body$;
