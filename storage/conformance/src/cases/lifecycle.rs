//! The storage as a whole.

use zapjobs_storage::{
    DocumentOwner, DocumentPageRequest, ErrorKind, LogPageRequest, RunPageRequest,
};

use crate::Fixture;
use crate::actions::refused;
use crate::builders::{
    LEASE, a_definition, a_line, a_run, a_worker, document_key, document_kind, key, run_id,
    seconds, worker,
};

pub(crate) async fn time_is_the_clocks(f: &Fixture) {
    assert_eq!(f.storage.now().await.expect("told"), f.now());
    f.clock.advance(seconds(61));
    assert_eq!(f.storage.now().await.expect("told"), f.now());
}

pub(crate) async fn a_storage_says_what_it_is(f: &Fixture) {
    let info = f.storage.info().await.expect("told");
    for text in [info.driver, info.location, info.server_version, info.durability] {
        assert!(!text.trim().is_empty(), "everything is said");
    }
}

pub(crate) async fn closing_twice_does_nothing(f: &Fixture) {
    f.storage.close().await.expect("closed");
    f.storage.close().await.expect("closed again");
}

pub(crate) async fn after_closing_submitters_and_workers_are_answered_closed(f: &Fixture) {
    let run = f.running(a_run("mail")).await;
    let transition = f.transition(&run, crate::actions::completed());
    f.storage.close().await.expect("closed");
    let s = &f.storage;
    refused(s.enqueue(&[a_run("mail").build()]).await, ErrorKind::Closed);
    refused(s.renew(&[run.lease_key()], LEASE).await, ErrorKind::Closed);
    refused(s.apply(&[transition]).await, ErrorKind::Closed);
    refused(s.promote(1).await, ErrorKind::Closed);
    refused(s.expired(1).await, ErrorKind::Closed);
    refused(s.request_cancel(run.id).await, ErrorKind::Closed);
    refused(s.requeue(run.id).await, ErrorKind::Closed);
    refused(s.heartbeat(&a_worker(1)).await, ErrorKind::Closed);
    refused(s.release("leader", worker(1)).await, ErrorKind::Closed);
}

pub(crate) async fn after_closing_those_who_look_are_answered_closed(f: &Fixture) {
    f.storage.close().await.expect("closed");
    let s = &f.storage;
    let log_request = LogPageRequest { run: run_id(1), after: None, limit: 1 };
    refused(s.now().await, ErrorKind::Closed);
    refused(s.info().await, ErrorKind::Closed);
    refused(s.run(run_id(1)).await, ErrorKind::Closed);
    refused(
        s.runs(RunPageRequest { limit: 1, ..RunPageRequest::default() }).await,
        ErrorKind::Closed,
    );
    refused(s.counts(&Default::default()).await, ErrorKind::Closed);
    refused(s.queue_counts().await, ErrorKind::Closed);
    refused(s.log_page(log_request).await, ErrorKind::Closed);
    refused(s.append_logs(&[a_line(run_id(1), 1, 0)]).await, ErrorKind::Closed);
    refused(s.document(&document_key("calendar", "", "a")).await, ErrorKind::Closed);
    let documents = DocumentPageRequest::of(document_kind("calendar"), DocumentOwner::Any);
    refused(s.documents(&documents).await, ErrorKind::Closed);
    refused(s.definitions(None).await, ErrorKind::Closed);
    refused(s.definition(&key("acme", "mail")).await, ErrorKind::Closed);
    refused(s.put_definitions(&[a_definition("acme", "mail")]).await, ErrorKind::Closed);
    refused(s.put_schedules(&[]).await, ErrorKind::Closed);
    refused(s.due_schedules(None, 1).await, ErrorKind::Closed);
    refused(s.next_due_after(f.now()).await, ErrorKind::Closed);
    refused(s.fire(&[]).await, ErrorKind::Closed);
    refused(s.workers().await, ErrorKind::Closed);
}

pub(crate) async fn after_closing_a_subscription_ends_at_once(f: &Fixture) {
    f.storage.close().await.expect("closed");
    let mut notices = f.storage.subscribe();
    let next = tokio::time::timeout(seconds(20), notices.next()).await;
    assert_eq!(next.expect("it ends"), None);
}
