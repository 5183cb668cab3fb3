//! The job attribute of the ZapJobs SDK.
