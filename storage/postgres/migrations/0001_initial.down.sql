DROP TABLE IF EXISTS {schema}.{prefix}batches, {schema}.{prefix}batch_changes,
    {schema}.{prefix}flow_limits, {schema}.{prefix}flow_slots,
    {schema}.{prefix}flow_rates, {schema}.{prefix}flow_look,
    {schema}.{prefix}named_leases, {schema}.{prefix}workers,
    {schema}.{prefix}documents,
    {schema}.{prefix}schedules, {schema}.{prefix}definitions, {schema}.{prefix}quarantine,
    {schema}.{prefix}logs, {schema}.{prefix}ends, {schema}.{prefix}dependencies,
    {schema}.{prefix}keys, {schema}.{prefix}tags, {schema}.{prefix}outcomes, {schema}.{prefix}inputs,
    {schema}.{prefix}log_pruning, {schema}.{prefix}steps, {schema}.{prefix}signals, {schema}.{prefix}waits,
    {schema}.{prefix}statistics, {schema}.{prefix}runs;
DROP FUNCTION IF EXISTS {schema}.{prefix}batch_shift();
DROP FUNCTION IF EXISTS {schema}.{prefix}flow_hold();
DROP FUNCTION IF EXISTS {schema}.{prefix}flow_leave();
