//! What a component could do beyond computing, as its imports tell.
//!
//! **Invariant:** an import that is not known to be harmless counts as a capability, so that a
//! new interface is asked about before it is used.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Grants;

/// Something that reaches beyond the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Capability {
    /// Files and directories.
    Files,
    /// Environment variables and arguments.
    Environment,
    /// Outbound HTTP requests.
    Http,
    /// Sockets and name look-ups.
    Sockets,
    /// Settings that the operator gives.
    Settings,
    /// Enqueueing other jobs.
    Enqueue,
    /// Any other interface, by its name without a version.
    Other(String),
}

/// Interfaces that give nothing but computing: logs, progress, time, chance, and streams whose
/// ends the host holds.
const HARMLESS: &[&str] = &[
    "wasi:cli/exit",
    "wasi:cli/run",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:http/types",
    "zapjobs:job/cancellation",
    "zapjobs:job/jobs",
    "zapjobs:job/log",
    "zapjobs:job/progress",
    "zapjobs:job/run-context",
    "zapjobs:job/steps",
    "zapjobs:job/types",
];
/// Packages all of whose interfaces are so.
const HARMLESS_PACKAGES: &[&str] = &["wasi:clocks", "wasi:io", "wasi:random"];

impl Capability {
    /// What one import, such as `wasi:http/outgoing-handler`, gives; `None` where it reaches
    /// nothing.
    pub fn of_import(interface: &str) -> Option<Self> {
        let package = interface.split('/').next().unwrap_or(interface);
        match (package, interface) {
            (package, _) if HARMLESS_PACKAGES.contains(&package) => None,
            (_, interface) if HARMLESS.contains(&interface) => None,
            ("wasi:filesystem", _) => Some(Self::Files),
            ("wasi:sockets", _) => Some(Self::Sockets),
            (_, "wasi:cli/environment") => Some(Self::Environment),
            (_, "wasi:http/outgoing-handler") => Some(Self::Http),
            ("wasi:config", _) => Some(Self::Settings),
            (_, "zapjobs:job/children") => Some(Self::Enqueue),
            (_, other) => Some(Self::Other(other.to_owned())),
        }
    }

    /// What all of a component's imports give.
    pub fn of_imports(interfaces: &[String]) -> BTreeSet<Self> {
        interfaces.iter().filter_map(|it| Self::of_import(it)).collect()
    }

    /// What an operator allows with these grants.
    pub fn granted_by(grants: &Grants) -> BTreeSet<Self> {
        let environment = !grants.environment.is_empty() || !grants.secrets.is_empty();
        let granted = [
            (!grants.directories.is_empty(), Self::Files),
            (environment, Self::Environment),
            (!grants.hosts().is_empty(), Self::Http),
            (!grants.settings.is_empty(), Self::Settings),
            (grants.enqueue.as_ref().is_some_and(|it| !it.jobs.is_empty()), Self::Enqueue),
        ];
        granted.into_iter().filter_map(|(is, capability)| is.then_some(capability)).collect()
    }

    fn name(&self) -> &str {
        match self {
            Self::Files => "files",
            Self::Environment => "environment",
            Self::Http => "http",
            Self::Sockets => "sockets",
            Self::Settings => "settings",
            Self::Enqueue => "enqueue",
            Self::Other(interface) => interface,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<String> for Capability {
    fn from(name: String) -> Self {
        let known = [
            Self::Files,
            Self::Environment,
            Self::Http,
            Self::Sockets,
            Self::Settings,
            Self::Enqueue,
        ];
        known.into_iter().find(|it| it.name() == name).unwrap_or(Self::Other(name))
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> Self {
        capability.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, DirectoryGrant};

    #[test]
    fn imports_tell_what_a_component_could_do() {
        let imports = [
            "wasi:cli/environment",
            "wasi:cli/stdout",
            "wasi:clocks/wall-clock",
            "wasi:filesystem/preopens",
            "wasi:filesystem/types",
            "wasi:http/outgoing-handler",
            "wasi:http/types",
            "wasi:sockets/tcp",
            "zapjobs:job/children",
            "zapjobs:job/log",
        ];
        let wants = Capability::of_imports(&imports.map(str::to_owned));
        let expected = [
            Capability::Files,
            Capability::Environment,
            Capability::Http,
            Capability::Sockets,
            Capability::Enqueue,
        ];
        assert_eq!(wants, BTreeSet::from(expected));
    }

    #[test]
    fn an_interface_that_nobody_knows_is_a_capability() {
        let secrets = Capability::of_import("zapjobs:job/secrets");
        assert_eq!(secrets, Some(Capability::Other("zapjobs:job/secrets".to_owned())));
        assert!(Capability::of_import("wasi:clocks-of-others/alarm").is_some());
    }

    #[test]
    fn a_granted_directory_allows_files_and_nothing_else() {
        assert!(Capability::granted_by(&Grants::default()).is_empty());
        let grant = DirectoryGrant {
            host: "/srv".into(),
            guest: "/in".to_owned(),
            access: Access::ReadOnly,
        };
        let grants = Grants { directories: vec![grant], ..Grants::default() };
        assert_eq!(Capability::granted_by(&grants), BTreeSet::from([Capability::Files]));
    }

    #[test]
    fn a_capability_survives_its_own_text() {
        for capability in
            [Capability::Http, Capability::Enqueue, Capability::Other("a:b/c".to_owned())]
        {
            let text = serde_json::to_string(&capability).expect("plain");
            assert_eq!(serde_json::from_str::<Capability>(&text).expect("the same"), capability);
        }
    }
}
