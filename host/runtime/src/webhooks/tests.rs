//! Rounds of one webhook over a storage in memory, with a receiver that does as it is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use zapjobs_memory::{MemoryOptions, MemoryStorage};
use zapjobs_model::document::DOCUMENT_BYTES_MAX;
use zapjobs_model::webhook::{ATTEMPTS_MAX, WebhookEvent};
use zapjobs_model::{
    Blame, Document, Due, JobType, Json, NewRun, Outcome, Priority, QueueName, RetryPolicy, Run,
    RunError, RunId, TenantId, Timestamp, Trigger, Usage, WebhookName, WorkerId, settle,
};
use zapjobs_storage::{
    ClaimRequest, ManualClock, QueueSelection, RequeueResult, Storage, TenantSelection,
};

use super::follower::{Follower, LATE_MAX, LOOK_AGAIN_EVERY};
use super::progress::{LOG_MAX, RECENT_KEPT_MAX, RETRIES_MAX, Retry, Subject};
use super::*;
use crate::Client;

const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

/// Answers as it is told, or else 204; keeps what it got.
#[derive(Default)]
struct Receiver {
    answers: Mutex<VecDeque<Result<u16, SendError>>>,
    otherwise: Mutex<Option<u16>>,
    got: Mutex<Vec<Message>>,
}

#[async_trait]
impl WebhookSender for Receiver {
    async fn send(&self, message: Message) -> Result<u16, SendError> {
        self.got.lock().push(message);
        let answer = self.answers.lock().pop_front();
        answer.unwrap_or_else(|| Ok(self.otherwise.lock().unwrap_or(204)))
    }
}

struct Place {
    clock: Arc<ManualClock>,
    client: Client,
    receiver: Arc<Receiver>,
    follower: Follower,
    runs: u128,
}

fn tenant() -> TenantId {
    TenantId::standard()
}

fn name() -> WebhookName {
    WebhookName::new("hook").expect("a name")
}

