//! The service that tells others of runs that ended, beside hosts that execute them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::{Bench, PATIENCE, describe, returning};
use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zapjobs_model::webhook::WebhookEvent;
use zapjobs_model::{Json, TenantId, WebhookName};
use zapjobs_runtime::{HostOptions, Message, NewWebhook, SendError, WebhookSender, WebhookService};

struct Passing(UnboundedSender<Message>);

#[async_trait]
impl WebhookSender for Passing {
    async fn send(&self, message: Message) -> Result<u16, SendError> {
        self.0.send(message).map_err(|error| SendError(error.to_string()))?;
        Ok(200)
    }
}

async fn next(messages: &mut UnboundedReceiver<Message>, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let message = tokio::time::timeout(PATIENCE, messages.recv()).await;
        ids.push(message.expect("a message comes").expect("somebody sends").id);
    }
    ids
}

async fn enqueued(bench: &Bench, count: usize) {
    for _ in 0..count {
        let id = bench.enqueue("mail").await;
        bench.ended(id).await;
    }
}

#[tokio::test]
async fn of_several_hosts_one_sends_and_another_goes_on_where_it_stopped() {
    let bench = Bench::new();
    bench.serve(describe("mail"), returning(Json::null())).await;
    let host = bench.host(HostOptions::default()).await;
    let new = NewWebhook {
        url: "https://receiver.example/".parse().expect("a URL"),
        events: vec![WebhookEvent::Completed],
        job: None,
        with_output: false,
        secret: None,
    };
    let name = WebhookName::new("hook").expect("a name");
    bench.client.create_webhook(&TenantId::standard(), &name, new).await.expect("made");
    let (sender, mut messages) = unbounded_channel();
    let start = || {
        let sender = Arc::new(Passing(sender.clone()));
        WebhookService::start(Arc::clone(&bench.storage), sender)
    };
    let (first, second) = (start(), start());
    enqueued(&bench, 20).await;
    let mut ids = next(&mut messages, 20).await;
    first.stop(PATIENCE).await;
    enqueued(&bench, 5).await;
    ids.extend(next(&mut messages, 5).await);
    second.stop(PATIENCE).await;
    assert!(messages.try_recv().is_err(), "nothing was sent twice");
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 25);
    host.shutdown(PATIENCE).await;
}
