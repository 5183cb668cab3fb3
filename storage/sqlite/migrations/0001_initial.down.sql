-- Deletes all that the first schema holds. Indices go with their tables. What is missing
-- already is passed over, so that a damaged schema can be removed too.

DROP TABLE IF EXISTS {prefix}batches;
DROP TABLE IF EXISTS {prefix}flow_look;
DROP TABLE IF EXISTS {prefix}flow_rates;
DROP TABLE IF EXISTS {prefix}flow_slots;
DROP TABLE IF EXISTS {prefix}flow_limits;
DROP TABLE IF EXISTS {prefix}statistics;
DROP TABLE IF EXISTS {prefix}places;
DROP TABLE IF EXISTS {prefix}named_leases;
DROP TABLE IF EXISTS {prefix}workers;
DROP TABLE IF EXISTS {prefix}documents;
DROP TABLE IF EXISTS {prefix}schedules;
DROP TABLE IF EXISTS {prefix}definitions;
DROP TABLE IF EXISTS {prefix}quarantine;
DROP TABLE IF EXISTS {prefix}waits;
DROP TABLE IF EXISTS {prefix}signals;
DROP TABLE IF EXISTS {prefix}steps;
DROP TABLE IF EXISTS {prefix}logs;
DROP TABLE IF EXISTS {prefix}keys;
DROP TABLE IF EXISTS {prefix}tags;
DROP TABLE IF EXISTS {prefix}ends;
DROP TABLE IF EXISTS {prefix}dependencies;
DROP TABLE IF EXISTS {prefix}outcomes;
DROP TABLE IF EXISTS {prefix}inputs;
DROP TABLE IF EXISTS {prefix}runs;
