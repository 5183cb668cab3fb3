//! The suite that every ZapJobs storage driver passes.
