//! The words and rules of ZapJobs.
//!
//! **Invariant:** this crate does no I/O, spawns nothing and never reads a clock.
//! Time, randomness and everything the outside decides come in as arguments, so
//! that every rule is a pure function and is tested as one.
//!
//! In reading order: [`id`]s and [`time`] name things, [`definition`] says what a
//! job type is, [`submit`] turns a request into a [`run`], an attempt ends in an
//! [`outcome`], and [`mod@settle`] decides what becomes of the run. [`port`] is what
//! the runtime asks of a sandbox.

pub mod batch;
pub mod capability;
pub mod child;
pub mod definition;
pub mod document;
pub mod event;
pub mod fairness;
pub mod flow;
pub mod grants;
pub mod id;
pub mod job_schedule;
pub mod json;
pub mod limits;
pub mod log;
pub mod outcome;
pub mod plugin;
pub mod port;
pub mod retry;
pub mod run;
pub mod schedule;
pub mod settle;
pub mod signal;
pub mod status;
pub mod step;
pub mod submit;
pub mod template;
pub mod tenant;
pub mod time;
pub mod unique;
pub mod wait;
pub mod webhook;
pub mod workflow;

pub use batch::{Batch, BatchCounts, Settlement};
pub use capability::Capability;
pub use child::{ChildError, ChildErrorKind, ChildRequest, ChildState, ChildStatus, Parent};
pub use definition::{JobDefinition, JobKey};
pub use document::{Document, DocumentKey};
pub use event::{EventKind, JobEvent};
pub use flow::{
    FlowLimit, FlowLimits, LimitChange, LimitKeyPointer, LimitScope, Line, Rate, RateAlgorithm,
};
pub use grants::{Access, DirectoryGrant, Grants, HttpGrant, HttpTarget};
pub use id::{
    BatchId, BatchName, CalendarName, CorrelationId, Digest, DocumentKind, DocumentName,
    InvalidName, JobType, Lease, LeaseKey, LimitKey, ParameterName, QueueName, RunId, ScheduleName,
    SignalName, StepName, Tag, TemplateName, TenantId, WebhookName, WorkerId,
};
pub use job_schedule::{
    FirePlan, JobSchedule, MissedPolicy, OnExcluded, OverlapPolicy, ScheduleKey, ScheduleOrigin,
};
pub use json::{InvalidJson, Json};
pub use limits::{InvalidLimit, LimitField, LimitUnit, Limits, Narrowing};
pub use log::{LogEntry, LogLevel, LogLine};
pub use outcome::{Blame, Outcome, Report, RunError, StopReason, Usage};
pub use plugin::JobDescription;
pub use retry::{Backoff, ErrorPattern, RetryCode, RetryOverride, RetryPolicy};
pub use run::{Due, ItemCounts, NewRun, Priority, Progress, Run, Trigger};
pub use schedule::Schedule;
pub use schedule::calendar::{Calendar, CalendarRules, Calendars};
pub use settle::{Transition, settle};
pub use signal::Signal;
pub use status::RunStatus;
pub use step::{Step, StepError, StepErrorKind};
pub use submit::{InvalidRequest, JobRequest};
pub use template::{Parameter, ParameterValues, Template, TemplateError};
pub use tenant::{InvalidQuota, TenantQuotas, TenantUse};
pub use time::Timestamp;
pub use unique::{
    Idempotency, IdempotencyKey, InvalidUnique, OnConflict, Unique, UniqueBy, UniqueHold,
    UniqueKey, UniqueRequest, UniqueScope, Until,
};
pub use wait::{Suspension, Wait};
pub use workflow::{Condition, Dependency};
