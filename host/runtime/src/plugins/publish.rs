//! How a loaded plugin takes the place of what served before: definitions first, so that
//! inputs are checked against the schema that will read them, then the catalog in one step.

use std::sync::Arc;

use zapjobs_model::port::Plugin;
use zapjobs_model::{
    Capability, Digest, JobDefinition, JobDescription, JobKey, JobType, QueueName, RetryCode,
    TenantId,
};
use zapjobs_storage::StorageError;

use super::read::Candidate;
use super::report::listed;
use super::scan::PluginFile;
use super::schema_check::{self, Misfits};
use super::{
    Content, Manifest, Origin, PluginDirectory, PluginReport, PluginState, PluginVersion,
    RescanError, SchemaCheck, Serving, of_plugin,
};
use crate::catalog::Served;
use crate::schedules::declare_schedules;
use crate::schema::InputSchema;

/// A plugin that nothing speaks against, and what it will be stored as.
pub(super) struct Prepared {
    definitions: Vec<JobDefinition>,
    pub(super) misfits: Vec<Misfits>,
}

impl PluginDirectory {
    /// Another plugin of the same tenant that serves one of the job types already, a job that
    /// could never be submitted, or what the manifest says against serving it here.
    pub(super) fn unservable(
        &self,
        file: &PluginFile,
        plugin: &dyn Plugin,
        manifest: &Manifest,
    ) -> Option<String> {
        self.conflict(file, plugin)
            .or_else(|| bad_schema(plugin))
            .or_else(|| restriction(&file.id.tenant, plugin, manifest))
            .or_else(|| bad_override(plugin, manifest))
    }

    /// Whether the tenant has as many plugins as it may, this one aside.
    pub(super) fn quota_reached(&self, file: &PluginFile) -> Option<String> {
        let tenant = &file.id.tenant;
        let most = self.options.plugins_max(tenant);
        let others = self.known.iter().filter(|(id, known)| {
            **id != file.id && id.tenant == *tenant && known.serving.is_some()
        });
        (others.count() >= most).then(|| {
            format!("the tenant {tenant} has {most} plugins, as many as it may: remove one")
        })
    }

    /// Reads what is stored of its job types, and looks at the inputs that wait for them.
    pub(super) async fn prepare(
        &self,
        file: &PluginFile,
        plugin: &dyn Plugin,
        manifest: &Manifest,
    ) -> Result<Prepared, StorageError> {
        let mut prepared = Prepared { definitions: Vec::new(), misfits: Vec::new() };
        for job in plugin.jobs() {
            let tenant = file.id.tenant.clone();
            let declared = overridden(tenant, job, plugin.digest(), manifest);
            let stored = self.storage.definition(&declared.key).await?;
            let definition = declared.redeclared(stored.as_ref());
            if self.options.schema_check != SchemaCheck::Off {
                let found =
                    schema_check::misfits(&*self.storage, &definition, stored.as_ref()).await?;
                prepared.misfits.extend(found);
            }
            prepared.definitions.push(definition);
        }
        Ok(prepared)
    }

    /// Swaps it in, and notes that it serves.
    pub(super) async fn publish(
        &mut self,
        file: &PluginFile,
        plugin: Arc<dyn Plugin>,
        candidate: &Candidate,
        Prepared { definitions, misfits }: Prepared,
        origin: Origin,
    ) -> Result<PluginState, StorageError> {
        let digest = candidate.digest;
        let jobs: Vec<JobKey> = definitions.iter().map(|it| it.key.clone()).collect();
        let served = self.served(&plugin, candidate, &definitions);
        let before = self.known.get(&file.id).and_then(|known| known.serving.as_ref());
        let replaced = before.is_some();
        let had = before.map(|before| before.jobs.clone()).unwrap_or_default();
        let dropped: Vec<JobKey> = had.iter().filter(|it| !jobs.contains(it)).cloned().collect();

        self.storage.put_definitions(&definitions).await?;
        declare_schedules(&*self.storage, &definitions).await?;
        if self.options.retry_code == RetryCode::SameDigest {
            let earlier: Vec<_> =
                had.iter().filter_map(|key| Some((key.clone(), self.catalog.get(key)?))).collect();
            self.catalog.keep_earlier(&earlier);
        }
        self.catalog.swap(&dropped, &served);
        self.forget_definitions(&dropped).await?;

        let accepted_at = self.storage.now().await?;
        let known = self.known.entry(file.id.clone()).or_default();
        let content = Content { digest, manifest: candidate.manifest.clone() };
        known.serving = Some(Serving { content, jobs: jobs.clone() });
        if origin != Origin::Kept {
            known.record.turned_down = None;
            known.record.accept(PluginVersion {
                digest,
                accepted_at,
                wants: Capability::of_imports(plugin.imports()),
                jobs: jobs.iter().map(|key| key.job_type.clone()).collect(),
                manifest: candidate.manifest_text.clone(),
                signature: candidate.signature.clone(),
            });
        }
        self.save(&file.id).await;
        self.tended_at = None;
        if !dropped.is_empty() {
            self.retry_refused();
        }
        let warning = (!misfits.is_empty()).then(|| listed(&misfits));
        Ok(PluginState::Serving { digest, jobs, replaced, origin, warning })
    }

    pub(super) fn served(
        &self,
        plugin: &Arc<dyn Plugin>,
        candidate: &Candidate,
        definitions: &[JobDefinition],
    ) -> Vec<(JobKey, Arc<Served>)> {
        let limits = candidate.manifest.narrow(&self.options.limits);
        let queues: Option<Arc<[_]>> = candidate.manifest.queues().map(Arc::from);
        let of = |definition: &JobDefinition| {
            let served = Served {
                plugin: Arc::clone(plugin),
                limits: limits.with_timeout(definition.timeout_ms),
                retry: definition.retry.clone(),
                queues: queues.clone(),
            };
            (definition.key.clone(), Arc::new(served))
        };
        definitions.iter().map(of).collect()
    }

