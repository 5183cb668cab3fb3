//! How calendars are kept and found.
//!
//! **Invariant:** what a schedule does at a fire time goes by its calendars as they are then, up
//! to a second old. When a calendar changes, the next fire times of the schedules that name it are
//! written anew as well, so that none that opened is passed over.

mod cache;

use std::collections::HashMap;

use zapjobs_model::schedule::InvalidSchedule;
use zapjobs_model::{
    Calendar, CalendarName, Calendars, DocumentKey, JobSchedule, ScheduleKey, TenantId, Timestamp,
};
use zapjobs_storage::{
    Result, SCHEDULES_MAX, SchedulePageRequest, Storage, StorageError, WriteResult,
};

pub(crate) use cache::CalendarCache;

use crate::client::Client;
use crate::documents::{self, Kept, TRIES_MAX};

/// Schedules whose next fire times are written together.
const MOVED_TOGETHER_MAX: usize = 500;
/// Schedules that a refusal names at most.
const NAMED_MAX: usize = 8;
/// What documents that are calendars are for.
const KIND: &str = "calendar";

/// Why a calendar was not changed, or not found.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// The calendar is at fault.
    #[error(transparent)]
    Invalid(#[from] InvalidSchedule),
    /// There is none of this name.
    #[error("there is no calendar {0}: `calendar list` names those there are")]
    NotFound(CalendarName),
    /// Schedules use it.
    #[error("the calendar {name} is used by {used}: take it from them first (`schedule edit`)")]
    InUse {
        /// Which calendar.
        name: CalendarName,
        /// Names of some schedules.
        used: String,
    },
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}

/// A calendar as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCalendar {
    /// Its name.
    pub name: CalendarName,
    /// What it excludes.
    pub calendar: Calendar,
    /// Rises with each change.
    pub revision: u64,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What changing a calendar did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutCalendar {
    /// The calendar's revision now.
    pub revision: u64,
    /// Schedules whose next fire time is another now.
    pub schedules_moved: u64,
}

impl Client {
    /// Checks a calendar and stores it, over one of that name. Schedules that name it follow
    /// before this returns; if it breaks off, put it again.
    pub async fn put_calendar(
        &self,
        tenant: &TenantId,
        name: &CalendarName,
        calendar: Calendar,
    ) -> std::result::Result<PutCalendar, CalendarError> {
        let calendar = calendar.checked(self.storage().now().await?)?;
        let key = document_key(tenant, name);
        let revision = documents::write(&**self.storage(), &key, &calendar).await?;
        let users = users(&**self.storage(), tenant, name, usize::MAX).await?;
        let (mut schedules_moved, mut read) = (0, HashMap::new());
        for users in users.chunks(MOVED_TOGETHER_MAX) {
            schedules_moved += self.move_schedules(tenant, users, &mut read).await?;
        }
        Ok(PutCalendar { revision, schedules_moved })
    }

    /// The calendar of this name.
    pub async fn calendar(
        &self,
        tenant: &TenantId,
        name: &CalendarName,
    ) -> std::result::Result<KeptCalendar, CalendarError> {
        let kept = documents::read(&**self.storage(), &document_key(tenant, name)).await?;
        kept.and_then(told).ok_or_else(|| CalendarError::NotFound(name.clone()))
    }

    /// All calendars of a tenant, by name.
    pub async fn calendars(&self, tenant: &TenantId) -> Result<Vec<KeptCalendar>> {
        let kept = documents::all(&**self.storage(), KIND, tenant).await?;
        Ok(kept.into_iter().filter_map(told).collect())
    }

    /// Deletes a calendar that no schedule names. One that comes to name it at this very moment
    /// is not seen; it says then that its calendar is missing.
    pub async fn remove_calendar(
        &self,
        tenant: &TenantId,
        name: &CalendarName,
    ) -> std::result::Result<(), CalendarError> {
        let users = users(&**self.storage(), tenant, name, NAMED_MAX + 1).await?;
        if !users.is_empty() {
            let named = users.iter().take(NAMED_MAX).map(|schedule| schedule.key.name.as_str());
            let more = if users.len() > NAMED_MAX { " and more" } else { "" };
            let used = format!("{}{more}", named.collect::<Vec<_>>().join(", "));
            return Err(CalendarError::InUse { name: name.clone(), used });
        }
        match documents::delete(&**self.storage(), &document_key(tenant, name)).await? {
            true => Ok(()),
            false => Err(CalendarError::NotFound(name.clone())),
        }
    }

