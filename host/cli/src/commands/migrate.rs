//! `zapjobs migrate`: the schema, as an operator looks after it.

use serde_json::json;
use zapjobs_storage::{SchemaAdmin, SchemaStep};

use super::App;
use crate::args::MigrateCommand;
use crate::errors::{Done, Failure};
use crate::output::{Tone, table};
use crate::storage;

pub(super) async fn migrate(command: MigrateCommand, app: App) -> Done {
    let schema = storage::schema(&app.config)?;
    match command {
        MigrateCommand::Status => status(&app, &*schema).await,
        MigrateCommand::DryRun => plan(&app, &*schema).await,
        MigrateCommand::Up(args) if args.dry_run => plan(&app, &*schema).await,
        MigrateCommand::Up(_) => {
            let done = schema.up().await?;
            say(&app, &*schema, "applied", &done, "the schema is up to date");
            Ok(())
        }
        MigrateCommand::Down(args) => {
            let what = format!("all that migrations above version {} hold", args.to);
            confirmed(args.yes, &what, &*schema)?;
            let done = schema.down(args.to).await?;
            say(&app, &*schema, "undone", &done, "no migration above that version is applied");
            Ok(())
        }
        MigrateCommand::Drop(args) => {
            confirmed(args.yes, "every run and every log", &*schema)?;
            schema.drop_all().await?;
            if app.output.json {
                app.output.document(&json!({ "dropped": schema.location() }));
            } else {
                app.output
                    .line(format_args!("dropped: {} holds nothing of ours", schema.location()));
            }
            Ok(())
        }
    }
}

async fn status(app: &App, schema: &dyn SchemaAdmin) -> Done {
    let steps = schema.steps().await?;
    let missing = steps.iter().filter(|step| step.applied_at.is_none()).count();
    if app.output.json {
        let steps: Vec<_> = steps.iter().map(as_json).collect();
        let location = schema.location();
        app.output
            .document(&json!({ "location": location, "missing": missing, "migrations": steps }));
        return Ok(());
    }
    let rows = steps.iter().map(|step| {
        let (stands, tone) = match step.applied_at {
            Some(at) => (format!("applied {at}"), Tone::Good),
            None => ("missing".to_owned(), Tone::Warning),
        };
        vec![(step.version.to_string(), None), (step.name.clone(), None), (stands, Some(tone))]
    });
    app.output.line(table(app.output.in_color(), &["VERSION", "MIGRATION", "STATUS"], rows));
    if missing > 0 {
        app.output.note(format_args!("{missing} missing: `zapjobs migrate up` applies them"));
    }
    Ok(())
}

async fn plan(app: &App, schema: &dyn SchemaAdmin) -> Done {
    let sql = schema.plan().await?;
    if app.output.json {
        app.output.document(&json!({ "location": schema.location(), "sql": sql }));
    } else if sql.is_empty() {
        app.output.note("nothing to do: the schema is up to date");
    } else {
        app.output.line(sql.trim_end());
    }
    Ok(())
}

/// What was done; in words of its own where that was nothing.
fn say(app: &App, schema: &dyn SchemaAdmin, verb: &str, done: &[SchemaStep], nothing: &str) {
    if app.output.json {
        let steps: Vec<_> = done.iter().map(as_json).collect();
        app.output.document(&json!({ "location": schema.location(), verb: steps }));
        return;
    }
    if done.is_empty() {
        app.output.line(format_args!("nothing to do: {nothing}"));
    }
    for step in done {
        app.output.line(format_args!("{verb} {} {}", step.version, step.name));
    }
}

fn confirmed(yes: bool, what: &str, schema: &dyn SchemaAdmin) -> Done {
    if yes {
        return Ok(());
    }
    let location = schema.location();
    Err(Failure::usage(format!("this would delete {what} in {location}: say --yes to do it")))
}

fn as_json(step: &SchemaStep) -> serde_json::Value {
    let applied_at = step.applied_at.map(|at| at.to_string());
    json!({ "version": step.version, "name": step.name, "applied_at": applied_at })
}
