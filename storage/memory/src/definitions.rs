//! Job definitions and their schedules.

use std::collections::BTreeMap;

use async_trait::async_trait;
use zapjobs_model::{JobDefinition, JobKey, RunStatus, TenantId, Timestamp};
use zapjobs_storage::{Definitions, FireRequest, FireResult, Result, check_fire};

use crate::MemoryStorage;

/// Definitions by key. There are few: schedules are found by looking at all.
#[derive(Default)]
pub(crate) struct DefinitionTable(BTreeMap<JobKey, JobDefinition>);

impl DefinitionTable {
    /// Fire times of schedules that are on, with their definitions.
    fn fire_times(&self) -> impl Iterator<Item = (Timestamp, &JobDefinition)> {
        let on = self.0.values().filter(|definition| definition.enabled);
        on.filter(|definition| definition.digest.is_some())
            .filter_map(|definition| definition.next_run_at.map(|next| (next, definition)))
    }

    fn due(&self, now: Timestamp, limit: usize) -> Vec<JobDefinition> {
        let mut due: Vec<_> = self.fire_times().filter(|(next, _)| *next <= now).collect();
        // Stable: those due together stay in the order of their keys.
        due.sort_by_key(|(next, _)| *next);
        due.into_iter().take(limit).map(|(_, definition)| definition.clone()).collect()
    }

    /// The definition that a fire time belongs to, if it may fire.
    fn firing(&mut self, request: &FireRequest) -> Option<&mut JobDefinition> {
        let definition = self.0.get_mut(&request.key)?;
        let stands = definition.enabled && definition.next_run_at == Some(request.due);
        stands.then_some(definition)
    }
}

#[async_trait]
impl Definitions for MemoryStorage {
    async fn put_definitions(&self, definitions: &[JobDefinition]) -> Result<()> {
        self.work("store definitions", |work| {
            let rows = definitions.iter().cloned();
            let rows = rows.map(|definition| (definition.key.clone(), definition));
            work.state.definitions.0.extend(rows);
            Ok(())
        })
    }

    async fn definition(&self, key: &JobKey) -> Result<Option<JobDefinition>> {
        self.work("read the definition", |work| Ok(work.state.definitions.0.get(key).cloned()))
    }

    async fn definitions(&self, tenant: Option<&TenantId>) -> Result<Vec<JobDefinition>> {
        self.work("list definitions", |work| {
            let all = work.state.definitions.0.values();
            let theirs = |definition: &&JobDefinition| {
                tenant.is_none_or(|tenant| definition.key.tenant == *tenant)
            };
            Ok(all.filter(theirs).cloned().collect())
        })
    }

    async fn delete_definition(&self, key: &JobKey) -> Result<bool> {
        self.work("delete the definition", |work| {
            Ok(work.state.definitions.0.remove(key).is_some())
        })
    }

    async fn set_enabled(
        &self,
        key: &JobKey,
        enabled: bool,
        next_run_at: Option<Timestamp>,
    ) -> Result<bool> {
        self.work("enable or disable the schedule", |work| {
            let Some(definition) = work.state.definitions.0.get_mut(key) else {
                return Ok(false);
            };
            definition.enabled = enabled;
            definition.next_run_at = next_run_at;
            Ok(true)
        })
    }

    async fn due_definitions(&self, limit: usize) -> Result<Vec<JobDefinition>> {
        self.work("list due schedules", |work| Ok(work.state.definitions.due(work.now, limit)))
    }

    async fn next_fire_time(&self) -> Result<Option<Timestamp>> {
        self.work("read the next fire time", |work| {
            Ok(work.state.definitions.fire_times().map(|(next, _)| next).min())
        })
    }

    async fn note_last_status(&self, latest: &[(JobKey, RunStatus)]) -> Result<()> {
        self.work("note last statuses", |work| {
            for (key, status) in latest {
                if let Some(definition) = work.state.definitions.0.get_mut(key) {
                    definition.last_status = Some(*status);
                }
            }
            Ok(())
        })
    }

    async fn fire(&self, request: FireRequest) -> Result<FireResult> {
        const OPERATION: &str = "fire the schedule";
        check_fire(OPERATION, &request)?;
        self.work(OPERATION, |work| {
            if work.state.definitions.firing(&request).is_none() {
                return Ok(FireResult::Superseded);
            }
            // A run with this id may be there already: it stands for this fire time then.
            if work.state.runs.get(request.run.id).is_none() {
                work.make_room(OPERATION, 1)?;
                work.store(request.run.clone());
            }
            if let Some(definition) = work.state.definitions.firing(&request) {
                definition.last_run_at = Some(request.due);
                definition.next_run_at = request.next;
            }
            Ok(FireResult::Fired)
        })
    }
}
