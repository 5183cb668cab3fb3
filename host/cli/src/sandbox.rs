//! The sandbox, made from the configuration. This module alone knows which one it is.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use zapjobs_model::port::{LoadError, Sandbox};
use zapjobs_runtime::{Message, SendError, WebhookSender};
use zapjobs_sandbox::{Compiler, Poster, SandboxOptions, SystemResolver, WasmSandbox};

pub(crate) use zapjobs_sandbox::{Inspection, compile_child};

use crate::config::Config;
use crate::errors::{Code, Done, Failure};

/// Instances beside those of attempts: plugins that describe themselves while they are loaded.
const INSTANCES_FOR_LOADING: u32 = 16;
/// The command that compiles one component for a host.
pub(crate) const COMPILE_COMMAND: &str = "compile-component";
/// What the sandbox allows at most.
const INSTANCES_MAX: u32 = 10_000;

/// A sandbox for a host with this configuration.
pub(crate) fn for_host(config: &Config) -> Done<Arc<dyn Sandbox>> {
    let attempts = u32::try_from(config.host.concurrency).unwrap_or(INSTANCES_MAX);
    let compiler = match config.sandbox.compile_apart {
        true => child()?,
        false => Compiler::InThisProcess,
    };
    sandbox(config, attempts, compiler)
}

/// A sandbox for one attempt at a time.
pub(crate) fn for_one(config: &Config) -> Done<Arc<dyn Sandbox>> {
    sandbox(config, 1, Compiler::InThisProcess)
}

/// A sandbox as [`for_host`] makes it, that keeps nothing of what it compiles or stops: the
/// host's own cache is not for hostile code.
pub(crate) fn for_torture(config: &Config) -> Done<Arc<dyn Sandbox>> {
    let mut config = config.clone();
    config.sandbox.cache_dir = None;
    config.sandbox.core_dump_dir = None;
    for_host(&config)
}

/// This program, asked to compile.
fn child() -> Done<Compiler> {
    // Linux finds the program that runs even after its file was replaced.
    let own = PathBuf::from("/proc/self/exe");
    let program = match cfg!(target_os = "linux") && own.exists() {
        true => own,
        false => std::env::current_exe().map_err(|error| {
            Failure::new(Code::Unavailable, format!("cannot find this program's file: {error}"))
        })?,
    };
    Ok(Compiler::Child { program, arguments: vec![COMPILE_COMMAND.into()] })
}

/// Reads a component without running it.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
    zapjobs_sandbox::inspect(bytes)
}

/// What sends webhooks, to addresses that are checked as those of jobs are.
pub(crate) fn webhook_sender(config: &Config) -> Done<Arc<dyn WebhookSender>> {
    let resolver = Arc::new(SystemResolver::default());
    let poster = Poster::new(config.webhooks.clone(), resolver)
        .map_err(|error| Failure::new(Code::Unavailable, error))?;
    Ok(Arc::new(PostingSender(poster)))
}

struct PostingSender(Poster);

#[async_trait]
impl WebhookSender for PostingSender {
    async fn send(&self, message: Message) -> Result<u16, SendError> {
        let Message { url, id, seconds, signature, body } = message;
        let fields = [
            ("webhook-id", id),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signature),
        ];
        self.0.post(&url, &fields, body).await.map_err(SendError)
    }
}

fn sandbox(config: &Config, attempts: u32, compiler: Compiler) -> Done<Arc<dyn Sandbox>> {
    let options = SandboxOptions {
        instances_max: attempts.saturating_add(INSTANCES_FOR_LOADING).min(INSTANCES_MAX),
        memory_bytes_max: config.host.limits.memory_bytes_max,
        cancel_grace: config.sandbox.cancel_grace,
        log_level_min: config.sandbox.job_log_level,
        cache_dir: config.sandbox.cache_dir.clone(),
        compiler,
        compile_time_max: config.sandbox.compile_time,
        compile_memory_bytes_max: config.sandbox.compile_memory_bytes,
        core_dump_dir: config.sandbox.core_dump_dir.clone(),
        ..SandboxOptions::default()
    };
    let sandbox = WasmSandbox::new(options)
        .map_err(|error| Failure::new(Code::Unavailable, error.to_string()))?;
    Ok(Arc::new(sandbox))
}
