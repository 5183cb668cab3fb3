//! A folder of its own for each test, the command in it, and components to give to it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Nothing that a test waits for takes longer, however busy the machine.
pub(crate) const AT_MOST: Duration = Duration::from_secs(60);

/// A folder with a plugins directory, in which commands are run.
pub(crate) struct Folder(TempDir);

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        std::fs::create_dir(folder.path("plugins")).expect("a plugins directory");
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command, ready to be run here, undisturbed by the environment of the test.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_zapjobs")), arguments)
    }

    /// The same with a program that lies elsewhere.
    pub(crate) fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ZAPJOBS_")) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("the command starts").into()
    }

    /// Runs the command, which must succeed, and answers its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[&["--json"], arguments].concat());
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
        serde_json::from_str(&ended.stdout).expect("stdout is one JSON document")
    }

    /// Puts a component into the plugins directory in one step, as a careful person does.
    pub(crate) fn put_plugin(&self, name: &str, bytes: &[u8]) {
        let draft = self.path(&format!("plugins/.{name}.part"));
        std::fs::write(&draft, bytes).expect("written");
        std::fs::rename(draft, self.path(&format!("plugins/{name}.wasm"))).expect("renamed");
    }

    /// All runs that a listing shows.
    pub(crate) fn runs(&self, filters: &[&str]) -> Vec<Value> {
        let arguments = [&["runs", "list", "--limit", "1000"], filters].concat();
        let mut page = self.json(&arguments);
        assert_eq!(page["next"], Value::Null, "more than one page");
        page["runs"].as_array_mut().map(std::mem::take).expect("a list")
    }

    /// Looks at the listing until it is as wanted. Each look is a process, which is pause enough.
    pub(crate) fn runs_once(
        &self,
        filters: &[&str],
        wanted: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let end = Instant::now() + AT_MOST;
        loop {
            let runs = self.runs(filters);
            if wanted(&runs) {
                return runs;
            }
            assert!(Instant::now() < end, "{filters:?} never came to be: {runs:#?}");
        }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// The component of an example plugin or of a guest for tests.
pub(crate) fn component(name: &str) -> Vec<u8> {
    match name {
        "misbehave" | "noop" | "hostile" | "stepper" => zapjobs_components::guest(name),
        plugin => zapjobs_components::plugin(plugin),
    }
}

/// The same code under another digest: with a custom section at its end.
pub(crate) fn another_version(component: &[u8]) -> Vec<u8> {
    let section = b"\x00\x05\x04next";
    [component, section].concat()
}

/// Where cargo puts what it builds.
pub(crate) fn targets() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or(here, PathBuf::from)
}
