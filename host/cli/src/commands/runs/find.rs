//! Which run is meant by an id, whole or shortened: one of the tenant that the command works for,
//! for others' are nobody's business.

use zapjobs_model::{Run, RunId};
use zapjobs_storage::{PAGE_MAX, RunFilter};

use crate::errors::{Done, Failure};
use crate::site::{RunsRequest, Site};

/// Characters of a shortened id at least: ids begin with the time, so that fewer mean nothing.
const SHORTENED_MIN: usize = 4;

/// The run that is meant.
pub(in crate::commands) async fn find(site: &dyn Site, text: &str) -> Done<Run> {
    let none = || {
        Failure::usage(format!("there is no run {text}: `zapjobs runs list` shows what there is"))
    };
    if let Ok(id) = text.parse::<RunId>() {
        return site.run(id).await?.ok_or_else(none);
    }
    let is_part = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_part || text.len() < SHORTENED_MIN {
        return Err(Failure::usage(format!(
            "{text:?} is no run id: use a UUID, or at least {SHORTENED_MIN} characters of its \
             beginning or end"
        )));
    }
    let part = text.to_ascii_lowercase();
    let found = search(site, &part).await?;
    match found.as_slice() {
        [] => Err(none()),
        // A page may leave out what is long.
        [one] => site.run(one.id).await?.ok_or_else(none),
        _ => {
            let ids: Vec<String> = found.iter().take(3).map(|run| run.id.to_string()).collect();
            Err(Failure::usage(format!(
                "{text} means several runs, such as {}: use more of the id",
                ids.join(", ")
            )))
        }
    }
}

async fn search(site: &dyn Site, part: &str) -> Done<Vec<Run>> {
    let filter = RunFilter { search: Some(part.to_owned()), ..RunFilter::default() };
    let mut request = RunsRequest { filter, after: None, limit: PAGE_MAX };
    let mut found = Vec::new();
    // Two are enough to know that the part is too short.
    while found.len() < 2 {
        let page = site.runs(&request).await?;
        found.extend(page.runs.into_iter().filter(|run| {
            let id = run.id.to_string();
            id.starts_with(part) || id.ends_with(part)
        }));
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    Ok(found)
}
