//! ZapJobs storage in memory: the executable specification.
