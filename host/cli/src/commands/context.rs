//! `zapjobs context`: the servers that commands can work on.

use std::io::Read;
use std::path::PathBuf;

use serde_json::json;

use crate::args::{ContextCommand, ServerArgs};
use crate::config::{Effective, Setting, Source};
use crate::contexts::{Context, ContextName, Contexts, LOCAL, path};
use crate::errors::{Done, Failure};
use crate::output::{Output, Tone, table};
use crate::site::{Secret, ServerUrl};

/// Bytes of a token at most.
const TOKEN_BYTES_MAX: u64 = 1_024;

pub(super) fn context(
    command: ContextCommand,
    chosen: &ServerArgs,
    effective: &Effective,
    output: Output,
) -> Done {
    let path = path(|name| std::env::var_os(name).map(PathBuf::from))?;
    let mut contexts = Contexts::read(&path)?;
    let told = match command {
        ContextCommand::List => {
            list(&contexts, output);
            return Ok(());
        }
        ContextCommand::Add(args) => add(&mut contexts, args.name, chosen, effective)?,
        ContextCommand::Use(args) => choose(&mut contexts, args.name)?,
        ContextCommand::Remove(args) => remove(&mut contexts, &args.name)?,
    };
    contexts.write(&path)?;
    if output.json {
        output.document(&document(&contexts));
    } else {
        output.line(told);
    }
    Ok(())
}

fn add(
    contexts: &mut Contexts,
    name: ContextName,
    chosen: &ServerArgs,
    effective: &Effective,
) -> Done<String> {
    if name.is_local() {
        return Err(Failure::usage(format!("{LOCAL} means this machine: take another name")));
    }
    let server = chosen.server.as_deref();
    let server = server.ok_or_else(|| Failure::usage("which server? Say --server URL"))?;
    let url: ServerUrl = server.parse().map_err(Failure::usage)?;
    let token = match &chosen.token {
        Some(Secret(token)) if token == "-" => Some(token_of_stdin()?),
        token => token.clone().map(|Secret(token)| token),
    };
    let setting = Setting::find("tenant").expect("it is a setting");
    let is_named = matches!(effective.source(setting), Source::Flag(_));
    let tenant = is_named.then(|| effective.config.tenant.clone());
    let told = match token {
        Some(_) => format!("{name} is {url}, with a token"),
        None => format!("{name} is {url}, without a token"),
    };
    contexts.contexts.insert(name, Context { server: url.to_string(), token, tenant });
    Ok(told)
}

fn token_of_stdin() -> Done<String> {
    let mut token = String::new();
    let read = std::io::stdin().take(TOKEN_BYTES_MAX).read_to_string(&mut token);
    read.map_err(|_| Failure::usage("--token -: stdin holds no text"))?;
    match token.trim() {
        "" => Err(Failure::usage("--token -: stdin is empty")),
        token => Ok(token.to_owned()),
    }
}

fn choose(contexts: &mut Contexts, name: ContextName) -> Done<String> {
    if name.is_local() {
        contexts.current = None;
        return Ok("commands work on this machine's storage".to_owned());
    }
    let told = format!("commands work on {} from now on", contexts.named(&name)?.server);
    contexts.current = Some(name);
    Ok(told)
}

fn remove(contexts: &mut Contexts, name: &ContextName) -> Done<String> {
    contexts.named(name)?;
    contexts.contexts.remove(name);
    if contexts.current.as_ref() == Some(name) {
        contexts.current = None;
        return Ok(format!("{name} is forgotten; commands work on this machine's storage"));
    }
    Ok(format!("{name} is forgotten"))
}

/// What is told of contexts: nothing that would let anyone in.
fn document(contexts: &Contexts) -> serde_json::Value {
    let listed = contexts.contexts.iter().map(|(name, context)| {
        json!({
            "name": name.to_string(), "server": context.server, "tenant": context.tenant,
            "has_token": context.token.is_some(),
        })
    });
    let current = contexts.current.as_ref().map(ToString::to_string);
    json!({ "current": current, "contexts": listed.collect::<Vec<_>>() })
}

fn list(contexts: &Contexts, output: Output) {
    if output.json {
        output.document(&document(contexts));
        return;
    }
    if contexts.contexts.is_empty() {
        output.note("no contexts: `zapjobs context add NAME --server URL` makes one");
        return;
    }
    let rows = contexts.contexts.iter().map(|(name, context)| {
        let is_current = contexts.current.as_ref() == Some(name);
        let tenant = context.tenant.as_ref().map_or_else(String::new, ToString::to_string);
        vec![
            (if is_current { "*" } else { "" }.to_owned(), Some(Tone::Good)),
            (name.to_string(), Some(Tone::Strong)),
            (context.server.clone(), None),
            (tenant, None),
            (if context.token.is_some() { "yes" } else { "no" }.to_owned(), None),
        ]
    });
    output.line(table(output.in_color(), &["", "NAME", "SERVER", "TENANT", "TOKEN"], rows));
}
