//! Calendars as a host read them last.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use zapjobs_model::{Calendar, CalendarName, Calendars, DocumentKey, JobSchedule, Timestamp};
use zapjobs_storage::{Result, Storage};

use super::document_key;
use crate::documents;

/// How long a calendar that was read is taken to stand: 1 second.
const KEPT: Duration = Duration::from_secs(1);
/// Calendars that one host keeps read at most; where there are more, all are read anew.
const KEPT_MAX: usize = 10_000;

/// Calendars as a host read them last.
#[derive(Default)]
pub(crate) struct CalendarCache(Mutex<HashMap<DocumentKey, Cached>>);

#[derive(Clone)]
struct Cached {
    read_at: Instant,
    /// The revision, and when it was written: a calendar that was made anew begins at 1 again.
    written: Option<(u64, Timestamp)>,
    calendar: Option<Arc<Calendar>>,
}

impl CalendarCache {
    /// The calendars of a schedule together; the name of the first that is missing or cannot be
    /// used, where one is.
    pub(crate) async fn of(
        &self,
        storage: &dyn Storage,
        schedule: &JobSchedule,
    ) -> Result<std::result::Result<Calendars, CalendarName>> {
        let mut found = Vec::with_capacity(schedule.calendars.len());
        for name in &schedule.calendars {
            match self.one(storage, document_key(&schedule.key.tenant, name)).await? {
                Some(calendar) => found.push(Calendar::clone(&calendar)),
                None => return Ok(Err(name.clone())),
            }
        }
        Ok(Ok(Calendars::new(found)))
    }

    async fn one(&self, storage: &dyn Storage, key: DocumentKey) -> Result<Option<Arc<Calendar>>> {
        let kept = self.0.lock().get(&key).cloned();
        if let Some(kept) = &kept
            && kept.read_at.elapsed() < KEPT
        {
            return Ok(kept.calendar.clone());
        }
        let read_at = Instant::now();
        let stored = storage.document(&key).await?;
        let written = stored.as_ref().map(|stored| (stored.revision, stored.updated_at));
        let calendar = match (stored, kept) {
            (None, _) => None,
            (Some(_), Some(kept)) if kept.written == written => kept.calendar,
            (Some(stored), _) => documents::value(&stored)
                .inspect_err(|error| tracing::error!(%error, "a calendar cannot be used"))
                .ok()
                .map(Arc::new),
        };
        let mut all = self.0.lock();
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        all.insert(key, Cached { read_at, written, calendar: calendar.clone() });
        Ok(calendar)
    }
}
