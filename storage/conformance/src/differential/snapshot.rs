//! All that a storage holds, as far as it can be seen.

use std::fmt::Debug;

use zapjobs_model::{QueueName, RunId, Timestamp};
use zapjobs_storage::{
    BatchPageRequest, DocumentOwner, DocumentPageRequest, ENDS_MAX, LogPageRequest, PAGE_MAX,
    QueueSelection, Result, RunFilter, RunPageRequest, SPANS_MAX, SchedulePageRequest, Span,
    StatisticsRequest,
};

use super::choice::documents::KINDS;
use super::choice::{HOURS_PROMISED, LEASES, QUEUES, TENANTS};
use super::operation::{Performer, awaited, by_id, comparable, said};
use crate::builders::{document_kind, queue, tenant};

/// Every row that can be read, as text.
pub(super) async fn of(side: &Performer) -> Vec<String> {
    let storage = side.storage();
    let mut rows = Vec::new();
    for id in runs(side, &mut rows).await {
        rows.push(format!("{id} after {}", said(storage.dependencies(id).await)));
        let request = LogPageRequest { run: id, after: None, limit: PAGE_MAX };
        rows.push(format!("log of {id}: {}", said(storage.log_page(request).await)));
        rows.push(format!("signals of {id}: {}", said(storage.signals(id).await)));
        rows.push(format!("wait of {id}: {}", said(storage.wait_of(id).await)));
        rows.push(format!("steps of {id}: {}", said(storage.steps(id).await)));
    }
    rows.push(format!("counts: {}", said(storage.counts(&RunFilter::default()).await)));
    rows.extend(each(storage.queue_counts().await));
    let ready = storage.ready_tenants(&QueueSelection::All, None, PAGE_MAX).await;
    rows.push(format!("ready: {}", said(ready)));
    for name in TENANTS {
        let waiting = storage.waiting(&tenant(name), 1_000).await;
        rows.push(format!("waiting of {name}: {}", said(waiting)));
    }
    rows.extend(each(storage.definitions(None).await));
    let all = SchedulePageRequest { tenant: None, after: None, limit: PAGE_MAX };
    rows.push(format!("schedules: {}", said(storage.schedules(&all).await)));
    rows.push(format!("due: {}", said(storage.due_schedules(None, PAGE_MAX).await)));
    let next = storage.next_due_after(Timestamp::from_micros(0)).await;
    rows.push(format!("next fire time: {}", said(next)));
    for kind in KINDS {
        let all = DocumentPageRequest::of(document_kind(kind), DocumentOwner::Any);
        rows.push(format!("{kind} documents: {}", said(storage.documents(&all).await)));
    }
    rows.extend(each(storage.workers().await));
    rows.extend(statistics(side).await);
    rows.extend(each(storage.ended_parents(ENDS_MAX).await.map(awaited)));
    let all = BatchPageRequest { limit: PAGE_MAX, ..BatchPageRequest::default() };
    rows.extend(each(storage.batches(all).await.map(|page| page.batches)));
    rows.extend(each(storage.ended_batches(ENDS_MAX).await.map(by_id)));
    for name in LEASES {
        rows.push(format!("lease: {}", side.named_lease(name).await));
    }
    let mut expired = storage.expired(PAGE_MAX).await.expect("expired leases are listed");
    expired.sort_by_key(|run| (run.lease_expires_at, run.id));
    rows.extend(expired.into_iter().map(|run| format!("expired: {}", run.id)));
    rows
}

/// Adds a row for each run, page by page; answers their ids.
async fn runs(side: &Performer, rows: &mut Vec<String>) -> Vec<RunId> {
    // Small, so that there are several pages.
    const PAGE: usize = 16;
    let mut request = RunPageRequest { limit: PAGE, ..RunPageRequest::default() };
    let mut ids = Vec::new();
    loop {
        let page = side.storage().runs(request.clone()).await.expect("the runs are listed");
        ids.extend(page.runs.iter().map(|run| run.id));
        rows.extend(page.runs.into_iter().map(|run| format!("{:?}", comparable(run))));
        request.after = page.next;
        if page.next.is_none() {
            return ids;
        }
    }
}

/// Rows of what was counted, of each queue and of all, of each tenant and of all.
async fn statistics(side: &Performer) -> Vec<String> {
    let mut rows = Vec::new();
    let queues = QUEUES.map(|name| Some(queue(name)));
    let tenants = TENANTS.map(|name| Some(tenant(name))).into_iter().chain([None]);
    for tenant in tenants {
        for queue in queues.iter().cloned().chain([Some(QueueName::standard()), None]) {
            for (span, latest) in
                [(Span::Hour, HOURS_PROMISED), (Span::Day, SPANS_MAX), (Span::Total, 1)]
            {
                let (tenant, queue) = (tenant.clone(), queue.clone());
                let of = format!("{span:?} of {tenant:?}, {queue:?}");
                let request = StatisticsRequest { span, latest, tenant, queue };
                rows.push(format!("{of}: {}", said(side.storage().statistics(request).await)));
            }
        }
    }
    rows
}

fn each<T: Debug>(rows: Result<Vec<T>>) -> Vec<String> {
    rows.expect("the rows are read").iter().map(|row| format!("{row:?}")).collect()
}
