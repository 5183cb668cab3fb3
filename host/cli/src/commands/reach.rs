//! Where a command does its work: on a storage, or on a server.
//!
//! **Invariant:** nothing is done in a place that was not asked for: a command that cannot work on
//! the server that is chosen refuses, and one that works on the server in use says so.

use std::path::PathBuf;
use std::sync::Arc;

use zapjobs_model::TenantId;
use zapjobs_runtime::Client;
use zapjobs_storage::Storage;

use super::{App, submitting};
use crate::args::{Command, RunsCommand, ScheduleCommand, ServerArgs};
use crate::config::{Effective, Setting, Source};
use crate::contexts::{self, ContextName, Contexts};
use crate::errors::{Done, Failure};
use crate::site::{Local, Remote, Secret, ServerUrl, SharedSite};
use crate::storage::open_existing;

/// Where a command works.
pub(super) enum Reach {
    Storage,
    Server(Server),
}

/// Which server, and as whom.
pub(super) struct Server {
    url: ServerUrl,
    token: Option<Secret>,
    tenant: Option<TenantId>,
    /// The context in use, where nothing on the command line names the server.
    in_use: Option<ContextName>,
}

/// Where a command can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ways {
    /// On either.
    Both,
    /// On a storage, and on no server yet.
    Storage,
    /// On this machine, by what it is.
    Here,
    /// It works on neither.
    Nowhere,
}

impl Reach {
    /// What is chosen: by `--server`, by `--context`, or else by the context in use, unless
    /// `--storage` is said.
    pub(super) fn of(command: &Command, chosen: &ServerArgs, effective: &Effective) -> Done<Self> {
        let file = || contexts::path(|name| std::env::var_os(name).map(PathBuf::from));
        chosen_place(ways(command), chosen, effective, || Contexts::read(&file()?))
    }
}

fn chosen_place(
    ways: Ways,
    chosen: &ServerArgs,
    effective: &Effective,
    read: impl FnOnce() -> Done<Contexts>,
) -> Done<Reach> {
    // Scripts unset a variable by emptying it.
    let server = chosen.server.as_deref().filter(|text| !text.is_empty());
    let is_named = server.is_some() || chosen.context.as_ref().is_some_and(|it| !it.is_local());
    match ways {
        Ways::Nowhere => return Ok(Reach::Storage),
        Ways::Here if is_named => return Err(refusal("works on this machine alone")),
        Ways::Storage if is_named => return Err(refusal("does not work on a server yet")),
        Ways::Here => return Ok(Reach::Storage),
        Ways::Both | Ways::Storage => {}
    }
    let tenant = of_command_line(effective, "tenant").then(|| effective.config.tenant.clone());
    if let Some(text) = server {
        let url = text.parse().map_err(Failure::usage)?;
        return Ok(Reach::Server(Server {
            url,
            token: chosen.token.clone(),
            tenant,
            in_use: None,
        }));
    }
    let is_storage_named = of_command_line(effective, "storage");
    let (name, contexts) = match &chosen.context {
        Some(name) if name.is_local() => return Ok(Reach::Storage),
        Some(name) => (name.clone(), read()?),
        None if is_storage_named => return Ok(Reach::Storage),
        None => {
            let contexts = read()?;
            match &contexts.current {
                Some(name) => (name.clone(), contexts),
                None => return Ok(Reach::Storage),
            }
        }
    };
    if ways == Ways::Storage {
        return Err(Failure::usage(format!(
            "this command does not work on a server yet, and the context {name} is in use: say \
             --context local, or name the storage with --storage"
        )));
    }
    let context = contexts.named(&name)?;
    Ok(Reach::Server(Server {
        url: context.server.parse().map_err(Failure::usage)?,
        token: chosen.token.clone().or_else(|| context.token.clone().map(Secret)),
        tenant: tenant.or_else(|| context.tenant.clone()),
        in_use: chosen.context.is_none().then_some(name),
    }))
}

/// Whether a flag or the environment sets a setting: what a file in this folder says is about its
/// own storage.
fn of_command_line(effective: &Effective, key: &str) -> bool {
    let setting = Setting::find(key).expect("it is a setting");
    matches!(effective.source(setting), Source::Flag(_) | Source::Environment(_))
}

fn refusal(why: &str) -> Failure {
    Failure::usage(format!(
        "this command {why}: leave out --server and --context (ZAPJOBS_SERVER, ZAPJOBS_CONTEXT)"
    ))
}

fn ways(command: &Command) -> Ways {
    match command {
        Command::Enqueue(args) if args.fill.template.is_some() => Ways::Storage,
        Command::Runs(RunsCommand::Signal(_)) => Ways::Storage,
        Command::Schedule(ScheduleCommand::Preview(_) | ScheduleCommand::Describe(_)) => {
            Ways::Nowhere
        }
        Command::Schedule(ScheduleCommand::Add(_) | ScheduleCommand::Edit(_)) => Ways::Storage,
        Command::Enqueue(_)
        | Command::Runs(_)
        | Command::Dead(_)
        | Command::Schedule(_)
        | Command::Status(_)
        | Command::Stats(_)
        | Command::Limits(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Jobs => Ways::Both,
        Command::Batch(_)
        | Command::Workflow(_)
        | Command::Calendar(_)
        | Command::Template(_)
        | Command::Tokens(_)
        | Command::Webhooks(_) => Ways::Storage,
        Command::Serve(_)
        | Command::Run(_)
        | Command::Build(_)
        | Command::Torture(_)
        | Command::Plugins(_)
        | Command::Migrate(_)
        | Command::Doctor => Ways::Here,
        Command::Init(_)
        | Command::New(_)
        | Command::Config(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Context(_)
        | Command::CompileComponent => Ways::Nowhere,
    }
}

impl App {
    /// Where the command works.
    pub(super) async fn site(&self) -> Done<SharedSite> {
        self.open(|storage| Ok(Client::new(Arc::clone(storage)))).await
    }

    /// The same for a command that submits runs, or changes what they are given: on a storage, it
    /// keeps to the quotas and the limit on inputs of this installation.
    pub(super) async fn submitting_site(&self) -> Done<SharedSite> {
        self.open(|storage| submitting::client(self, storage)).await
    }

    async fn open(
        &self,
        client: impl FnOnce(&Arc<dyn Storage>) -> Done<Client>,
    ) -> Done<SharedSite> {
        let Reach::Server(server) = &self.reach else {
            let storage = open_existing(&self.config).await?;
            let place = self.config.storage.to_string();
            let tenant = self.config.tenant.clone();
            return Ok(Arc::new(Local::new(client(&storage)?, tenant, place)));
        };
        if let Some(name) = &server.in_use {
            self.output.note(format_args!("context {name}: {}", server.url));
        }
        if server.url.is_open() && server.token.is_some() {
            self.output.note("note: the token goes there as clear text: use https where you can");
        }
        let (url, token) = (server.url.clone(), server.token.as_ref());
        Ok(Arc::new(Remote::connect(url, token, server.tenant.as_ref()).await?))
    }
}

#[cfg(test)]
#[path = "reach_tests.rs"]
mod tests;
