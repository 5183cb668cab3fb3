//! How plugins are written.

use serde::Serialize;
use utoipa::ToSchema;
use zapjobs_model::{Access, Capability, Digest, Grants, JobType, TenantId, Timestamp};
use zapjobs_runtime::{PluginOverview, PluginVersion, TurnedDown};

/// A plugin, and how it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Plugin)]
pub(crate) struct ListedPlugin {
    /// Whose.
    #[schema(value_type = String)]
    tenant: TenantId,
    /// Its file's name without `.wasm`.
    name: String,
    /// How it stands: `serving`, `pinned` (an operator went back to a version), `held` (its file
    /// waits for approval), `refused`, `unserved`, `out-of-service` (its runs kept trapping) or
    /// `retired` (its file is gone).
    state: &'static str,
    /// Why it, or its file, does not serve.
    reason: Option<String>,
    /// The code that serves, which may be an earlier version than the file.
    #[schema(value_type = Option<String>)]
    serving: Option<Digest>,
    /// The job types that it serves.
    #[schema(value_type = Vec<String>)]
    jobs: Vec<JobType>,
    /// What the code that served last wants beyond computing: `files`, `environment`, `http`,
    /// `sockets`, `settings`, `enqueue`, or an interface by its name.
    #[schema(value_type = Vec<String>)]
    wants: Vec<Capability>,
    /// Of the code that served last: `trusted` where this host asks for signatures and one counts,
    /// `unchecked` where there is one and nobody asks, else `none`.
    signature: &'static str,
    /// Why the file in the directory is not what serves; null where it is.
    turned_down: Option<TurnedDownFile>,
    /// The version that an operator pinned.
    #[schema(value_type = Option<String>)]
    pinned: Option<Digest>,
    /// Until when it is out of service.
    #[schema(value_type = Option<String>)]
    out_of_service_until: Option<Timestamp>,
    /// When its file was found gone.
    #[schema(value_type = Option<String>)]
    retired_at: Option<Timestamp>,
    /// How many versions were accepted, as far as they are remembered.
    versions_count: usize,
}

/// A file that is not what serves.
#[derive(Serialize, ToSchema)]
pub(crate) struct TurnedDownFile {
    /// Its code, if it could be read.
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// Why.
    reason: String,
    /// Whether an approval is all that it lacks.
    held: bool,
    /// What it wants that nobody approved, beside the plugin's `wants`.
    #[schema(value_type = Vec<String>)]
    wants_more: Vec<Capability>,
}

/// A version that was accepted.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginVersion)]
pub(super) struct ShownVersion {
    /// Its code.
    #[schema(value_type = String)]
    digest: Digest,
    /// When it first served.
    #[schema(value_type = String)]
    accepted_at: Timestamp,
    /// What it wants beyond computing.
    #[schema(value_type = Vec<String>)]
    wants: Vec<Capability>,
    /// The job types that it served.
    #[schema(value_type = Vec<String>)]
    jobs: Vec<JobType>,
    /// `trusted`, `unchecked` or `none`.
    signature: &'static str,
    /// Whether it is what served last.
    current: bool,
    /// Whether an operator pinned it.
    pinned: bool,
    /// Whether it can be gone back to.
    kept: bool,
    /// Bytes of its code, where that is kept.
    bytes: Option<u64>,
}

/// What its manifest allows a plugin, by names alone.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginGrants)]
pub(super) struct ShownGrants {
    /// Directories as it sees them, each with `ro` or `rw`: `/in ro`.
    directories: Vec<String>,
    /// Hosts that it may send requests to: `https://api.example.com`.
    http: Vec<String>,
    /// Names of its environment variables.
    environment: Vec<String>,
    /// Keys of its settings.
    settings: Vec<String>,
    /// Names of secrets that it may use.
    secrets: Vec<String>,
    /// Jobs that its runs may enqueue.
    enqueue: Vec<String>,
}

impl ListedPlugin {
    pub(super) fn new(plugin: PluginOverview, signatures_are_asked_for: bool) -> Self {
        let PluginOverview { id, standing, record, orders, .. } = plugin;
        let latest = latest(&record.history, record.current);
        let wants = latest.map(|it| it.wants.iter().cloned().collect()).unwrap_or_default();
        Self {
            tenant: id.tenant,
            name: id.name,
            state: standing.name(),
            reason: plugin.reason,
            serving: plugin.serving,
            jobs: plugin.jobs,
            wants,
            signature: latest.map_or("none", |it| signature(it, signatures_are_asked_for)),
            versions_count: record.history.len(),
            turned_down: record.turned_down.map(TurnedDownFile::from),
            pinned: orders.pinned,
            out_of_service_until: plugin.out_of_service_until,
            retired_at: record.retired_at,
        }
    }
}

/// The version that served last.
pub(super) fn latest(history: &[PluginVersion], current: Option<Digest>) -> Option<&PluginVersion> {
    history.iter().find(|version| Some(version.digest) == current).or(history.first())
}

fn signature(version: &PluginVersion, asked_for: bool) -> &'static str {
    match (version.signature.is_some(), asked_for) {
        (true, true) => "trusted",
        (true, false) => "unchecked",
        (false, _) => "none",
    }
}

impl From<TurnedDown> for TurnedDownFile {
    fn from(TurnedDown { digest, reason, held, wants_more }: TurnedDown) -> Self {
        Self { digest, reason, held, wants_more }
    }
}

impl ShownVersion {
    pub(super) fn of(
        plugin: &PluginOverview,
        version: &PluginVersion,
        bytes: Option<u64>,
        signatures_are_asked_for: bool,
    ) -> Self {
        let is = |it: Option<Digest>| it == Some(version.digest);
        Self {
            digest: version.digest,
            accepted_at: version.accepted_at,
            wants: version.wants.iter().cloned().collect(),
            jobs: version.jobs.clone(),
            signature: signature(version, signatures_are_asked_for),
            current: is(plugin.record.current),
            pinned: is(plugin.orders.pinned),
            kept: bytes.is_some(),
            bytes,
        }
    }
}

impl From<&Grants> for ShownGrants {
    fn from(grants: &Grants) -> Self {
        let directories = grants.directories.iter().map(|it| {
            let access = match it.access {
                Access::ReadOnly => "ro",
                Access::ReadWrite => "rw",
            };
            format!("{} {access}", it.guest)
        });
        let http = grants.hosts().iter().map(|it| {
            let port = it.port.map_or_else(String::new, |port| format!(":{port}"));
            format!("{}://{}{port}", it.scheme.as_str(), it.host)
        });
        let enqueue = grants.enqueue.iter().flat_map(|it| &it.jobs);
        Self {
            directories: directories.collect(),
            http: http.collect(),
            environment: grants.environment.iter().map(|(name, _)| name.to_owned()).collect(),
            settings: grants.settings.iter().map(|(name, _)| name.to_owned()).collect(),
            secrets: grants.secrets.keys().map(ToString::to_string).collect(),
            enqueue: enqueue.map(ToString::to_string).collect(),
        }
    }
}