    /// The calendars of these names together.
    pub async fn calendars_named(
        &self,
        tenant: &TenantId,
        names: &[CalendarName],
    ) -> std::result::Result<Calendars, CalendarError> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            found.push(self.calendar(tenant, name).await?.calendar);
        }
        Ok(Calendars::new(found))
    }

    /// Writes the next fire times of schedules of a tenant anew, together. Answers how many are
    /// other ones. `read` keeps the calendars that were read before.
    async fn move_schedules(
        &self,
        tenant: &TenantId,
        schedules: &[JobSchedule],
        read: &mut HashMap<Vec<CalendarName>, Option<Calendars>>,
    ) -> std::result::Result<u64, CalendarError> {
        let now = self.storage().now().await?;
        let mut changed = Vec::new();
        for before in schedules {
            if !read.contains_key(&before.calendars) {
                let found = match self.calendars_named(tenant, &before.calendars).await {
                    // Without one of them it does not fire, and says so when its time comes.
                    Err(CalendarError::NotFound(_)) => None,
                    found => Some(found?),
                };
                read.insert(before.calendars.clone(), found);
            }
            let Some(Some(calendars)) = read.get(&before.calendars) else { continue };
            let after = before.clone().with_calendars_changed(calendars, now);
            if after.next_fire_at != before.next_fire_at {
                changed.push(after);
            }
        }
        let written = self.storage().put_schedules(&changed).await?;
        let mut moved = 0;
        for (schedule, written) in changed.iter().zip(written) {
            moved += match written {
                WriteResult::Written => 1,
                WriteResult::Conflict => u64::from(self.move_schedule(&schedule.key).await?),
            };
        }
        Ok(moved)
    }

    /// Writes a schedule's next fire time anew. Answers whether it is another.
    async fn move_schedule(&self, key: &ScheduleKey) -> std::result::Result<bool, CalendarError> {
        for _ in 0..TRIES_MAX {
            let Some(before) = self.storage().schedule(key).await? else { return Ok(false) };
            let calendars = self.calendars_named(&key.tenant, &before.calendars).await;
            let calendars = match calendars {
                Err(CalendarError::NotFound(_)) => return Ok(false),
                other => other?,
            };
            let now = self.storage().now().await?;
            let after = before.clone().with_calendars_changed(&calendars, now);
            if after.next_fire_at == before.next_fire_at {
                return Ok(false);
            }
            if self.write_schedule(&after).await?.is_some() {
                return Ok(true);
            }
        }
        Err(documents::contended("move a schedule", key).into())
    }
}

fn document_key(tenant: &TenantId, name: &CalendarName) -> DocumentKey {
    documents::key(KIND, tenant, name.as_str())
}

/// A document of another name than a calendar's was written by somebody else.
fn told(kept: Kept<Calendar>) -> Option<KeptCalendar> {
    let Kept { value, document } = kept;
    let name = CalendarName::new(document.key.name.as_str()).ok()?;
    let (revision, updated_at) = (document.revision, document.updated_at);
    Some(KeptCalendar { name, calendar: value, revision, updated_at })
}

/// Schedules that name a calendar; up to so many.
async fn users(
    storage: &dyn Storage,
    tenant: &TenantId,
    name: &CalendarName,
    limit: usize,
) -> Result<Vec<JobSchedule>> {
    let (mut users, mut after) = (Vec::new(), None);
    loop {
        let tenant = Some(tenant.clone());
        let request = SchedulePageRequest { tenant, after, limit: SCHEDULES_MAX };
        let page = storage.schedules(&request).await?;
        users.extend(page.schedules.into_iter().filter(|it| it.calendars.contains(name)));
        after = page.next;
        if after.is_none() || users.len() >= limit {
            return Ok(users);
        }
    }
}
