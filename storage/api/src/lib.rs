//! What a ZapJobs storage does.
//!
//! The contract is split by who uses it, and each operation's contract is its doc comment:
//! *behaviour*, *atomicity*, what happens *on conflict*. The suite in `storage/conformance`
//! tests these very words on every driver; the memory driver is the executable specification.
//!
//! **Invariants:**
//! - A driver never decides what becomes of a run: it writes a `Transition`, guarded.
//! - Every write of an attempt is *fenced*: it carries the lease number of its claim and is
//!   refused once the run was claimed anew or ended.
//! - Time is the store's own. A driver on one machine reads the clock it was opened with;
//!   a shared store reads its server's. Hosts ask [`Storage::now`].
//! - An acknowledged write is durable as far as the driver documents.
//! - Events are hints, and may be lost. No result depends on one.

mod aging;
mod alterations;
mod batches;
mod clock;
mod dependencies;
mod documents;
mod endings;
mod error;
mod events;
mod filter;
mod flow;
mod record;
mod request;
mod schedules;
mod signals;
mod statistics;
mod steps;
mod traits;

mod lock;
mod single;

mod finding;
mod schema;

mod bounds;

pub use aging::{AGED_MAX, AgedRequest, Aging};
pub use alterations::{AlterResult, Alteration, Alterations, check_alter};
pub use batches::{
    BatchPage, BatchPageRequest, Batches, CreateBatchResult, NewBatch, SettleResult, check_members,
    check_new_batch, not_open, not_open_message, released_by,
};
pub use bounds::{check_batch, check_claim, check_page, check_spans, key_taken};
pub use clock::{Clock, ManualClock, SystemClock};
pub use dependencies::{
    AdvanceRequest, AdvanceResult, Dependencies, ENDS_MAX, EndedParent, WaitingChild,
    check_advance, check_dependencies, unknown_parent, unknown_parent_message,
};
pub use documents::{
    DOCUMENTS_DELETED_MAX, DOCUMENTS_MAX, DocumentOwner, DocumentPage, DocumentPageRequest,
    DocumentPlace, DocumentRange, Documents, check_documents,
};
pub use endings::{ENDINGS_MAX, Ending, EndingPlace, Endings, EndingsRequest};
pub use error::{ErrorKind, StorageError};
pub use events::{EVENTS_BUFFERED_MAX, Notice, Notices};
pub use finding::{Finding, Verdict};
pub use flow::{AdmitRequest, Admitted, FlowControl, LimitUse, limit_uses};
pub use lock::Lock;
pub use record::{
    ApplyResult, CancelResult, ClaimRunResult, ClaimedRun, Counts, EnqueueResult, LeaseState,
    LogPage, NamedLease, Page, Promoted, QueueCounts, ReleaseResult, RequeueResult, StorageInfo,
    WorkerRecord,
};
pub use request::{
    BATCH_MAX, ClaimRequest, ClaimRunRequest, Cursor, LogPageRequest, NamedLeaseRequest, PAGE_MAX,
    ProgressUpdate, PruneRequest, QueueSelection, RunFilter, RunPageRequest, TENANT_SHARES_MAX,
    TenantSelection, TenantShare,
};
pub use schedules::{
    DuePage, DuePlace, FireRequest, FireResult, SCHEDULES_MAX, SchedulePage, SchedulePageRequest,
    Schedules, WriteResult, check_fire,
};
pub use schema::{SchemaAdmin, SchemaStep};
pub use signals::{SendSignalResult, Signals, TakeSignalResult, check_signal, check_suspension};
pub use single::SingleRunError;
pub use statistics::{Activity, SPANS_MAX, Span, SpanStatistics, StatisticsRequest};
pub use steps::{RecordStepResult, Steps, check_step};
pub use traits::{
    Coordinator, Definitions, Events, Logs, RunQueries, RunStore, Statistics, Storage,
    WorkerRegistry,
};

/// What an operation answers.
pub type Result<T> = std::result::Result<T, StorageError>;
