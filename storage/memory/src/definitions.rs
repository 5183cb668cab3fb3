//! Job definitions.

use std::collections::BTreeMap;

use async_trait::async_trait;
use zapjobs_model::{JobDefinition, JobKey, RunStatus, TenantId};
use zapjobs_storage::{Definitions, Result};

use crate::MemoryStorage;

/// Definitions by key.
#[derive(Default)]
pub(crate) struct DefinitionTable(BTreeMap<JobKey, JobDefinition>);

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
}