fn new_webhook() -> NewWebhook {
    NewWebhook {
        url: "https://receiver.example/hook".parse().expect("a URL"),
        events: WebhookEvent::ALL.to_vec(),
        job: None,
        with_output: false,
        secret: None,
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

impl Place {
    async fn new() -> Self {
        Self::with(new_webhook()).await
    }

    async fn with(new: NewWebhook) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let memory = MemoryOptions { clock: Arc::clone(&clock) as _, ..MemoryOptions::default() };
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new(memory));
        let client = Client::new(storage);
        client.create_webhook(&tenant(), &name(), new).await.expect("made");
        let receiver = Arc::new(Receiver::default());
        let follower = Self::a_follower(&client, &receiver);
        Self { clock, client, receiver, follower, runs: 0 }
    }

    fn a_follower(client: &Client, receiver: &Arc<Receiver>) -> Follower {
        let sender = Arc::clone(receiver) as Arc<dyn WebhookSender>;
        Follower::new(Arc::clone(client.storage()), sender, tenant(), name())
    }

    /// As if the host that followed had died: what was not saved is not known any more.
    fn another_host_goes_on(&mut self) {
        self.follower = Self::a_follower(&self.client, &self.receiver);
    }

    async fn webhook(&self) -> Webhook {
        self.client.webhook(&tenant(), &name()).await.expect("it is there").webhook
    }

    async fn progress(&self) -> Progress {
        let kept = self.client.webhook(&tenant(), &name()).await.expect("it is there");
        kept.progress.expect("a round has been")
    }

    async fn round(&mut self) -> Duration {
        let webhook = self.webhook().await;
        self.follower.run_once(&webhook).await.expect("the storage answers")
    }

    /// Rounds until nothing is left to do now.
    async fn rounds(&mut self) {
        while self.round().await.is_zero() {}
    }

    fn got(&self) -> Vec<Message> {
        std::mem::take(&mut self.receiver.got.lock())
    }

    fn ids(&self) -> Vec<String> {
        self.got().into_iter().map(|message| message.id).collect()
    }

    fn answer(&self, answers: impl IntoIterator<Item = u16>) {
        self.receiver.answers.lock().extend(answers.into_iter().map(Ok));
    }

    async fn running(&mut self, tenant: &str, job: &str) -> Run {
        self.runs += 1;
        let new = NewRun {
            id: RunId(uuid::Uuid::from_u128(self.runs)),
            tenant: TenantId::new(tenant).expect("a tenant"),
            job_type: JobType::new(job).expect("a job"),
            queue: QueueName::standard(),
            priority: Priority::NORMAL,
            trigger: Trigger::Api,
            input: Json::trusted(r#"{"private":true}"#),
            due: Due::Now,
            deadline: None,
            max_attempts: 1,
            correlation_id: None,
            parent: None,
            tags: Vec::new(),
            metadata: Default::default(),
            after: Vec::new(),
            limit_key: None,
            unique: None,
            idempotency: None,
            batch: None,
        };
        self.client.storage().enqueue(&[new]).await.expect("enqueued");
        self.claim().await
    }

    async fn claim(&self) -> Run {
        let request = ClaimRequest {
            worker: WorkerId(uuid::Uuid::from_u128(9)),
            queues: QueueSelection::All,
            tenants: TenantSelection::All,
            limit: 1,
            lease: seconds(30),
        };
        self.client.storage().claim(request).await.expect("claimed").remove(0).run
    }

    /// Ends a run as of an instant, which may lie before the present one.
    async fn end_at(&self, run: &Run, outcome: Outcome, at: Timestamp) {
        let transition = settle(run, outcome, Usage::default(), at, &RetryPolicy::default(), 0.5);
        self.client.storage().apply(&[transition]).await.expect("applied");
    }

    async fn ended(&mut self, tenant: &str, job: &str, outcome: Outcome) -> Run {
        let run = self.running(tenant, job).await;
        self.end_at(&run, outcome, self.client.storage().now().await.expect("now")).await;
        self.clock.advance(Duration::from_millis(1));
        run
    }

    async fn completed(&mut self) -> Run {
        self.ended("default", "mail", completed()).await
    }

    async fn order(&self, kind: OrderKind) -> Result<(), WebhookError> {
        self.client.order_webhook(&tenant(), &name(), kind).await
    }
}

fn completed() -> Outcome {
    Outcome::Completed(Json::trusted(r#"{"sum":7}"#))
}

fn failed() -> Outcome {
    Outcome::Failed(RunError::new(Blame::Guest, "broken", "it does not work"))
}

fn id(run: &Run) -> String {
    format!("{}.{}", run.id, run.lease)
}

#[tokio::test]
async fn what_ends_is_told_once_and_signed() {
    let mut place = Place::new().await;
    let secret = place.webhook().await.secret;
    let good = place.completed().await;
    let bad = place.ended("default", "mail", failed()).await;
    place.rounds().await;
    let got = place.got();
    assert_eq!(got.len(), 2);
    for message in &got {
        assert_eq!(message.signature, secret.sign(&message.id, message.seconds, &message.body));
        assert!(!message.body.contains("private") && !message.body.contains("sum"));
    }
    assert_eq!((&got[0].id, &got[1].id), (&id(&good), &id(&bad)));
    let body: Value = serde_json::from_str(&got[1].body).expect("JSON");
    assert_eq!(
        (&body["type"], &body["data"]["run"]),
        (&"run.failed".into(), &bad.id.to_string().into())
    );
    assert_eq!(body["data"]["error"]["message"], "it does not work");
    place.rounds().await;
    assert!(place.got().is_empty());
    let progress = place.progress().await;
    assert_eq!((progress.totals.delivered, progress.totals.failed), (2, 0));
    assert_eq!(progress.deliveries[1].status, Some(204));
}

#[tokio::test]
async fn only_what_it_asks_for_is_told() {
    let mut new = new_webhook();
    new.events = vec![WebhookEvent::Failed];
    new.job = Some("mail.*".parse().expect("a pattern"));
    let mut place = Place::with(new).await;
    place.ended("default", "mail.send", completed()).await;
    place.ended("default", "fax", failed()).await;
    place.ended("acme", "mail.send", failed()).await;
    let wanted = place.ended("default", "mail.send", failed()).await;
    place.rounds().await;
    assert_eq!(place.ids(), [id(&wanted)]);
}

#[tokio::test]
async fn an_output_is_sent_where_it_was_asked_for() {
    let mut place = Place::with(NewWebhook { with_output: true, ..new_webhook() }).await;
    place.completed().await;
    let long = Json::of(&"x".repeat(70_000)).expect("JSON");
    place.ended("default", "mail", Outcome::Completed(long)).await;
    place.rounds().await;
    let bodies: Vec<Value> =
        place.got().iter().map(|it| serde_json::from_str(&it.body).expect("JSON")).collect();
    assert_eq!(bodies[0]["data"]["output"]["sum"], 7);
    assert_eq!(bodies[1]["data"]["output_omitted_bytes"], 70_002);
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_later_with_the_same_id() {
    let mut place = Place::new().await;
    let run = place.completed().await;
    place.answer([500, 302]);
    place.rounds().await;
    assert_eq!(place.ids(), [id(&run)]);
    place.clock.advance(seconds(4));
    place.rounds().await;
    assert!(place.got().is_empty(), "not before its time");
    place.clock.advance(seconds(2));
    place.rounds().await;
    assert_eq!(place.ids(), [id(&run)]);
    place.another_host_goes_on();
    place.clock.advance(seconds(12));
    place.rounds().await;
    assert_eq!(place.ids(), [id(&run)], "a redirect is not followed, and not taken for an answer");
    let progress = place.progress().await;
    assert_eq!((progress.totals.delivered, progress.totals.failed), (1, 2));
    let attempts: Vec<u32> = progress.deliveries.iter().map(|it| it.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test]
async fn a_host_that_dies_before_it_saved_lets_the_message_be_sent_again() {
    let mut place = Place::new().await;
    place.rounds().await;
    let run = place.completed().await;
    let storage = Arc::clone(place.client.storage());
    let key = super::keep::progress_key(&tenant(), &name());
    let document = async || storage.document(&key).await.expect("read").expect("there");
    let before = document().await;
    place.rounds().await;
    let first = place.got();
    // As if it had died between the answer and the write.
    let unsaved = Document { body: before.body, ..document().await };
    storage.put_documents(&[unsaved]).await.expect("put back");
    place.another_host_goes_on();
    place.rounds().await;
    let second = place.got();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!((&first[0].id, &first[0].body), (&second[0].id, &second[0].body));
    assert_eq!(first[0].id, id(&run));
}

#[tokio::test]
async fn another_host_that_goes_on_tells_nothing_twice() {
    let mut place = Place::new().await;
    for _ in 0..40 {
        place.completed().await;
    }
    place.rounds().await;
    assert_eq!(place.got().len(), 40);
    place.another_host_goes_on();
    place.rounds().await;
    assert!(place.got().is_empty());
}

#[tokio::test]
async fn of_two_that_follow_one_goes_on() {
    let mut place = Place::new().await;
    place.rounds().await;
    let mut other = Place::a_follower(&place.client, &place.receiver);
    let webhook = place.webhook().await;
    other.run_once(&webhook).await.expect("answered");
    place.completed().await;
    other.run_once(&webhook).await.expect("answered");
    assert_eq!(place.got().len(), 1);
    // The first one finds that the other has written, reads that, and goes on from there.
    place.rounds().await;
    place.rounds().await;
    let repeated = place.got().len();
    assert!(repeated <= 1, "{repeated}");
    place.rounds().await;
    assert!(place.got().is_empty());
    assert_eq!(place.progress().await.totals.delivered, 1);
}

#[tokio::test]
async fn a_result_that_is_written_late_is_told_all_the_same() {
    let mut place = Place::new().await;
    let late = place.running("default", "mail").await;
    let ended_at = place.client.storage().now().await.expect("now");
    place.clock.advance(seconds(1));
    let quick = place.completed().await;
    place.rounds().await;
    assert_eq!(place.ids(), [id(&quick)]);
    place.clock.advance(seconds(60));
    place.end_at(&late, completed(), ended_at).await;
    place.rounds().await;
    assert!(place.got().is_empty(), "it stands before what was seen");
    place.clock.advance(LATE_MAX);
    place.rounds().await;
    assert_eq!(place.ids(), [id(&late)], "and the other one not again");
    place.clock.advance(LOOK_AGAIN_EVERY);
    place.another_host_goes_on();
    place.rounds().await;
    assert!(place.got().is_empty());
    assert!(place.progress().await.settled_at() > ended_at, "it is settled");
}

#[tokio::test]
async fn nothing_is_settled_until_the_storage_has_answered_for_long_enough() {
    let mut place = Place::new().await;
    place.completed().await;
    place.rounds().await;
    let before = place.progress().await.settled_at();
    // Nobody followed for an hour; a host that was cut off as well may only now write its results.
    place.clock.advance(seconds(3_600));
    place.another_host_goes_on();
    place.rounds().await;
    place.clock.advance(LATE_MAX - seconds(1));
    place.rounds().await;
    assert_eq!(place.progress().await.settled_at(), before);
    place.clock.advance(seconds(1));
    place.rounds().await;
    assert!(place.progress().await.settled_at() > before);
}

#[tokio::test]
async fn a_target_that_keeps_failing_is_left_alone_and_nothing_is_lost() {
    let mut place = Place::new().await;
    *place.receiver.otherwise.lock() = Some(503);
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(id(&place.completed().await));
        place.rounds().await;
    }
    assert_eq!(place.ids(), all[..5], "five failures in a row are enough");
    place.clock.advance(seconds(9));
    place.rounds().await;
    assert!(place.got().is_empty());
    place.clock.advance(seconds(4));
    place.rounds().await;
    assert_eq!(place.ids().len(), 1, "one message tries whether it takes some again");
    for _ in 0..200 {
        place.completed().await;
    }
    place.rounds().await;
    assert!(place.got().is_empty());
    *place.receiver.otherwise.lock() = None;
    let mut arrived = Vec::new();
    for _ in 0..30 {
        place.clock.advance(seconds(60));
        place.rounds().await;
        arrived.extend(place.ids());
    }
    arrived.sort();
    let count = arrived.len();
    arrived.dedup();
    assert_eq!((count, arrived.len()), (206, 206), "each arrives, and none twice");
}

#[tokio::test]
async fn a_message_is_given_up_after_its_last_attempt_and_others_go_on() {
    let mut place = Place::new().await;
    let poison = place.completed().await;
    let mut attempts = 0;
    for _ in 0..200 {
        let begins_with_poison = place.progress_if_any().await.is_none_or(|it| it.waiting() > 0);
        if !begins_with_poison {
            break;
        }
        *place.receiver.otherwise.lock() = Some(400);
        place.rounds().await;
        attempts += place.ids().len();
        // In between the target takes others, so that it is not left alone.
        *place.receiver.otherwise.lock() = None;
        let other = place.completed().await;
        place.rounds().await;
        assert_eq!(place.ids(), [id(&other)]);
        place.clock.advance(seconds(3_600));
    }
    assert_eq!(attempts, ATTEMPTS_MAX as usize);
    let progress = place.progress().await;
    assert_eq!((progress.totals.given_up, progress.waiting()), (1, 0));
    let last = progress.deliveries.iter().rfind(|it| it.id == id(&poison)).expect("kept");
    assert_eq!((last.outcome, last.attempt), (DeliveryOutcome::GivenUp, ATTEMPTS_MAX));
}

impl Place {
    async fn progress_if_any(&self) -> Option<Progress> {
        self.client.webhook(&tenant(), &name()).await.expect("it is there").progress
    }
}

#[tokio::test]
async fn while_too_many_wait_to_be_sent_again_new_ones_wait_too() {
    let mut place = Place::new().await;
    let mut all = Vec::new();
    for _ in 0..150 {
        all.push(id(&place.completed().await));
    }
    // Never so many failures in a row that the target is left alone.
    place.answer([500, 500, 500, 204].into_iter().cycle().take(200));
    place.rounds().await;
    let mut got = place.ids();
    assert!(got.len() < all.len(), "{}", got.len());
    assert_eq!(place.progress().await.waiting(), RETRIES_MAX);
    assert!(!place.round().await.is_zero(), "there is time to rest");
    place.receiver.answers.lock().clear();
    for _ in 0..20 {
        place.clock.advance(seconds(60));
        place.rounds().await;
    }
    got.extend(place.ids());
    got.sort();
    got.dedup();
    assert_eq!(got, all, "each has been sent");
    let progress = place.progress().await;
    assert_eq!((progress.waiting(), progress.totals.delivered), (0, 150));
}

#[tokio::test]
async fn a_run_that_ends_again_is_told_again() {
    let mut place = Place::new().await;
    let run = place.ended("default", "mail", failed()).await;
    place.rounds().await;
    let again = place.client.storage().requeue(run.id).await.expect("requeued");
    assert_eq!(again, RequeueResult::Requeued);
    let second = place.claim().await;
    let now = place.client.storage().now().await.expect("now");
    place.end_at(&second, completed(), now).await;
    place.rounds().await;
    assert_eq!(place.ids(), [id(&run), id(&second)]);
}

#[tokio::test]
async fn a_person_asks_for_a_test_a_run_or_a_span_once_more() {
    let mut place = Place::new().await;
    let mut all = Vec::new();
    for _ in 0..70 {
        all.push(place.completed().await);
    }
    place.rounds().await;
    place.got();
    place.order(OrderKind::Test).await.expect("ordered");
    place.order(OrderKind::Run(all[3].id)).await.expect("ordered");
    place.rounds().await;
    let got = place.got();
    assert!(got[0].id.starts_with("test.") && got[0].body.contains("webhook.test"));
    assert_eq!((got.len(), &got[1].id), (2, &id(&all[3])));
    let from = START.plus(Duration::from_millis(10));
    let before = START.plus(Duration::from_millis(60));
    place.order(OrderKind::Span { from, before }).await.expect("ordered");
    place.round().await;
    place.another_host_goes_on();
    place.rounds().await;
    let expected: Vec<String> = all[10..60].iter().map(id).collect();
    assert_eq!(place.ids(), expected, "in steps, and each once");
    place.another_host_goes_on();
    place.rounds().await;
    assert!(place.got().is_empty(), "an order is carried out once");
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused() {
    let mut place = Place::new().await;
    let running = place.running("default", "mail").await;
    let refused = place.order(OrderKind::Run(running.id)).await;
    assert!(matches!(refused, Err(WebhookError::NotEnded(_))), "{refused:?}");
    let span = OrderKind::Span { from: START, before: START };
    assert!(matches!(place.order(span).await, Err(WebhookError::EmptySpan)));
    for _ in 0..20 {
        place.order(OrderKind::Test).await.expect("ordered");
    }
    assert!(matches!(place.order(OrderKind::Test).await, Err(WebhookError::TooManyOrders)));
    place.rounds().await;
    place.order(OrderKind::Test).await.expect("there is room again");
}

#[tokio::test]
async fn what_ended_while_it_was_disabled_is_not_told() {
    let mut place = Place::new().await;
    let first = place.completed().await;
    place.rounds().await;
    let enable = async |place: &Place, enabled| {
        place.client.enable_webhook(&tenant(), &name(), enabled).await.expect("changed")
    };
    assert!(enable(&place, false).await && !enable(&place, false).await);
    place.completed().await;
    assert!(enable(&place, true).await);
    let last = place.completed().await;
    place.another_host_goes_on();
    place.rounds().await;
    assert_eq!(place.ids(), [id(&first), id(&last)]);
}

#[tokio::test]
async fn one_that_is_made_anew_begins_anew() {
    let mut place = Place::new().await;
    place.completed().await;
    place.rounds().await;
    let made = place.client.create_webhook(&tenant(), &name(), new_webhook()).await;
    assert!(matches!(made, Err(WebhookError::Exists(_))));
    place.client.remove_webhook(&tenant(), &name()).await.expect("removed");
    let gone = place.client.remove_webhook(&tenant(), &name()).await;
    assert!(matches!(gone, Err(WebhookError::NotFound(_))));
    place.clock.advance(seconds(1));
    place.client.create_webhook(&tenant(), &name(), new_webhook()).await.expect("made");
    place.got();
    place.another_host_goes_on();
    place.rounds().await;
    assert!(place.got().is_empty(), "what ended before is not its business");
    assert_eq!(place.progress().await.totals, Totals::default());
}

#[tokio::test]
async fn the_record_of_a_webhook_stays_within_a_document() {
    let mut place = Place::new().await;
    let run = place.completed().await;
    place.rounds().await;
    let mut progress = place.progress().await;
    let longest = "x".repeat(100);
    let ended = place.client.storage().run(run.id).await.expect("read").expect("there");
    let mut ending = zapjobs_storage::Ending::of(&ended).expect("ended");
    ending.tenant = TenantId::new(&longest).expect("a name");
    ending.job_type = JobType::new(&longest).expect("a name");
    ending.queue = QueueName::new(&longest).expect("a name");
    let mark = (ending.ended_at, ending.run, zapjobs_model::Lease(u32::MAX));
    progress.recent = vec![mark; RECENT_KEPT_MAX];
    let subject = Subject::Ending(ending);
    let retry = Retry { subject, attempts: 16, due_at: START };
    progress.retries = vec![retry; RETRIES_MAX];
    let mut delivery = progress.deliveries[0].clone();
    delivery.error = Some("\"".repeat(200));
    delivery.took_ms = 10_000;
    progress.deliveries = vec![delivery; LOG_MAX].into();
    let bytes = Json::of(&progress).expect("serialises").as_str().len();
    assert!(bytes < DOCUMENT_BYTES_MAX, "{bytes}");
}
