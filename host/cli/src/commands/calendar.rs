//! `zapjobs calendar`.

use serde_json::{Value, json};
use zapjobs_model::{Calendar, CalendarRules, Calendars};
use zapjobs_runtime::{CalendarError, Client, KeptCalendar};

use super::{App, document_file};
use crate::args::{CalendarArgs, CalendarCommand, CheckCalendarArgs, PutCalendarArgs};
use crate::errors::{Done, Failure};
use crate::output::{Tone, plain, table};
use crate::storage::open_existing;

pub(super) async fn calendar(command: CalendarCommand, app: App) -> Done {
    // Before the storage is opened: a file that is at fault needs none.
    let rules: Option<CalendarRules> = match &command {
        CalendarCommand::Put(args) => Some(document_file::read("calendar", &args.file)?),
        _ => None,
    };
    let storage = open_existing(&app.config).await?;
    let client = Client::new(storage.clone());
    match command {
        CalendarCommand::Put(args) => put(&client, &args, rules.unwrap_or_default(), &app).await?,
        CalendarCommand::List => list(&client, &app).await?,
        CalendarCommand::Show(args) => show(&client, &args, &app).await?,
        CalendarCommand::Delete(args) => delete(&client, &args, &app).await?,
        CalendarCommand::Check(args) => check(&client, &args, &app).await?,
    }
    Ok(storage.close().await?)
}

async fn put(client: &Client, args: &PutCalendarArgs, rules: CalendarRules, app: &App) -> Done {
    let name = &args.calendar.name;
    let calendar = Calendar::new(rules).map_err(CalendarError::from)?;
    let put = client.put_calendar(&app.config.tenant, name, calendar).await?;
    if app.output.json {
        let (revision, moved) = (put.revision, put.schedules_moved);
        app.output
            .document(&json!({ "name": name, "revision": revision, "schedules_moved": moved }));
    } else {
        app.output.line(format_args!(
            "{name} is stored, revision {}; {} schedule(s) have another next time",
            put.revision, put.schedules_moved
        ));
    }
    Ok(())
}

async fn list(client: &Client, app: &App) -> Done {
    let calendars = client.calendars(&app.config.tenant).await?;
    if app.output.json {
        let calendars: Vec<Value> = calendars.iter().map(shown).collect();
        app.output.document(&json!({ "calendars": calendars }));
        return Ok(());
    }
    if calendars.is_empty() {
        app.output.note("no calendars");
        return Ok(());
    }
    let rows = calendars.iter().map(|kept| {
        let rules = kept.calendar.rules();
        vec![
            (kept.name.to_string(), Some(Tone::Strong)),
            (rules.time_zone.clone(), None),
            (rules.count().to_string(), None),
            (kept.updated_at.to_text_short(), None),
            (plain(&rules.description).into_owned(), Some(Tone::Quiet)),
        ]
    });
    let header = ["CALENDAR", "TIME ZONE", "RULES", "CHANGED", "DESCRIPTION"];
    app.output.line(table(app.output.in_color(), &header, rows));
    Ok(())
}

async fn show(client: &Client, args: &CalendarArgs, app: &App) -> Done {
    let kept = client.calendar(&app.config.tenant, &args.name).await?;
    if app.output.json {
        app.output.document(&shown(&kept));
        return Ok(());
    }
    let rules = serde_json::to_value(kept.calendar.rules()).expect("rules serialise");
    app.output.line(format_args!("{:<15} {}", "calendar", kept.name));
    for (field, value) in rules.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        app.output.line(format_args!("{field:<15} {}", plain(&text)));
    }
    app.output.line(format_args!("{:<15} {}", "revision", kept.revision));
    app.output.line(format_args!("{:<15} {}", "changed", kept.updated_at.to_text_short()));
    Ok(())
}

async fn delete(client: &Client, args: &CalendarArgs, app: &App) -> Done {
    client.remove_calendar(&app.config.tenant, &args.name).await?;
    if app.output.json {
        app.output.document(&json!({ "deleted": args.name }));
    } else {
        app.output.line(format_args!("{} is deleted", args.name));
    }
    Ok(())
}

async fn check(client: &Client, args: &CheckCalendarArgs, app: &App) -> Done {
    let kept = client.calendar(&app.config.tenant, &args.calendar.name).await?;
    let at = match args.at {
        Some(at) => at,
        None => client.storage().now().await?,
    };
    let calendars = Calendars::new(vec![kept.calendar]);
    let (is_excluded, next) = (calendars.excludes(at), calendars.next_open(at));
    if app.output.json {
        let next = next.map(|next| next.to_text_short());
        app.output.document(&json!({
            "at": at.to_text_short(), "excluded": is_excluded, "next_open": next
        }));
        return Ok(());
    }
    let at = at.to_text_short();
    app.output.line(match (is_excluded, next) {
        (false, _) => format!("{at} is open"),
        (true, Some(next)) => format!("{at} is excluded; open at {}", next.to_text_short()),
        (true, None) => format!("{at} is excluded; no open time was found behind it"),
    });
    Ok(())
}

fn shown(kept: &KeptCalendar) -> Value {
    json!({
        "name": kept.name,
        "rules": kept.calendar,
        "revision": kept.revision,
        "updated_at": kept.updated_at.to_text_short(),
    })
}

impl From<CalendarError> for Failure {
    fn from(error: CalendarError) -> Self {
        match error {
            CalendarError::Invalid(error) => Self::usage(error.line()),
            CalendarError::Storage(error) => error.into(),
            error => Self::usage(error.to_string()),
        }
    }
}
