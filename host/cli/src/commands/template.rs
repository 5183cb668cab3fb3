//! `zapjobs template`.

use serde_json::{Value, json};
use zapjobs_model::{Parameter, Template};
use zapjobs_runtime::{Client, KeptTemplate, UseTemplateError};

use super::{App, document_file};
use crate::args::{PutTemplateArgs, TemplateArgs, TemplateCommand};
use crate::errors::{Done, Failure};
use crate::output::{Tone, plain, table};
use crate::storage::open_existing;

pub(super) async fn template(command: TemplateCommand, app: App) -> Done {
    // Before the storage is opened: a file that is at fault needs none.
    let template: Option<Template> = match &command {
        TemplateCommand::Put(args) => Some(document_file::read("template", &args.file)?),
        _ => None,
    };
    let storage = open_existing(&app.config).await?;
    let client =
        Client::new(storage.clone()).with_input_bytes_max(app.config.host.limits.input_bytes_max);
    match (command, template) {
        (TemplateCommand::Put(args), Some(template)) => put(&client, &args, template, &app).await?,
        (TemplateCommand::Put(_), None) => unreachable!("it was read above"),
        (TemplateCommand::List, _) => list(&client, &app).await?,
        (TemplateCommand::Show(args), _) => show(&client, &args, &app).await?,
        (TemplateCommand::Delete(args), _) => delete(&client, &args, &app).await?,
    }
    Ok(storage.close().await?)
}

async fn put(client: &Client, args: &PutTemplateArgs, template: Template, app: &App) -> Done {
    let name = &args.template.name;
    let revision = client.put_template(&app.config.tenant, name, template).await?;
    if app.output.json {
        app.output.document(&json!({ "name": name, "revision": revision }));
    } else {
        app.output.line(format_args!("{name} is stored, revision {revision}"));
    }
    Ok(())
}

async fn list(client: &Client, app: &App) -> Done {
    let templates = client.templates(&app.config.tenant).await?;
    if app.output.json {
        let templates: Vec<Value> = templates.iter().map(shown).collect();
        app.output.document(&json!({ "templates": templates }));
        return Ok(());
    }
    if templates.is_empty() {
        app.output.note("no templates");
        return Ok(());
    }
    let rows = templates.iter().map(|kept| {
        let parameters: Vec<&str> =
            kept.template.parameters.keys().map(|name| name.as_str()).collect();
        vec![
            (kept.name.to_string(), Some(Tone::Strong)),
            (kept.template.job.to_string(), None),
            (parameters.join(", "), None),
            (kept.updated_at.to_text_short(), None),
            (plain(&kept.template.description).into_owned(), Some(Tone::Quiet)),
        ]
    });
    let header = ["TEMPLATE", "JOB", "PARAMETERS", "CHANGED", "DESCRIPTION"];
    app.output.line(table(app.output.in_color(), &header, rows));
    Ok(())
}

async fn show(client: &Client, args: &TemplateArgs, app: &App) -> Done {
    let kept = client.template(&app.config.tenant, &args.name).await?;
    if app.output.json {
        app.output.document(&shown(&kept));
        return Ok(());
    }
    let template = &kept.template;
    let mut facts = vec![
        ("template", kept.name.to_string()),
        ("job", template.job.to_string()),
        ("input", template.input.to_string()),
        ("revision", kept.revision.to_string()),
        ("changed", kept.updated_at.to_text_short()),
    ];
    if !template.description.is_empty() {
        facts.push(("description", template.description.clone()));
    }
    for (name, value) in facts {
        app.output.line(format_args!("{name:<12} {}", plain(&value)));
    }
    for (name, parameter) in &template.parameters {
        app.output.line(format_args!("--param {name}=  {}", plain(&about(parameter))));
    }
    Ok(())
}

/// What there is to say of a parameter, in one line.
fn about(parameter: &Parameter) -> String {
    let need = match (&parameter.default, parameter.required) {
        (Some(default), _) => format!("default {default}"),
        (None, true) => "required".to_owned(),
        (None, false) => "optional".to_owned(),
    };
    let example = parameter.example.as_ref().map(|example| format!("such as {example}"));
    let schema = parameter.schema.as_ref().map(|schema| format!("fits {schema}"));
    let described = Some(parameter.description.clone()).filter(|text| !text.is_empty());
    let parts = [Some(need), example, schema, described];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

async fn delete(client: &Client, args: &TemplateArgs, app: &App) -> Done {
    client.remove_template(&app.config.tenant, &args.name).await?;
    if app.output.json {
        app.output.document(&json!({ "deleted": args.name }));
    } else {
        app.output.line(format_args!("{} is deleted; runs made of it stay", args.name));
    }
    Ok(())
}

fn shown(kept: &KeptTemplate) -> Value {
    json!({
        "name": kept.name,
        "template": kept.template,
        "revision": kept.revision,
        "updated_at": kept.updated_at.to_text_short(),
    })
}

impl From<UseTemplateError> for Failure {
    fn from(error: UseTemplateError) -> Self {
        match error {
            UseTemplateError::Submit(error) => error.into(),
            UseTemplateError::Storage(error) => error.into(),
            error => Self::usage(error.to_string()),
        }
    }
}
