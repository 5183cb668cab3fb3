//! Dispatches, executes, settles and records runs.
