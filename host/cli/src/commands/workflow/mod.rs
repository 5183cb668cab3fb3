//! `zapjobs workflow`: runs that follow each other.

mod cancel;
mod file;
mod run;
mod show;

pub(super) use cancel::cancel;
pub(super) use run::run;
pub(super) use show::show;

use uuid::Uuid;

use crate::errors::Failure;

fn unknown(id: Uuid) -> Failure {
    Failure::usage(format!("there is no workflow {id}: it was never stored, or its runs are gone"))
}
