//! A sandbox whose plugins do what a test says, so that the runtime is tested without wasm.

pub(crate) mod directory;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::port::{
    BoxFuture, Cancellation, Invocation, LoadError, Plugin, PluginSource, RunSink, Sandbox,
};
use zapjobs_model::{
    Blame, Digest, JobDefinition, JobDescription, JobKey, JobRequest, JobSchedule, JobType, Json,
    Limits, Outcome, Report, RetryPolicy, Run, RunError, RunId, RunStatus, Schedule, ScheduleKey,
    TenantId, Usage,
};
use zapjobs_runtime::{Catalog, Client, Host, HostOptions, Served, declare_schedules};
use zapjobs_storage::{Clock, RunPageRequest, Storage, SystemClock};

/// Nothing here may take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a test's job does.
pub(crate) type Script = Arc<
    dyn Fn(Invocation, Arc<dyn RunSink>, Arc<Cancellation>) -> BoxFuture<'static, Outcome>
        + Send
        + Sync,
>;

pub(crate) struct ScriptedPlugin {
    digest: Digest,
    jobs: Vec<JobDescription>,
    imports: Vec<String>,
    script: Script,
}

impl Plugin for ScriptedPlugin {
    fn digest(&self) -> Digest {
        self.digest
    }

    fn jobs(&self) -> &[JobDescription] {
        &self.jobs
    }

    fn imports(&self) -> &[String] {
        &self.imports
    }

    fn run(
        &self,
        invocation: Invocation,
        sink: Arc<dyn RunSink>,
        cancellation: Arc<Cancellation>,
    ) -> BoxFuture<'static, Result<Report, RunError>> {
        let outcome = (self.script)(invocation, sink, cancellation);
        Box::pin(async move { Ok(Report { outcome: outcome.await, usage: Usage::default() }) })
    }
}

/// Takes "components" that are lists of words, and refuses what begins with `broken`. A word is
/// the name of a job, of one that takes objects only (`job!`), or of an import (`+a:b/c`); what
/// follows `#` only makes the code another. A job whose name begins with `flaky` fails once.
pub(crate) struct ScriptedSandbox;

impl Sandbox for ScriptedSandbox {
    fn load(&self, source: PluginSource) -> BoxFuture<'_, Result<Arc<dyn Plugin>, LoadError>> {
        Box::pin(async move {
            let text = String::from_utf8_lossy(&source.bytes).into_owned();
            if text.starts_with("broken") {
                return Err(LoadError("it is broken: build it again".to_owned()));
            }
            let words = || text.split_whitespace().take_while(|word| !word.starts_with('#'));
            let jobs = words().filter(|word| !word.starts_with('+')).map(described).collect();
            let imports = words().filter_map(|word| word.strip_prefix('+')).map(str::to_owned);
            let digest = Digest::of(&source.bytes);
            let imports = imports.collect();
            let plugin = ScriptedPlugin { digest, jobs, imports, script: flaky_once() };
            Ok(Arc::new(plugin) as Arc<dyn Plugin>)
        })
    }
}

