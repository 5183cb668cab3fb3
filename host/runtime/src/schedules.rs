//! How schedules are made, changed and asked for, from a host or from any other process.
//!
//! **Invariant:** every change is decided on what was read and written over that revision alone,
//! so that no fire time and no other change is lost in between.

use zapjobs_model::job_schedule::Redeclared;
use zapjobs_model::schedule::InvalidSchedule;
use zapjobs_model::{JobDefinition, JobSchedule, RunId, ScheduleKey, ScheduleOrigin, Timestamp};
use zapjobs_storage::{Storage, StorageError, WriteResult};

use crate::calendars::CalendarError;
use crate::client::{Client, SubmitError};

/// How often a change is decided anew because another write came in between.
const TRIES_MAX: usize = 20;

/// Why a schedule was not changed. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The schedule is at fault.
    #[error(transparent)]
    Invalid(#[from] InvalidSchedule),
    /// Its job or what its runs are given is at fault.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// There is none of this name.
    #[error("there is no schedule {0}: `schedule list` names those there are")]
    NotFound(ScheduleKey),
    /// There is one of this name already.
    #[error("there is a schedule {0} already: edit it, or choose another name")]
    Exists(ScheduleKey),
    /// A plugin declares it, so that it would come back.
    #[error("a plugin declares the schedule {0}, so it would come back: disable it")]
    Declared(ScheduleKey),
    /// No plugin declares it, so there is nothing to return to.
    #[error("no plugin declares the schedule {0}, so there is nothing to return to: edit it")]
    NotDeclared(ScheduleKey),
    /// Others change it all the time.
    #[error("the schedule {0} was changed by others {TRIES_MAX} times meanwhile: try again")]
    Contended(ScheduleKey),
    /// A calendar that it names is at fault.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}

impl Client {
    /// The schedule with this key.
    pub async fn schedule(&self, key: &ScheduleKey) -> Result<JobSchedule, ScheduleError> {
        let stored = self.storage().schedule(key).await?;
        stored.ok_or_else(|| ScheduleError::NotFound(key.clone()))
    }

    /// Checks a new schedule and stores it.
    pub async fn add_schedule(&self, new: JobSchedule) -> Result<JobSchedule, ScheduleError> {
        let new = JobSchedule { revision: 0, ..new.checked()? };
        let new = self.with_known_calendars(new, None).await?;
        check_to_come(&new)?;
        self.check_runs_of(&new).await?;
        match self.write_schedule(&new).await? {
            Some(stored) => Ok(stored),
            None => Err(ScheduleError::Exists(new.key)),
        }
    }

    /// Changes a schedule. `change` is called again when another write came in between.
    pub async fn change_schedule(
        &self,
        key: &ScheduleKey,
        change: impl Fn(JobSchedule, Timestamp) -> Result<JobSchedule, ScheduleError> + Send,
    ) -> Result<JobSchedule, ScheduleError> {
        for _ in 0..TRIES_MAX {
            let before = self.schedule(key).await?;
            let now = self.storage().now().await?;
            let after = change(before.clone(), now)?.checked()?.edited(&before);
            let after = self.with_known_calendars(after, Some(&before)).await?;
            if after.rule != before.rule || has_other_calendars(&after, &before) {
                check_to_come(&after)?;
            }
            if after.has_other_runs_than(&before) {
                self.check_runs_of(&after).await?;
            }
            if let Some(stored) = self.write_schedule(&after).await? {
                return Ok(stored);
            }
        }
        Err(ScheduleError::Contended(key.clone()))
    }

    /// Turns a schedule on or off. Turned on, it fires at times to come only.
    pub async fn enable_schedule(
        &self,
        key: &ScheduleKey,
        enabled: bool,
    ) -> Result<JobSchedule, ScheduleError> {
        self.change_schedule(key, |schedule, now| Ok(schedule.with_enabled(enabled, now))).await
    }

    /// Makes a schedule again what its plugin declares.
    pub async fn reset_schedule(&self, key: &ScheduleKey) -> Result<JobSchedule, ScheduleError> {
        for _ in 0..TRIES_MAX {
            let before = self.schedule(key).await?;
            let now = self.storage().now().await?;
            let reset = before.reset(now).ok_or_else(|| ScheduleError::NotDeclared(key.clone()))?;
            if let Some(stored) = self.write_schedule(&reset).await? {
                return Ok(stored);
            }
        }
        Err(ScheduleError::Contended(key.clone()))
    }

    /// Deletes a schedule that no plugin declares; its runs stay.
    pub async fn remove_schedule(&self, key: &ScheduleKey) -> Result<(), ScheduleError> {
        for _ in 0..TRIES_MAX {
            let stored = self.schedule(key).await?;
            if stored.origin == ScheduleOrigin::Plugin && stored.declared.is_some() {
                return Err(ScheduleError::Declared(key.clone()));
            }
            let deleted = self.storage().delete_schedule(key, stored.revision).await?;
            if deleted == WriteResult::Written {
                return Ok(());
            }
        }
        Err(ScheduleError::Contended(key.clone()))
    }

    /// Stores a run as the schedule would make it, now, whether or not it is on. Its fire times
    /// stay as they are.
    pub async fn trigger_schedule(&self, key: &ScheduleKey) -> Result<RunId, ScheduleError> {
        let schedule = self.schedule(key).await?;
        let definition = self.definition_of(&schedule).await?;
        Ok(self.enqueue(schedule.request(&definition, None)).await?)
    }

    /// With its next fire time as its calendars leave it. Refuses calendars that are not there,
    /// unless it named them before: then it waits for them.
    async fn with_known_calendars(
        &self,
        schedule: JobSchedule,
        before: Option<&JobSchedule>,
    ) -> Result<JobSchedule, ScheduleError> {
        let had_some = before.is_some_and(|before| !before.calendars.is_empty());
        if schedule.calendars.is_empty() && !had_some {
            return Ok(schedule);
        }
        let names = &schedule.calendars;
        let calendars = match self.calendars_named(&schedule.key.tenant, names).await {
            Err(CalendarError::NotFound(_)) if before.is_some_and(|it| it.calendars == *names) => {
                return Ok(schedule);
            }
            other => other?,
        };
        let now = self.storage().now().await?;
        Ok(schedule.with_calendars_changed(&calendars, now))
    }

    /// Refuses a schedule whose runs could not be submitted.
    async fn check_runs_of(&self, schedule: &JobSchedule) -> Result<(), ScheduleError> {
        let definition = self.definition_of(schedule).await?;
        let now = self.storage().now().await?;
        Ok(self.check(schedule.request(&definition, Some(now)), &definition, now)?)
    }

    async fn definition_of(&self, schedule: &JobSchedule) -> Result<JobDefinition, ScheduleError> {
        let null = zapjobs_model::Json::null();
        let (tenant, job_type) = (schedule.key.tenant.clone(), schedule.job_type.clone());
        let request = zapjobs_model::JobRequest::new(tenant, job_type, null);
        Ok(self.definition(&request).await?)
    }

    /// The schedule as it is stored; `None` where another write came first.
    pub(crate) async fn write_schedule(
        &self,
        schedule: &JobSchedule,
    ) -> Result<Option<JobSchedule>, StorageError> {
        let written = self.storage().put_schedules(std::slice::from_ref(schedule)).await?;
        let revision = schedule.revision + 1;
        let stored = || JobSchedule { revision, ..schedule.clone() };
        Ok((written == [WriteResult::Written]).then(stored))
    }
}

fn has_other_calendars(after: &JobSchedule, before: &JobSchedule) -> bool {
    after.calendars != before.calendars || after.on_excluded != before.on_excluded
}

/// Refuses a schedule that was made too late to ever fire.
fn check_to_come(schedule: &JobSchedule) -> Result<(), ScheduleError> {
    match schedule.next_fire_at {
        Some(_) => Ok(()),
        None if !schedule.calendars.is_empty() => {
            Err(InvalidSchedule::new("its calendars leave none of its times to come").into())
        }
        None => Err(InvalidSchedule::new("its time has passed: choose one to come").into()),
    }
}

/// Makes schedules of what definitions declare, as far as operators did not change them. Hosts do
/// it when they load plugins.
pub async fn declare_schedules(
    storage: &dyn Storage,
    definitions: &[JobDefinition],
) -> Result<(), StorageError> {
    for definition in definitions {
        let key = JobSchedule::declared_key(definition);
        for _ in 0..TRIES_MAX {
            let stored = storage.schedule(&key).await?;
            let now = storage.now().await?;
            let written = match JobSchedule::redeclared(stored.as_ref(), definition, now) {
                Redeclared::Same => break,
                Redeclared::Put(schedule) => storage.put_schedules(&[*schedule]).await?[0],
                Redeclared::Delete(revision) => storage.delete_schedule(&key, revision).await?,
            };
            if written == WriteResult::Written {
                break;
            }
        }
    }
    Ok(())
}
