//! What can be asked on the command line. One file per command.

mod batch;
mod calendar;
mod context;
mod dead;
mod enqueue;
mod init;
mod limits;
mod man;
mod migrate;
mod plugins;
mod run;
mod runs;
mod scaffold;
mod schedule;
mod select;
mod serve;
mod stats;
mod status;
mod template;
mod tokens;
mod torture;
mod unique;
mod webhooks;
mod workflow;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use batch::{
    BatchAddArgs, BatchCommand, BatchCreateArgs, BatchListArgs, BatchWaitArgs, CallbackArg,
};
pub(crate) use calendar::{CalendarArgs, CalendarCommand, CheckCalendarArgs, PutCalendarArgs};
pub(crate) use context::{ContextCommand, ServerArgs};
pub(crate) use dead::{DeadCommand, DeadRetryArgs, DeadShowArgs};
pub(crate) use enqueue::{EnqueueArgs, WaitArgs};
pub(crate) use init::InitArgs;
pub(crate) use limits::{LimitsCommand, ScopeArgs, SetLimitArgs};
pub(crate) use man::ManArgs;
pub(crate) use migrate::MigrateCommand;
pub(crate) use plugins::{ApproveArgs, InspectArgs, PluginArgs, PluginsCommand, RollbackArgs};
pub(crate) use run::RunArgs;
pub(crate) use runs::{CancelArgs, ListArgs, LogsArgs, RetryArgs, RunsCommand, SignalArgs, Since};
pub(crate) use scaffold::{BuildArgs, NewArgs};
pub(crate) use schedule::{
    AddArgs, EditArgs, OptionArgs, PreviewArgs, RuleArgs, ScheduleArgs, ScheduleCommand,
};
pub(crate) use select::SelectArgs;
pub(crate) use serve::ServeArgs;
pub(crate) use stats::{By, StatsArgs};
pub(crate) use status::StatusArgs;
pub(crate) use template::{PutTemplateArgs, TemplateArgs, TemplateCommand};
pub(crate) use tokens::{CreateTokenArgs, RevokeTokenArgs, TokensCommand};
pub(crate) use torture::TortureArgs;
pub(crate) use webhooks::{AddWebhookArgs, DeliveriesArgs, ReplayArgs, WebhooksCommand};
pub(crate) use workflow::{WorkflowCommand, WorkflowIdArgs, WorkflowRunArgs};

use crate::config::Sources;
use crate::errors::EXIT_CODES;

