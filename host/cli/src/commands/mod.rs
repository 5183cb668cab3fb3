//! What is done, one file per command.

mod batch;
mod build;
mod calendar;
mod completions;
mod config;
mod context;
mod dead;
mod doctor;
mod document_file;
mod enqueue;
mod follow;
mod init;
mod input;
mod limits;
pub(crate) mod logging;
mod man;
mod migrate;
mod new;
mod plugins;
mod reach;
mod run;
mod runs;
mod schedule;
mod serve;
mod signals;
mod stats;
mod status;
mod submitting;
mod template;
mod text_file;
mod tokens;
mod torture;
mod webhooks;
mod workflow;

use tokio::runtime::{Builder, Runtime};
use zapjobs_storage::Alteration;

use crate::args::{Command, DeadCommand, PluginsCommand, RunsCommand, ServerArgs, WorkflowCommand};
use crate::config::{Config, Effective};
use crate::errors::{Done, Failure};
use crate::output::Output;
use reach::Reach;

/// What every command works with.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) output: Output,
    reach: Reach,
}

/// Does what was asked.
pub(crate) fn execute(
    command: Command,
    server: &ServerArgs,
    effective: Effective,
    output: Output,
) -> Done {
    match command {
        Command::Config(args) => config::config(&args, &effective, output),
        Command::Completions(args) => completions::completions(&args, output),
        Command::New(args) => new::new(&args, output),
        Command::Man(args) => man::man(&args, output),
        Command::Context(command) => context::context(command, server, &effective, output),
        Command::Init(args) => threads()?.block_on(init::init(args, effective, output)),
        command => {
            logging::start(&effective.config.log, output, &command)?;
            let reach = Reach::of(&command, server, &effective)?;
            let app = App { config: effective.config, output, reach };
            let threads = threads()?;
            let done = threads.block_on(Box::pin(work(command, app)));
            // Nothing that still runs then has a result that counts.
            threads.shutdown_background();
            done
        }
    }
}

fn threads() -> Done<Runtime> {
    Builder::new_multi_thread()
        .thread_name("zapjobs")
        .enable_all()
        .build()
        .map_err(|error| Failure::unavailable(format!("no threads: {error}")))
}

async fn work(command: Command, app: App) -> Done {
    match command {
        Command::Serve(args) => serve::serve(args, app).await,
        Command::Run(args) => run::run(args, app).await,
        Command::Enqueue(args) => enqueue::enqueue(*args, app).await,
        Command::Build(args) => build::build(args, app).await,
        Command::Runs(RunsCommand::List(args)) => runs::list(args, app).await,
        Command::Runs(RunsCommand::Show(args)) => runs::show(args.run, app).await,
        Command::Runs(RunsCommand::Logs(args)) => runs::logs(args, app).await,
        Command::Runs(RunsCommand::Steps(args)) => runs::steps(args.run, app).await,
        Command::Runs(RunsCommand::Signal(args)) => runs::signal(args, app).await,
        Command::Runs(RunsCommand::Cancel(args)) => runs::cancel(args, app).await,
        Command::Calendar(command) => calendar::calendar(command, app).await,
        Command::Template(command) => template::template(command, app).await,
        Command::Schedule(command) => schedule::schedule(command, app).await,
        Command::Runs(RunsCommand::Retry(args)) => runs::retry(args, app).await,
        Command::Runs(RunsCommand::Delete(args)) => {
            runs::alter(args, Alteration::Delete, "deleted", app).await
        }
        Command::Runs(RunsCommand::Move(args)) => {
            runs::alter(args.select, Alteration::Move(args.to), "moved", app).await
        }
        Command::Runs(RunsCommand::Prioritise(args)) => {
            let alteration = Alteration::Prioritise(args.to);
            runs::alter(args.select, alteration, "prioritised", app).await
        }
        Command::Runs(RunsCommand::RunNow(args)) => {
            runs::alter(args, Alteration::RunNow, "pending", app).await
        }
        Command::Dead(DeadCommand::List) => dead::list(app).await,
        Command::Dead(DeadCommand::Show(args)) => dead::show(args, app).await,
        Command::Dead(DeadCommand::Retry(args)) => dead::retry(args, app).await,
        Command::Dead(DeadCommand::Discard(args)) => dead::discard(args, app).await,
        Command::Workflow(WorkflowCommand::Run(args)) => workflow::run(args, app).await,
        Command::Workflow(WorkflowCommand::Show(args)) => workflow::show(args, app).await,
        Command::Workflow(WorkflowCommand::Cancel(args)) => workflow::cancel(args, app).await,
        Command::Batch(command) => batch::batch(command, app).await,
        Command::Status(args) => status::status(args, app).await,
        Command::Stats(args) => stats::stats(args, app).await,
        Command::Limits(command) => limits::limits(command, app).await,
        Command::Pause(scope) => limits::pause(scope, app).await,
        Command::Resume(scope) => limits::resume(scope, app).await,
        Command::Tokens(command) => tokens::tokens(command, app).await,
        Command::Webhooks(command) => webhooks::webhooks(command, app).await,
        Command::Migrate(command) => migrate::migrate(command, app).await,
        Command::Doctor => doctor::doctor(app).await,
        Command::Torture(args) => torture::torture(args, app).await,
        Command::Plugins(PluginsCommand::List) => plugins::list(app).await,
        Command::Plugins(PluginsCommand::Inspect(args)) => plugins::inspect(args, app).await,
        Command::Jobs | Command::Plugins(PluginsCommand::Jobs) => plugins::jobs(app).await,
        Command::Plugins(PluginsCommand::History(args)) => plugins::history(&args, &app),
        Command::Plugins(PluginsCommand::Approve(args)) => plugins::approve(&args, &app),
        Command::Plugins(PluginsCommand::Rollback(args)) => plugins::roll_back(&args, &app),
        Command::Plugins(PluginsCommand::Unpin(args)) => plugins::unpin(&args, &app),
        Command::Plugins(PluginsCommand::Reset(args)) => plugins::reset(&args, &app),
        Command::New(_)
        | Command::Config(_)
        | Command::Completions(_)
        | Command::Context(_)
        | Command::Init(_)
        | Command::Man(_)
        | Command::CompileComponent => {
            unreachable!("these are done without threads, above and in `main`")
        }
    }
}
