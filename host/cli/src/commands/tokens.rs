//! `zapjobs tokens`: who may use the HTTP API.

use serde_json::json;
use zapjobs_api::tokens::{NewToken, TokenError, TokenRecord, Tokens};
use zapjobs_model::Timestamp;

use super::App;
use crate::args::{CreateTokenArgs, RevokeTokenArgs, TokensCommand};
use crate::errors::{Done, Failure};
use crate::output::{Tone, plain, table};
use crate::storage::open_existing;

pub(super) async fn tokens(command: TokensCommand, app: App) -> Done {
    let storage = open_existing(&app.config).await?;
    let tokens = Tokens::new(storage.clone());
    match command {
        TokensCommand::Create(args) => create(&tokens, args, &app).await?,
        TokensCommand::List => list(&tokens, storage.now().await?, &app).await?,
        TokensCommand::Revoke(args) => revoke(&tokens, &args, &app).await?,
    }
    Ok(storage.close().await?)
}

async fn create(tokens: &Tokens, args: CreateTokenArgs, app: &App) -> Done {
    let tenant = (!args.all_tenants).then(|| app.config.tenant.clone());
    let new = NewToken { name: args.name, scope: args.scope, tenant, life: args.expires };
    let (record, shown) = tokens.create(new).await?;
    if app.output.json {
        app.output.document(&json!({
            "token": shown.reveal(), "id": record.id, "expires_at": record.expires_at,
        }));
        return Ok(());
    }
    app.output.line(shown.reveal());
    app.output.note("keep it now: it is not shown again");
    Ok(())
}

async fn list(tokens: &Tokens, now: Timestamp, app: &App) -> Done {
    let records = tokens.list().await?;
    if app.output.json {
        let listed: Vec<_> = records.iter().map(|it| document(it, now)).collect();
        app.output.document(&json!({ "tokens": listed }));
        return Ok(());
    }
    if records.is_empty() {
        app.output.note("no tokens");
        return Ok(());
    }
    let header = ["ID", "NAME", "SCOPE", "TENANT", "STATE", "LAST USED"];
    app.output.line(table(app.output.in_color(), &header, records.iter().map(|it| row(it, now))));
    Ok(())
}

async fn revoke(tokens: &Tokens, args: &RevokeTokenArgs, app: &App) -> Done {
    let record = tokens.revoke(&args.id).await?;
    if app.output.json {
        app.output.document(&json!({ "id": record.id, "revoked_at": record.revoked_at }));
    } else {
        app.output.line(format_args!("{} is revoked", record.id));
    }
    Ok(())
}

/// What is told of a token: nothing that would prove it.
fn document(record: &TokenRecord, now: Timestamp) -> serde_json::Value {
    json!({
        "id": record.id, "name": record.name, "scope": record.scope, "tenant": record.tenant,
        "good": record.is_good(now), "created_at": record.created_at,
        "expires_at": record.expires_at, "revoked_at": record.revoked_at,
        "last_used_at": record.last_used_at,
    })
}

fn row(record: &TokenRecord, now: Timestamp) -> Vec<(String, Option<Tone>)> {
    let state = match (record.revoked_at, record.is_good(now)) {
        (Some(_), _) => ("revoked", Tone::Quiet),
        (None, true) => ("good", Tone::Good),
        (None, false) => ("expired", Tone::Quiet),
    };
    let tenant = record.tenant.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string);
    let used = record.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_text_short());
    vec![
        (record.id.clone(), Some(Tone::Strong)),
        (plain(&record.name).to_string(), None),
        (record.scope.to_string(), None),
        (tenant, None),
        (state.0.to_owned(), Some(state.1)),
        (used, Some(Tone::Quiet)),
    ]
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Storage(error) => error.into(),
            TokenError::Random(_) => Self::unavailable(error.to_string()),
            error => Self::usage(error.to_string()),
        }
    }
}
