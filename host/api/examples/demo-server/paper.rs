//! Plugins on paper: files that say which jobs they have and what they want, so that all but
//! running them is as with components.

use std::sync::Arc;

use serde::Deserialize;
use zapjobs_model::port::{
    BoxFuture, Cancellation, Invocation, LoadError, Plugin, PluginSource, RunSink, Sandbox,
};
use zapjobs_model::{Digest, JobDescription, Json, Outcome, Report, RunError, Usage};

/// Takes "components" that are JSON: `{"jobs": [DESCRIPTION], "imports": ["wasi:sockets/tcp"]}`.
pub(crate) struct PaperSandbox;

#[derive(Deserialize)]
struct Paper {
    jobs: Vec<JobDescription>,
    #[serde(default)]
    imports: Vec<String>,
}

struct PaperPlugin {
    digest: Digest,
    paper: Paper,
}

impl Sandbox for PaperSandbox {
    fn load(&self, source: PluginSource) -> BoxFuture<'_, Result<Arc<dyn Plugin>, LoadError>> {
        Box::pin(async move {
            let refused = |error| LoadError(format!("it is no component: {error}: build it again"));
            let paper = serde_json::from_slice(&source.bytes).map_err(refused)?;
            let digest = Digest::of(&source.bytes);
            Ok(Arc::new(PaperPlugin { digest, paper }) as Arc<dyn Plugin>)
        })
    }
}

impl Plugin for PaperPlugin {
    fn digest(&self) -> Digest {
        self.digest
    }

    fn jobs(&self) -> &[JobDescription] {
        &self.paper.jobs
    }

    fn imports(&self) -> &[String] {
        &self.paper.imports
    }

    fn run(
        &self,
        _: Invocation,
        _: Arc<dyn RunSink>,
        _: Arc<Cancellation>,
    ) -> BoxFuture<'static, Result<Report, RunError>> {
        let outcome = Outcome::Completed(Json::null());
        Box::pin(async move { Ok(Report { outcome, usage: Usage::default() }) })
    }
}