    pub(super) async fn retire_missing(&mut self, files: &[PluginFile]) -> Result<(), RescanError> {
        let is_gone = |id: &&_| !files.iter().any(|file| file.id == **id);
        let gone: Vec<_> = self.known.keys().filter(is_gone).cloned().collect();
        for id in gone {
            let serving = self.known.get(&id).and_then(|known| known.serving.as_ref());
            let jobs = serving.map(|serving| serving.jobs.clone()).unwrap_or_default();
            self.catalog.swap(&jobs, &[]);
            self.forget_definitions(&jobs).await.map_err(of_plugin(&id))?;
            let now = self.storage.now().await.map_err(of_plugin(&id))?;
            if let Some(known) = self.known.get_mut(&id) {
                known.record.retired_at = Some(now);
                known.record.turned_down = None;
            }
            self.save(&id).await;
            let path = self.known.remove(&id).map(|known| known.path).unwrap_or_default();
            let state = PluginState::Retired { jobs };
            self.reports.push(PluginReport { tenant: id.tenant, name: id.name, path, state });
            self.retry_refused();
        }
        Ok(())
    }

    /// What was refused because another one held its names or its place may be taken now.
    fn retry_refused(&mut self) {
        for known in self.known.values_mut().filter(|known| known.serving.is_none()) {
            known.stamp = None;
            known.tried = None;
        }
    }

    fn conflict(&self, file: &PluginFile, plugin: &dyn Plugin) -> Option<String> {
        let others =
            self.known.iter().filter(|(id, _)| **id != file.id && id.tenant == file.id.tenant);
        for known in others.map(|(_, known)| known) {
            let serving = known.serving.iter().flat_map(|serving| &serving.jobs);
            let taken = serving
                .map(|key| &key.job_type)
                .find(|taken| plugin.jobs().iter().any(|job| job.job_type == **taken));
            if let Some(taken) = taken {
                return Some(format!(
                    "the job type {taken} is served by {} already: remove one of both files",
                    known.path.display()
                ));
            }
        }
        None
    }

    /// Notes that nothing serves these job types any more; their runs wait.
    async fn forget_definitions(&self, keys: &[JobKey]) -> Result<(), StorageError> {
        let mut orphans = Vec::with_capacity(keys.len());
        for key in keys {
            orphans.extend(self.storage.definition(key).await?);
        }
        orphans.iter_mut().for_each(|definition| definition.digest = None);
        self.storage.put_definitions(&orphans).await
    }
}

/// What the manifest says against serving the plugin for this tenant.
fn restriction(tenant: &TenantId, plugin: &dyn Plugin, manifest: &Manifest) -> Option<String> {
    if !manifest.serves_tenant(tenant) {
        return Some(format!(
            "its manifest restricts it to tenants, and this directory serves {tenant}: add \
             \"{tenant}\" to its `tenants`, or move it"
        ));
    }
    let standard = QueueName::standard();
    let queue_of = |job: &JobDescription| job.queue.clone().unwrap_or_else(|| standard.clone());
    let refused = plugin.jobs().iter().find(|job| !manifest.serves_queue(&queue_of(job)))?;
    let queue = queue_of(refused);
    Some(format!(
        "its job {} waits in the queue {queue}, which its manifest does not allow: add \
         \"{queue}\" to its `queues`",
        refused.job_type
    ))
}

/// A definition as its plugin declares it and its manifest says. What was refused by
/// [`bad_override`] stays as declared.
pub(super) fn overridden(
    tenant: TenantId,
    job: &JobDescription,
    digest: Digest,
    manifest: &Manifest,
) -> JobDefinition {
    let declared = JobDefinition::from_description(tenant, job, digest);
    match manifest.retry(&job.job_type, &declared.retry) {
        Ok(retry) => JobDefinition { retry, ..declared },
        Err(_) => declared,
    }
}

/// A job that the manifest says something of, and that the plugin does not have. No hindrance
/// for a version before, which may have had fewer.
pub(super) fn unknown_job(plugin: &dyn Plugin, manifest: &Manifest) -> Option<String> {
    let has = |name: &JobType| plugin.jobs().iter().any(|job| job.job_type == *name);
    let name = manifest.jobs().find(|name| !has(name))?;
    Some(format!(
        "its manifest says something of the job {name}, which it does not have: correct the name \
         in [jobs.{name}], or remove it"
    ))
}

/// What the manifest says of a job and does not fit what is declared.
fn bad_override(plugin: &dyn Plugin, manifest: &Manifest) -> Option<String> {
    let said = plugin.jobs().iter().map(|job| manifest.retry(&job.job_type, &job.retry));
    said.filter_map(Result::err).next().map(|problem| format!("its manifest is wrong: {problem}"))
}

/// A job whose schema or default input would fail at every submission.
fn bad_schema(plugin: &dyn Plugin) -> Option<String> {
    for job in plugin.jobs() {
        let Some(schema) = &job.input_schema else { continue };
        let compiled = match InputSchema::compile(schema) {
            Ok(compiled) => compiled,
            Err(problem) => {
                return Some(format!("the input schema of {} is invalid: {problem}", job.job_type));
            }
        };
        let default = job.default_input.as_ref();
        if let Some(Err(error)) = default.map(|input| compiled.check(&job.job_type, input)) {
            return Some(format!("the default input of {} is wrong: {error}", job.job_type));
        }
    }
    None
}
