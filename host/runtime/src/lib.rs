//! The part of a host that claims runs, has them executed and records what became of them.
//!
//! **Invariant:** the runtime does not know how code is run, nor how runs are kept. It knows
//! the ports of `zapjobs_model::port` and the traits of `zapjobs_storage`.
//!
//! The way of a run, stage by stage:
//!
//! 1. [`Client`] checks a request and stores the run,
//! 2. the storage hints that a run is ready (`listener`),
//! 3. `dispatcher` claims as many runs as there are free permits, fairly between `tenants`,
//! 4. `attempt` prepares one and hands it to the sandbox,
//! 5. `completer` settles what it came to and records it, many at a time,
//! 6. listeners are told.
//!
//! Beside it work small `services` (promote, rescue, schedule, prune, heartbeat), and
//! [`PluginDirectory`] keeps the [`Catalog`] of code equal to a directory of files.

mod admission;
mod attempt;
mod batches;
mod breaker;
mod bulk;
mod calendars;
mod catalog;
mod children;
mod client;
mod completer;
mod config;
mod dead_letters;
mod dispatcher;
mod documents;
mod guests;
mod held;
mod host;
mod host_core;
mod limit_keys;
mod listener;
pub mod metrics;
mod parents;
mod plugins;
mod queue_parts;
mod recorder;
mod schedules;
mod schema;
mod services;
mod signals;
mod steps;
mod store_clock;
mod suspender;
mod templates;
mod tenant_client;
mod tenants;
mod waits;
mod webhooks;
mod workflow;
mod workflow_runs;

pub use batches::{
    BATCH_KEY, BatchReport, BatchRequest, BatchWaitError, CALLBACK_KEY, InvalidBatch, NESTED_MAX,
    StartedBatch,
};
pub use breaker::{BreakerRules, lease_name as breaker_lease_name};
pub use bulk::{BULK_MAX, BulkReport, Selection};
pub use calendars::{CalendarError, KeptCalendar, PutCalendar};
pub use catalog::{Catalog, Served};
pub use client::{Client, QuotaExceeded, SubmitError, Submitted, WaitError};
pub use config::{HostOptions, InvalidOptions};
pub use dead_letters::{DeadLetterGroups, DeadLetters};
pub use host::{Host, StartError};
pub use metrics::HostMetrics;
pub use plugins::{
    DeskError, HoldReason, Manifest, ManifestError, Misfits, OrderError, Orders, Origin,
    PluginDesk, PluginDirectory, PluginId, PluginOptions, PluginOrder, PluginOverview, PluginPage,
    PluginPageRequest, PluginRecord, PluginReport, PluginState, PluginVersion, RescanError,
    SchemaCheck, ServedCode, Standing, TrustedKeys, TurnedDown, VersionStore,
};
pub use schedules::{ScheduleError, declare_schedules};
pub use schema::{InputSchema, SchemaCache};
pub use templates::{KeptTemplate, UseTemplateError};
pub use tenant_client::TenantClient;
pub use tenants::TenantPolicy;
pub use webhooks::{
    Delivery, DeliveryOutcome, KeptWebhook, Message, NewWebhook, Order, OrderKind, Progress,
    SendError, Totals, WEBHOOKS_MAX, Webhook, WebhookError, WebhookSender, WebhookService,
    webhook_totals,
};
pub use workflow::{
    AFTER_KEY, InvalidWorkflow, NAME_KEY, NODE_KEY, NODE_NAME_BYTES_MAX, NODES_MAX,
    StartedWorkflow, Workflow, workflow_tag,
};
pub use workflow_runs::CancelledWorkflow;