/// Runs background jobs that are WebAssembly components.
#[derive(Debug, Parser)]
#[command(
    name = "zapjobs",
    version,
    after_help = EXIT_CODES,
    after_long_help = EXIT_CODES,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a configuration file: asks for what matters, and explains the rest in comments
    Init(InitArgs),
    /// Watch the plugins directory and execute runs until stopped
    Serve(ServeArgs),
    /// Run a component once, here and now, without a server
    Run(RunArgs),
    /// Ask for a job to be run by a host that serves the storage
    Enqueue(Box<EnqueueArgs>),
    /// List, show, follow, cancel and retry runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Look at failed runs by job and error, run them again, or give them up
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Look after schedules, and show when they fire
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Look after calendars of times at which schedules do not fire
    #[command(subcommand)]
    Calendar(CalendarCommand),
    /// Look after templates of runs
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Run nodes that follow each other, look at them, call them off
    #[command(subcommand)]
    Workflow(WorkflowCommand),
    /// Store runs that belong together, look at them, call them off
    #[command(subcommand)]
    Batch(BatchCommand),
    /// Show how the installation stands: hosts, queues, running runs, recent failures
    Status(StatusArgs),
    /// Show what happened: runs enqueued, started, completed, failed
    Stats(StatsArgs),
    /// List, set and remove limits on runs over all hosts
    #[command(subcommand)]
    Limits(LimitsCommand),
    /// Let no run of a queue, a job type, a tenant or all begin; those under way go on
    Pause(ScopeArgs),
    /// End a pause
    Resume(ScopeArgs),
    /// List job types as they are served
    Jobs,
    /// List and inspect plugins, and say which version serves
    #[command(subcommand)]
    Plugins(PluginsCommand),
    /// Look after the servers that commands can work on
    #[command(subcommand)]
    Context(ContextCommand),
    /// Make, list and revoke tokens for the HTTP API
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Look after webhooks, which tell others of runs that ended
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Look after the schema of a SQLite or PostgreSQL storage
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Look at the storage from outside, and say what to mend
    Doctor,
    /// Let hostile components loose on this installation, and see whether its limits hold
    Torture(TortureArgs),
    /// Begin a new plugin in Rust
    New(NewArgs),
    /// Compile the plugin of this directory into one .wasm file
    Build(BuildArgs),
    /// Show the configuration in effect, and where each value comes from
    Config(ConfigArgs),
    /// Write a completion script for a shell
    Completions(CompletionsArgs),
    /// Write manual pages, one for each command
    Man(ManArgs),
    /// Compile the component on standard input for a host: what `serve` calls
    #[command(name = crate::sandbox::COMPILE_COMMAND, hide = true)]
    CompileComponent,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Configuration file [default: ./zapjobs.toml where it is there]
    #[arg(long, global = true, value_name = "FILE", env = "ZAPJOBS_CONFIG")]
    config: Option<PathBuf>,
    /// Where runs are kept: sqlite:PATH, postgres://..., redis://..., redis+sentinel://...,
    /// redis-cluster://..., sqlite::memory: or memory: [default: sqlite:zapjobs.db]. A password
    /// is safer in the environment, as ZAPJOBS_STORAGE
    #[arg(long, global = true, value_name = "URL")]
    storage: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// The directory of components [default: ./plugins]
    #[arg(long, global = true, value_name = "DIR")]
    plugins: Option<String>,
    /// Whose job types and runs to work on [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    tenant: Option<String>,
    /// Set any setting, such as limits.cpu=10s; `zapjobs config` lists them
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Write JSON: one document, or one line per item for what goes on
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Write in colour: auto, always or never [default: auto]
    #[arg(long, global = true, value_name = "WHEN")]
    color: Option<String>,
    /// Least weighty line of the host's own log on stderr [default: info]
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// The host's own log as text or json [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

/// Show the configuration.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Print a file with every setting, its meaning, bounds and default
    #[arg(long)]
    pub(crate) template: bool,
}

/// Write a completion script.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    pub(crate) shell: clap_complete::Shell,
}

/// Flags that stand for settings: the setting's key, the flag, its text if given.
type SettingFlag<'a> = (&'static str, &'static str, &'a Option<String>);

impl Cli {
    /// What the command line says of the configuration.
    pub(crate) fn sources(&self) -> Sources {
        let global = &self.global;
        let mut flags: Vec<SettingFlag<'_>> = vec![
            ("storage", "--storage", &global.storage),
            ("plugins", "--plugins", &global.plugins),
            ("tenant", "--tenant", &global.tenant),
            ("color", "--color", &global.color),
            ("log.level", "--log-level", &global.log_level),
            ("log.format", "--log-format", &global.log_format),
        ];
        match &self.command {
            Command::Serve(serve) => flags.extend(serve.setting_flags()),
            Command::Init(init) => flags.extend(init.setting_flags()),
            _ => {}
        }
        let given = flags.into_iter().filter_map(|(key, flag, text)| {
            text.as_ref().map(|text| (key, flag.to_owned(), text.clone()))
        });
        Sources {
            file: global.config.clone(),
            is_file_unread: matches!(self.command, Command::Init(_)),
            flags: given.collect(),
            set: global.set.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_that_stands_for_a_setting_names_one() {
        let cli = Cli::parse_from([
            "zapjobs",
            "serve",
            "--storage",
            "a",
            "--plugins",
            "b",
            "--tenant",
            "c",
            "--color",
            "never",
            "--log-level",
            "info",
            "--log-format",
            "text",
            "--queues",
            "q",
            "--concurrency",
            "1",
            "--guest-threads",
            "1",
            "--lease",
            "1s",
            "--poll-interval",
            "1s",
            "--retention",
            "1d",
            "--drain",
            "1s",
            "--http",
            "off",
        ]);
        let flags = cli.sources().flags;
        assert_eq!(flags.len(), 14);
        let init = Cli::parse_from(["zapjobs", "init", "--http", "off", "--retention", "1d"]);
        for (key, flag, _) in flags.into_iter().chain(init.sources().flags) {
            assert!(Setting::find(key).is_some(), "{flag} stands for {key}");
        }
    }
}
