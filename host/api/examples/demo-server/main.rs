//! An API to build and test a dashboard on: some thousands of runs of the last three days in a
//! storage in memory, and a slow trickle of new ones. Nobody is asked who they are.
//!
//! ```sh
//! cargo run -p zapjobs-api --example demo-server -- [ADDRESS] [RUNS]
//! ```

#![allow(clippy::print_stdout, clippy::expect_used, reason = "an example talks to who started it")]

mod jobs;
mod paper;
mod past;
mod plugins;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use zapjobs_api::{Api, ApiOptions, AuthMode, Server};
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::Timestamp;
use zapjobs_storage::{Clock, Storage, SystemClock};

use plugins::Plugins;

/// Where it listens unless said.
const ADDRESS: &str = "127.0.0.1:7878";
/// Runs of the past unless said.
const RUNS: usize = 4_000;
/// How far back they go.
const PAST: Duration = Duration::from_secs(3 * 24 * 3_600);

/// The machine's clock, so much behind: runs of the past are made in their own time.
struct DemoClock {
    behind_us: AtomicI64,
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let behind = self.behind_us.load(Ordering::Relaxed);
        Timestamp::from_micros(SystemClock.now().as_micros() - behind)
    }
}

impl DemoClock {
    fn set_behind(&self, behind: Duration) {
        let behind = i64::try_from(behind.as_micros()).unwrap_or(i64::MAX);
        self.behind_us.store(behind, Ordering::Relaxed);
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| ADDRESS.to_owned());
    let address: SocketAddr = address.parse().expect("an address such as 127.0.0.1:7878");
    let runs = args.next().map_or(RUNS, |text| text.parse().expect("a number of runs"));

    let clock = Arc::new(DemoClock { behind_us: AtomicI64::new(0) });
    let memory = MemoryOptions { clock: Arc::clone(&clock) as _, ..MemoryOptions::default() };
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new(memory));
    past::make(&storage, &clock, runs).await;
    let stop = CancellationToken::new();
    let plugins = Plugins::make(&storage, &clock, stop.clone()).await;
    let options = ApiOptions {
        auth: AuthMode::Off,
        plugins: Some(plugins.desk.clone()),
        ..ApiOptions::default()
    };
    let api = Api::new(Arc::clone(&storage), options);

    let server = Server::bind(address, &api).await.expect("listens");
    println!("http://{} with {runs} runs (Ctrl-C stops)", server.address());
    tokio::spawn(work::go_on(storage));
    let serving = tokio::spawn(server.serve(stop.clone(), Duration::from_secs(1)));
    tokio::signal::ctrl_c().await.expect("a signal");
    stop.cancel();
    serving.await.expect("serves to its end");
}
