DROP TABLE IF EXISTS {schema}.{prefix}named_leases, {schema}.{prefix}workers,
    {schema}.{prefix}definitions, {schema}.{prefix}quarantine, {schema}.{prefix}logs,
    {schema}.{prefix}tags, {schema}.{prefix}outcomes, {schema}.{prefix}inputs,
    {schema}.{prefix}log_pruning, {schema}.{prefix}steps, {schema}.{prefix}statistics, {schema}.{prefix}runs;
