//! `zapjobs serve` as a child process: its events, and its end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::Value;

use crate::support::{AT_MOST, Folder};

/// A host that is ready. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    events: Receiver<Value>,
    ready: Value,
}

impl Server {
    /// Starts a host in a folder and waits until it is ready.
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let all = [&["--json", "serve"], arguments].concat();
        let mut child = folder
            .command(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the host starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("stdout holds JSON lines");
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let mut server = Self { child, events, ready: Value::Null };
        server.ready = server.wait_for("ready");
        server
    }

    /// What it told when it was ready.
    pub(crate) fn ready(&self) -> &Value {
        &self.ready
    }

    /// Waits for an event of this name; others are passed over.
    pub(crate) fn wait_for(&self, name: &str) -> Value {
        let end = Instant::now() + AT_MOST;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let event = self
                .events
                .recv_timeout(left)
                .unwrap_or_else(|error| panic!("the host never told of {name:?}: {error}"));
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Sends a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill starts");
        assert!(sent.success());
    }

    /// Waits for its end; answers its exit code, and none where a signal killed it.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("a child").code()
    }

    /// Asks it to stop and waits until it has; answers what it says last.
    pub(crate) fn stop(mut self) -> Value {
        self.signal("INT");
        let stopped = self.wait_for("stopped");
        assert_eq!(self.ended(), Some(0));
        stopped
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
