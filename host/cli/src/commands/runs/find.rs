//! Which run is meant by an id, whole or shortened: one of the tenant that the command works for,
//! for others' are nobody's business.

use std::sync::Arc;

use zapjobs_model::{Run, RunId, TenantId};
use zapjobs_storage::{PAGE_MAX, RunFilter, RunPageRequest, Storage};

use crate::errors::{Done, Failure};

/// Characters of a shortened id at least: ids begin with the time, so that fewer mean nothing.
const SHORTENED_MIN: usize = 4;

/// The run that is meant.
pub(in crate::commands) async fn find(
    storage: &Arc<dyn Storage>,
    tenant: &TenantId,
    text: &str,
) -> Done<Run> {
    let none = || {
        Failure::usage(format!("there is no run {text}: `zapjobs runs list` shows what there is"))
    };
    if let Ok(id) = text.parse::<RunId>() {
        let run = storage.run(id).await?.filter(|run| run.tenant == *tenant);
        return run.ok_or_else(none);
    }
    let is_part = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_part || text.len() < SHORTENED_MIN {
        return Err(Failure::usage(format!(
            "{text:?} is no run id: use a UUID, or at least {SHORTENED_MIN} characters of its \
             beginning or end"
        )));
    }
    let part = text.to_ascii_lowercase();
    let mut found = search(storage, tenant, &part).await?;
    match found.len() {
        0 => Err(none()),
        1 => Ok(found.remove(0)),
        _ => {
            let ids: Vec<String> = found.iter().take(3).map(|run| run.id.to_string()).collect();
            Err(Failure::usage(format!(
                "{text} means several runs, such as {}: use more of the id",
                ids.join(", ")
            )))
        }
    }
}

async fn search(storage: &Arc<dyn Storage>, tenant: &TenantId, part: &str) -> Done<Vec<Run>> {
    let filter = RunFilter {
        tenant: Some(tenant.clone()),
        search: Some(part.to_owned()),
        ..RunFilter::default()
    };
    let mut request = RunPageRequest { filter, after: None, limit: PAGE_MAX };
    let mut found = Vec::new();
    // Two are enough to know that the part is too short.
    while found.len() < 2 {
        let page = storage.runs(request.clone()).await?;
        found.extend(page.runs.into_iter().filter(|run| {
            let id = run.id.to_string();
            id.starts_with(part) || id.ends_with(part)
        }));
        match page.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    Ok(found)
}
