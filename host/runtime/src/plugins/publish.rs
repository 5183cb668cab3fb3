//! How a loaded plugin takes the place of what served before: definitions first, so that
//! inputs are checked against the schema that will read them, then the catalog in one step.

use std::sync::Arc;

use zapjobs_model::port::Plugin;
use zapjobs_model::{JobDefinition, JobDescription, JobKey, QueueName};

use super::scan::PluginFile;
use super::{Manifest, PluginDirectory, PluginReport, PluginState, RescanError, Serving};
use crate::catalog::Served;
use crate::schema::InputSchema;

impl PluginDirectory {
    pub(super) async fn publish(
        &mut self,
        file: &PluginFile,
        plugin: Arc<dyn Plugin>,
        manifest: &Manifest,
    ) -> Result<PluginState, RescanError> {
        let refusal = self.conflict(file, &*plugin).or_else(|| bad_schema(&*plugin));
        if let Some(reason) = refusal.or_else(|| self.restriction(&*plugin, manifest)) {
            return Ok(self.refuse(file, reason));
        }
        let definitions = self.definitions(&*plugin).await?;
        let jobs: Vec<JobKey> = definitions.iter().map(|it| it.key.clone()).collect();
        let limits = manifest.narrow(&self.limits);
        let queues: Option<Arc<[_]>> = manifest.queues().map(Arc::from);
        let served = definitions.iter().map(|definition| {
            let served = Served {
                plugin: Arc::clone(&plugin),
                limits: limits.with_timeout(definition.timeout_ms),
                retry: definition.retry.clone(),
                queues: queues.clone(),
            };
            (definition.key.clone(), Arc::new(served))
        });
        let before = self.known.get(&file.path).and_then(|known| known.serving.as_ref());
        let dropped: Vec<JobKey> = before
            .map(|before| before.jobs.iter().filter(|key| !jobs.contains(key)).cloned().collect())
            .unwrap_or_default();
        let replaced = before.is_some();

        self.storage.put_definitions(&definitions).await?;
        self.catalog.swap(&dropped, &served.collect::<Vec<_>>());
        self.forget_definitions(&dropped).await?;

        let digest = plugin.digest();
        let known = self.known.entry(file.path.clone()).or_default();
        known.serving = Some(Serving { digest, jobs: jobs.clone() });
        Ok(PluginState::Serving { digest, jobs, replaced })
    }

    pub(super) async fn retire_missing(
        &mut self,
        files: &[PluginFile],
    ) -> Result<Vec<PluginReport>, RescanError> {
        let gone: Vec<_> = self
            .known
            .keys()
            .filter(|path| !files.iter().any(|file| file.path == **path))
            .cloned()
            .collect();
        let mut reports = Vec::new();
        for path in gone {
            let serving = self.known.get(&path).and_then(|known| known.serving.as_ref());
            let jobs = serving.map(|serving| serving.jobs.clone()).unwrap_or_default();
            self.catalog.swap(&jobs, &[]);
            self.forget_definitions(&jobs).await?;
            self.known.remove(&path);
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            reports.push(PluginReport { name, path, state: PluginState::Retired { jobs } });
        }
        // A file that was refused because another one held its names may be taken now.
        if !reports.is_empty() {
            for known in self.known.values_mut().filter(|known| known.serving.is_none()) {
                known.stamp = None;
                known.tried = None;
            }
        }
        Ok(reports)
    }

    /// Another file that serves one of the plugin's job types already.
    fn conflict(&self, file: &PluginFile, plugin: &dyn Plugin) -> Option<String> {
        let others = self.known.iter().filter(|(path, _)| **path != file.path);
        for (path, known) in others {
            let serving = known.serving.iter().flat_map(|serving| &serving.jobs);
            let taken = serving
                .map(|key| &key.job_type)
                .find(|taken| plugin.jobs().iter().any(|job| job.job_type == **taken));
            if let Some(taken) = taken {
                return Some(format!(
                    "the job type {taken} is served by {} already: remove one of both files",
                    path.display()
                ));
            }
        }
        None
    }

    /// What the manifest says against serving the plugin here.
    fn restriction(&self, plugin: &dyn Plugin, manifest: &Manifest) -> Option<String> {
        if !manifest.serves_tenant(&self.tenant) {
            return Some(format!(
                "its manifest restricts it to tenants, and this directory serves {0}: add \"{0}\" \
                 to its `tenants`, or move it",
                self.tenant
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

    async fn definitions(&self, plugin: &dyn Plugin) -> Result<Vec<JobDefinition>, RescanError> {
        let now = self.storage.now().await?;
        let mut definitions = Vec::with_capacity(plugin.jobs().len());
        for job in plugin.jobs() {
            let declared =
                JobDefinition::from_description(self.tenant.clone(), job, plugin.digest());
            let stored = self.storage.definition(&declared.key).await?;
            definitions.push(declared.redeclared(stored.as_ref(), now));
        }
        Ok(definitions)
    }

    /// Notes that nothing serves these job types any more; their runs wait.
    async fn forget_definitions(&self, keys: &[JobKey]) -> Result<(), RescanError> {
        let mut orphans = Vec::with_capacity(keys.len());
        for key in keys {
            orphans.extend(self.storage.definition(key).await?);
        }
        orphans.iter_mut().for_each(|definition| definition.digest = None);
        Ok(self.storage.put_definitions(&orphans).await?)
    }
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
