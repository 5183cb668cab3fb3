//! Queues: how much stands in them, and since when.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zapjobs_model::{QueueName, RunStatus, TenantId, Timestamp};
use zapjobs_storage::{
    Counts, PAGE_MAX, QueueCounts, RunFilter, RunPageRequest, Storage, StorageError,
};

use crate::access::{Caller, Group, Reach, Scope};
use crate::http::problem::Problem;
use crate::schemas::CountsDocument;
use crate::state::Api;

/// Queues whose oldest run is looked for in one request at most; the others tell none.
const OLDEST_LOOKED_FOR_MAX: usize = 50;
/// Ages are looked for up to 2 to this power of seconds: 194 days.
const AGE_POWER_MAX: u32 = 24;

pub(crate) fn routes(api: &Api) -> OpenApiRouter<Api> {
    Group::new(api, Scope::Read, Reach::Tenant).with(routes!(list_queues)).build()
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListedQueue {
    /// Its name.
    #[schema(value_type = String)]
    pub queue: QueueName,
    /// How many of its runs stand where.
    #[schema(value_type = CountsDocument)]
    pub counts: Counts,
    /// When the oldest pending run was made; null where none is, or where it was not looked for
    /// (beyond 50 queues).
    #[schema(value_type = Option<String>)]
    pub oldest_pending_at: Option<Timestamp>,
}

/// Queues.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueueList {
    /// In the order of their names.
    queues: Vec<ListedQueue>,
}

/// List queues
///
/// Those that hold a run: how many stand where, and since when the oldest is ready.
#[utoipa::path(get, path = "/api/v1/queues", tag = "queues", responses((status = 200, body = QueueList)))]
async fn list_queues(State(api): State<Api>, caller: Caller) -> Result<Answer<QueueList>, Problem> {
    Ok(Answer(QueueList { queues: queues(&**api.storage(), caller.view()).await? }))
}

/// The queues that hold a run of this tenant, or of any where none is named.
///
/// *Cost:* one count for each queue of a tenant, and some six reads for each of the first 50 that
/// have a pending run.
///
/// # Errors
///
/// Those of the storage.
pub async fn queues(
    storage: &dyn Storage,
    tenant: Option<&TenantId>,
) -> Result<Vec<ListedQueue>, StorageError> {
    let counted = match tenant {
        None => storage.queue_counts().await?,
        Some(tenant) => of_tenant(storage, tenant).await?,
    };
    let mut queues = Vec::with_capacity(counted.len());
    for (at, QueueCounts { queue, counts }) in counted.into_iter().enumerate() {
        let filter = RunFilter {
            tenant: tenant.cloned(),
            queue: Some(queue.clone()),
            ..RunFilter::default()
        };
        let oldest_pending_at = match counts.pending {
            1.. if at < OLDEST_LOOKED_FOR_MAX => oldest_pending(storage, filter).await?,
            _ => None,
        };
        queues.push(ListedQueue { queue, counts, oldest_pending_at });
    }
    Ok(queues)
}

/// The same of one tenant: of all queues that hold a run, those that hold one of its.
async fn of_tenant(
    storage: &dyn Storage,
    tenant: &TenantId,
) -> Result<Vec<QueueCounts>, StorageError> {
    let own = storage.definitions(Some(tenant)).await?.into_iter().map(|it| it.queue);
    let held = storage.queue_counts().await?.into_iter().map(|it| it.queue);
    let names: BTreeSet<QueueName> = own.chain(held).collect();
    let mut counted = Vec::new();
    for queue in names {
        let filter = RunFilter {
            tenant: Some(tenant.clone()),
            queue: Some(queue.clone()),
            ..RunFilter::default()
        };
        let counts = storage.counts(&filter).await?;
        if counts.total() > 0 {
            counted.push(QueueCounts { queue, counts });
        }
    }
    Ok(counted)
}

/// When the oldest pending run that a filter takes was made. Exact unless more than 1,000 are about
/// as old as it: then one of these is answered.
///
/// *Cost:* some six reads, five of which ask for one run: ages are halved until one fits.
pub(crate) async fn oldest_pending(
    storage: &dyn Storage,
    filter: RunFilter,
) -> Result<Option<Timestamp>, StorageError> {
    let filter = RunFilter { statuses: vec![RunStatus::Pending], ..filter };
    let now = storage.now().await?;
    let older_than = async |power: u32, limit: usize| {
        let before = now.minus(Duration::from_secs(1 << power));
        let filter = RunFilter { created_before: Some(before), ..filter.clone() };
        storage.runs(RunPageRequest { filter, after: None, limit }).await
    };
    // Some run is older than 2^least seconds where `least` is given, none than 2^most.
    let (mut least, mut most) = (None, AGE_POWER_MAX);
    while least.map_or(0, |it| it + 1) < most {
        let middle = (least.map_or(0, |it| it + 1) + most) / 2;
        match older_than(middle, 1).await?.runs.is_empty() {
            true => most = middle,
            false => least = Some(middle),
        }
    }
    let page = match least {
        Some(power) => older_than(power, PAGE_MAX).await?,
        None => storage.runs(RunPageRequest { filter, after: None, limit: PAGE_MAX }).await?,
    };
    Ok(page.runs.iter().map(|run| run.created_at).min())
}
