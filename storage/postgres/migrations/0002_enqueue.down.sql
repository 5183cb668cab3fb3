DROP FUNCTION IF EXISTS {schema}.{prefix}enqueue(text, text, text, text, integer, interval,
    timestamptz, timestamptz, integer, text, uuid, text[], jsonb, uuid, text);
DROP FUNCTION IF EXISTS {schema}.{prefix}uuid7(bigint);
