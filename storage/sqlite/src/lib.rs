//! ZapJobs storage in one SQLite file.
