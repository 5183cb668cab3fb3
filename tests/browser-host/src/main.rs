//! A host for the browser tests: storage in memory, the runtime, the HTTP API and the dashboard as
//! everywhere; only its jobs are functions of this program, so that no component is compiled.
//!
//! It says `http://ADDRESS` on a line of its own once it serves, and ends when its standard input
//! does.

#![allow(clippy::print_stdout, reason = "it talks to the test that started it")]

mod files;
mod jobs;
#[path = "../../../host/api/examples/demo-server/paper.rs"]
mod paper;
mod plugin;
mod seed;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use zapjobs_api::{Api, ApiOptions, AuthMode, Server};
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::port::Plugin as _;
use zapjobs_model::{JobDefinition, JobKey, Limits, TenantId};
use zapjobs_runtime::{Catalog, Client, Host, HostOptions, Served, declare_schedules};
use zapjobs_storage::Storage;

use files::Files;

#[tokio::main]
async fn main() {
    // A test fills it with 100,000 runs, beside which the others are to stay.
    let memory = MemoryOptions { finished_runs_max: 200_000, ..MemoryOptions::default() };
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new(memory));
    let catalog = Arc::new(Catalog::new());
    serve_jobs(&*storage, &catalog).await;
    let stop = CancellationToken::new();
    let files = Files::make(&storage, &catalog, stop.clone()).await;
    let options = HostOptions { concurrency: 16, ..HostOptions::default() };
    let host = Host::start(options, Arc::clone(&storage), catalog).await.expect("a host");
    seed::make(&Client::new(Arc::clone(&storage))).await;

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let address = address.parse().expect("an address such as 127.0.0.1:0");
    let options = ApiOptions {
        auth: AuthMode::Off,
        plugins: Some(files.desk.clone()),
        ..ApiOptions::default()
    };
    let api = Api::new(storage, options);
    let routes = zapjobs_dashboard::beside(zapjobs_api::router(&api));
    let server = Server::bind_routes(address, &api, routes).await.expect("it listens");
    println!("http://{}", server.address());
    let serving = tokio::spawn(server.serve(stop.clone(), Duration::from_secs(1)));

    // Whoever started this holds the other end: nothing is left running when they are gone.
    let gone =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    let _ = gone.await;
    stop.cancel();
    serving.await.expect("it serves to its end");
    host.shutdown(Duration::from_secs(1)).await;
}

async fn serve_jobs(storage: &dyn Storage, catalog: &Catalog) {
    for native in jobs::all() {
        let description = native.description.clone();
        let tenant = TenantId::standard();
        let definition =
            [JobDefinition::from_description(tenant.clone(), &description, native.digest())];
        storage.put_definitions(&definition).await.expect("a definition");
        declare_schedules(storage, &definition).await.expect("its schedule");
        let key = JobKey { tenant, job_type: description.job_type.clone() };
        let served = Served {
            plugin: Arc::new(native),
            limits: Limits::default(),
            retry: description.retry,
            queues: None,
        };
        catalog.swap(&[], &[(key, Arc::new(served))]);
    }
}
