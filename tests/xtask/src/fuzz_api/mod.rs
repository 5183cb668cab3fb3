//! Fuzzes the HTTP API by what it says of itself: schemathesis makes requests of the OpenAPI
//! document, and compares what is answered with it.
//!
//! **Invariant:** the same seed, the same versions and a bounded time; whatever is missing is an
//! error that says how to get it.

mod python;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;

/// Seconds of one run at most.
const SECONDS_MAX: &str = "60";
/// Seconds of one request at most.
const REQUEST_SECONDS_MAX: &str = "20";
/// What each answer is compared with.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance";
/// Streams go on for ever; the API's own tests follow them.
const STREAMS: &str = "/events$";

/// A fuzzer that is installed.
pub(crate) struct Fuzzer {
    program: PathBuf,
}

impl Fuzzer {
    /// Finds it, or installs it.
    pub(crate) fn find(workspace: &Workspace) -> Result<Self> {
        let requirements = workspace.root().join("tests/fuzz-api/requirements.txt");
        Ok(Self { program: python::installed(&requirements)?.join("bin/schemathesis") })
    }

    /// The command that fuzzes the API at this address.
    pub(crate) fn against(&self, url: &str, seed: u32) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("run").arg(format!("{url}/api/v1/openapi.json"));
        command.args(["--checks", CHECKS, "--exclude-path-regex", STREAMS]);
        command.args(["--phases", "examples,coverage,fuzzing", "--max-time", SECONDS_MAX]);
        command.args(["--seed", &seed.to_string(), "--workers", "1"]);
        command.args(["--request-timeout", REQUEST_SECONDS_MAX, "--no-shrink"]);
        command.args(["--suppress-health-check", "all", "--warnings", "off"]);
        // Neither examples nor reports of earlier runs are read or left behind.
        command.args(["--generation-database", "none"]).current_dir(std::env::temp_dir());
        command
    }
}
