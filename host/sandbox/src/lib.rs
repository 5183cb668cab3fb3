//! Runs one attempt of a WebAssembly job in a fresh sandbox, under limits.