fn described(word: &str) -> JobDescription {
    match word.strip_suffix('!') {
        Some(name) => JobDescription {
            input_schema: Some(Json::trusted(r#"{"type":"object"}"#)),
            ..describe(name)
        },
        None => describe(word),
    }
}

fn flaky_once() -> Script {
    script(|invocation, _, _| async move {
        let name = invocation.context.job_type;
        if name.as_str().starts_with("flaky") && invocation.context.attempt == 1 {
            let error = RunError::new(Blame::Guest, "flaky", "not this time");
            return Outcome::Retry { error, after_ms: Some(60_000) };
        }
        Outcome::Completed(Json::null())
    })
}

pub(crate) fn script<F, W>(work: F) -> Script
where
    F: Fn(Invocation, Arc<dyn RunSink>, Arc<Cancellation>) -> W + Send + Sync + 'static,
    W: Future<Output = Outcome> + Send + 'static,
{
    Arc::new(move |invocation, sink, cancellation| Box::pin(work(invocation, sink, cancellation)))
}

pub(crate) fn returning(output: Json) -> Script {
    script(move |_, _, _| {
        let output = output.clone();
        async move { Outcome::Completed(output) }
    })
}

/// A job that ends only when it is told to.
pub(crate) fn endless() -> Script {
    script(|_, _, cancellation| async move {
        cancellation.cancelled().await;
        Outcome::HandedBack { after_ms: 0, error: None }
    })
}

pub(crate) fn describe(name: &str) -> JobDescription {
    JobDescription {
        job_type: JobType::new(name).expect("a name"),
        display_name: name.to_owned(),
        description: String::new(),
        queue: None,
        retry: RetryPolicy { base_ms: 1, cap_ms: 1, ..RetryPolicy::default() },
        timeout_ms: None,
        schedule: Schedule::Manual,
        default_input: None,
        tags: Vec::new(),
        input_schema: None,
        output_schema: None,
    }
}

pub(crate) fn job(name: &str) -> JobKey {
    JobKey { tenant: TenantId::standard(), job_type: JobType::new(name).expect("a name") }
}

pub(crate) fn request(name: &str) -> JobRequest {
    let JobKey { tenant, job_type } = job(name);
    JobRequest::new(tenant, job_type, Json::null())
}

/// A storage, a catalog, and a client of both.
pub(crate) struct Bench {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) client: Client,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::on_clock(Arc::new(SystemClock))
    }

    pub(crate) fn on_clock(clock: Arc<dyn Clock>) -> Self {
        let options = MemoryOptions { clock, ..MemoryOptions::default() };
        Self::on(Arc::new(MemoryStorage::new(options)))
    }

    pub(crate) fn on(storage: Arc<dyn Storage>) -> Self {
        let client = Client::new(Arc::clone(&storage));
        Self { storage, catalog: Arc::new(Catalog::new()), client }
    }

    /// Serves a job.
    pub(crate) async fn serve(&self, description: JobDescription, script: Script) {
        self.declare(&description).await;
        let retry = description.retry.clone();
        let key = job(description.job_type.as_str());
        let digest = Digest::of(key.job_type.as_str().as_bytes());
        let plugin =
            ScriptedPlugin { digest, jobs: vec![description], imports: Vec::new(), script };
        let served =
            Served { plugin: Arc::new(plugin), limits: Limits::default(), retry, queues: None };
        self.catalog.swap(&[], &[(key, Arc::new(served))]);
    }

    /// Stores a definition that nothing serves yet.
    pub(crate) async fn declare(&self, description: &JobDescription) {
        let digest = Digest::of(description.job_type.as_str().as_bytes());
        let definition =
            [JobDefinition::from_description(TenantId::standard(), description, digest)];
        self.storage.put_definitions(&definition).await.expect("a definition stored");
        declare_schedules(&*self.storage, &definition).await.expect("its schedule stored");
    }

    pub(crate) async fn host(&self, options: HostOptions) -> Host {
        Host::start(options, Arc::clone(&self.storage), Arc::clone(&self.catalog))
            .await
            .expect("a host")
    }

    pub(crate) async fn enqueue(&self, name: &str) -> RunId {
        self.client.enqueue(request(name)).await.expect("enqueued")
    }

    pub(crate) async fn run(&self, id: RunId) -> Run {
        self.storage.run(id).await.expect("a storage").expect("a run")
    }

    pub(crate) async fn ended(&self, id: RunId) -> Run {
        self.client.wait(id, Some(PATIENCE)).await.expect("the run ends")
    }

    /// Waits until the run stands so.
    pub(crate) async fn reaches(&self, id: RunId, status: RunStatus) -> Run {
        let mut notices = self.storage.subscribe();
        let reached = async {
            loop {
                let run = self.run(id).await;
                if run.status == status {
                    return run;
                }
                let _ = tokio::time::timeout(Duration::from_millis(20), notices.next()).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("the run gets there")
    }

    /// The first hundred runs.
    pub(crate) async fn all_runs(&self) -> Vec<Run> {
        let request = RunPageRequest { limit: 100, ..RunPageRequest::default() };
        self.storage.runs(request).await.expect("runs").runs
    }

    /// Waits until the schedule is as wanted.
    pub(crate) async fn schedule_becomes(
        &self,
        key: &ScheduleKey,
        wanted: impl Fn(&JobSchedule) -> bool,
    ) -> JobSchedule {
        self.until(|| async {
            let schedule = self.client.schedule(key).await.expect("it is there");
            Some(schedule).filter(|schedule| wanted(schedule))
        })
        .await
    }

    /// Looks, after each notice and every 20 ms, until there is what is looked for.
    pub(crate) async fn until<T, F: Future<Output = Option<T>>>(&self, look: impl Fn() -> F) -> T {
        let mut notices = self.storage.subscribe();
        let looked = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                let _ = tokio::time::timeout(Duration::from_millis(20), notices.next()).await;
            }
        };
        tokio::time::timeout(PATIENCE, looked).await.expect("it comes to that")
    }
}
