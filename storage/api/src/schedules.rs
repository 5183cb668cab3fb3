//! Schedules: when jobs run by themselves.

use async_trait::async_trait;
use zapjobs_model::unique::plan::has_key;
use zapjobs_model::{JobSchedule, NewRun, ScheduleKey, TenantId, Timestamp};

use crate::{ErrorKind, Result, StorageError};

/// Schedules in one answer at most; a greater limit counts as that.
pub const SCHEDULES_MAX: usize = 1_000;

/// Schedules. The rules are the model's (`zapjobs_model::job_schedule`); a storage keeps records
/// by their revisions, finds the due ones, and stores their runs.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Stores schedules, each if the revision that it carries is the stored one's, or is 0 and
    /// none is stored. What is stored carries the next revision. Answers stand in the order of
    /// the batch. A batch longer than [`crate::BATCH_MAX`] is refused as `InvalidRequest`.
    ///
    /// *Atomicity:* each by itself, as if one after the other; all made durable together.
    /// *On conflict:* a schedule that was written meanwhile is left as it is and answered
    /// [`WriteResult::Conflict`].
    async fn put_schedules(&self, schedules: &[JobSchedule]) -> Result<Vec<WriteResult>>;

    /// The schedule with this key, if there is one.
    async fn schedule(&self, key: &ScheduleKey) -> Result<Option<JobSchedule>>;

    /// Schedules in the order of their keys (tenant, then name, by bytes). One that cannot be
    /// read is passed over and told in the host's own log.
    async fn schedules(&self, request: &SchedulePageRequest) -> Result<SchedulePage>;

    /// Deletes a schedule of this revision; its runs stay. A schedule that is not there is
    /// answered [`WriteResult::Conflict`] too.
    async fn delete_schedule(&self, key: &ScheduleKey, revision: u64) -> Result<WriteResult>;

    /// Schedules whose `JobSchedule::due_at` is not after the store's now, earliest first (then
    /// by key), behind `after` where it is given; at most `limit`, up to [`SCHEDULES_MAX`]. One
    /// that cannot be read is passed over and told in the host's own log. Whether anything
    /// serves their jobs is for the caller to know.
    ///
    /// *Cost:* grows with what is answered, not with the number of schedules.
    async fn due_schedules(&self, after: Option<&DuePlace>, limit: usize) -> Result<DuePage>;

    /// The earliest `due_at` after this instant.
    ///
    /// *Cost:* does not grow with the number of schedules.
    async fn next_due_after(&self, instant: Timestamp) -> Result<Option<Timestamp>>;

    /// Stores the runs of fire times and moves their schedules on: each request if the revision
    /// that its schedule carries is the stored one's. A run whose id is stored already is left
    /// as it is, and the schedule moves on. Listeners are told `Ready`, or `Scheduled` where a
    /// run must wait. Answers stand in the order of the batch. A batch of more than
    /// [`crate::BATCH_MAX`] requests or runs is refused as `InvalidRequest`, and so is one with a
    /// run that has a key or waits for others.
    ///
    /// *Atomicity:* each request is done as a whole or not at all, as if one after the other, so
    /// that of any number of hosts one fires a time. *On conflict:* a schedule that was written or
    /// deleted meanwhile is answered [`FireResult::Superseded`], and nothing is stored for it.
    async fn fire(&self, requests: &[FireRequest]) -> Result<Vec<FireResult>>;
}

/// What came of writing a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteResult {
    /// It was written.
    Written,
    /// The stored one has another revision: read it and decide again.
    Conflict,
}

/// A wish to turn fire times into runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FireRequest {
    /// The runs, each in place of one fire time; none where the schedule only moves on.
    pub runs: Vec<NewRun>,
    /// The schedule afterwards, with the revision that this was decided on.
    pub schedule: JobSchedule,
}

/// What came of firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FireResult {
    /// The runs are stored, and the schedule has moved on.
    Fired,
    /// Somebody else wrote the schedule meanwhile. Nothing was written.
    Superseded,
}

/// Which schedules to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulePageRequest {
    /// This tenant's; those of all where absent.
    pub tenant: Option<TenantId>,
    /// Only those behind this key.
    pub after: Option<ScheduleKey>,
    /// How many at most, up to [`SCHEDULES_MAX`].
    pub limit: usize,
}

/// Some schedules, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SchedulePage {
    /// The schedules.
    pub schedules: Vec<JobSchedule>,
    /// Ask for those behind it; absent at the end.
    pub next: Option<ScheduleKey>,
}

/// A place among the due schedules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePlace {
    /// When the schedule there was due.
    pub due_at: Timestamp,
    /// Its key.
    pub key: ScheduleKey,
}

/// Some due schedules, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DuePage {
    /// The schedules.
    pub schedules: Vec<JobSchedule>,
    /// Ask for those behind it; absent at the end.
    pub next: Option<DuePlace>,
}

/// Refuses what is too much for one call of [`Schedules::fire`], and runs that have a key or wait
/// for others: each fire time is a run by itself.
pub fn check_fire(operation: &'static str, requests: &[FireRequest]) -> Result<()> {
    let runs = requests.iter().map(|request| request.runs.len()).sum::<usize>();
    crate::check_batch(operation, requests.len().max(runs))?;
    for FireRequest { runs, schedule } in requests {
        if runs.iter().any(|run| has_key(run) || !run.after.is_empty()) {
            let message = format!(
                "a run of schedule {} has a key or waits for others: a fire time is a run by itself",
                schedule.key
            );
            return Err(StorageError::new(ErrorKind::InvalidRequest, operation, message));
        }
    }
    Ok(())
}
