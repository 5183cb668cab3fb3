//! What `zapjobs enqueue` says of runs of which there is to be one.

use std::time::Duration;

use clap::{Args, ValueEnum};
use zapjobs_model::{IdempotencyKey, OnConflict, UniqueBy, UniqueRequest, UniqueScope, Until};

use crate::values::parse_span;

/// Whether and how there is to be one such run.
#[derive(Debug, Clone, Args)]
pub(crate) struct UniqueArgs {
    /// Store no second run of the same job and input; the first one's id is printed
    #[arg(long)]
    unique: bool,
    /// Compare these fields of the input only, as JSON pointers such as /user/id,/kind
    #[arg(long, value_name = "POINTERS", value_delimiter = ',', requires = "unique")]
    unique_fields: Vec<String>,
    /// Compare this text in place of the input
    #[arg(long, value_name = "TEXT", requires = "unique", conflicts_with = "unique_fields")]
    unique_key: Option<String>,
    /// How long there is to be one: until-started, until-finished, or a span such as 10m, 1s to
    /// 30d [default: until-finished]
    #[arg(long, value_name = "SCOPE", value_parser = parse_scope, requires = "unique")]
    unique_for: Option<UniqueScope>,
    /// What becomes of the first one: kept, or given this input, priority and time as long as it
    /// was never started [default: keep]
    #[arg(long, value_name = "WHAT", requires = "unique")]
    on_conflict: Option<Conflict>,
    /// A name for this request: repeated with the same name, it is answered the first run's id
    #[arg(long, value_name = "TEXT", conflicts_with = "inputs")]
    idempotency_key: Option<String>,
    /// For how long that name is known, 1s to 30d [default: 24h]
    #[arg(long, value_name = "SPAN", value_parser = parse_span, requires = "idempotency_key")]
    idempotency_for: Option<Duration>,
}

/// What becomes of a run that has the key.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Conflict {
    /// It stays as it is
    Keep,
    /// It gets what the new one brings
    Replace,
}

impl UniqueArgs {
    /// The wish for one run, if there is one.
    pub(crate) fn unique(&self) -> Option<UniqueRequest> {
        let by = match (&self.unique_key, self.unique_fields.as_slice()) {
            (Some(text), _) => UniqueBy::Text(text.clone()),
            (None, []) => UniqueBy::Input,
            (None, pointers) => UniqueBy::Fields(pointers.to_vec()),
        };
        let on_conflict = match self.on_conflict {
            Some(Conflict::Replace) => OnConflict::Replace,
            Some(Conflict::Keep) | None => OnConflict::Keep,
        };
        let scope = self.unique_for.unwrap_or_default();
        self.unique.then_some(UniqueRequest { by, scope, on_conflict })
    }

    /// The name of the request, if it has one.
    pub(crate) fn idempotency_key(&self) -> Option<IdempotencyKey> {
        let name = IdempotencyKey::new(self.idempotency_key.as_ref()?);
        Some(IdempotencyKey { window: self.idempotency_for.unwrap_or(name.window), ..name })
    }
}

fn parse_scope(text: &str) -> Result<UniqueScope, String> {
    match text {
        "until-started" => Ok(UniqueScope::Until(Until::Started)),
        "until-finished" => Ok(UniqueScope::Until(Until::Finished)),
        _ => parse_span(text)
            .map(UniqueScope::For)
            .map_err(|_| "use until-started, until-finished, or a span such as 10m".to_owned()),
    }
}
