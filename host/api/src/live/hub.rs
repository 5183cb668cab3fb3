//! One ring of what happened, fed by one subscription to the storage.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use zapjobs_model::{JobEvent, RunId, TenantId};
use zapjobs_storage::{Notice, Storage};

use crate::access::Caller;

/// Events kept for those who come back, in all.
pub(crate) const EVENTS_KEPT: usize = 4_096;
/// Events that one write to a client holds at most.
const EVENTS_PER_WRITE: usize = 64;
/// Clients that follow at a time at most.
pub(crate) const CLIENTS_MAX: usize = 2_000;

/// The ring, and who waits for more of it.
pub(crate) struct Hub {
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
    /// Tells this process's numbers from those of another.
    epoch: u32,
    is_fed: AtomicBool,
    clients: Arc<Semaphore>,
}

struct Ring {
    /// The number of the first event kept.
    first: u64,
    kept: VecDeque<Told>,
}

/// An event as it is written, once for all clients.
struct Told {
    /// Whose; `None` for what concerns everybody.
    tenant: Option<TenantId>,
    run: Option<RunId>,
    text: Arc<str>,
}

/// A place in the ring: everything before this number has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) u64);

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            ring: Mutex::new(Ring { first: 1, kept: VecDeque::new() }),
            newest: watch::Sender::new(0),
            epoch: rand::random(),
            is_fed: AtomicBool::new(false),
            clients: Arc::new(Semaphore::new(CLIENTS_MAX)),
        }
    }

    /// Clients there may still be.
    pub(crate) fn clients(&self) -> &Arc<Semaphore> {
        &self.clients
    }

    /// Begins to listen to the storage where nobody did before.
    pub(crate) fn feed(self: &Arc<Self>, storage: &Arc<dyn Storage>) {
        if self.is_fed.swap(true, Ordering::AcqRel) {
            return;
        }
        let (hub, mut notices) = (Arc::downgrade(self), storage.subscribe());
        tokio::spawn(async move {
            while let Some(notice) = notices.next().await {
                let Some(hub) = Weak::upgrade(&hub) else { return };
                match notice {
                    Notice::Events(events) => hub.tell(events.iter().map(told)),
                    Notice::Resync => hub.tell(std::iter::once(resync())),
                    _ => {}
                }
            }
        });
    }

    /// Where a client begins that was last told the event with this id; at the end without one.
    /// An id that this process did not give is that of an event long gone.
    pub(crate) fn place(&self, last: Option<&str>) -> Place {
        let Some(last) = last else { return Place(*self.newest.borrow() + 1) };
        let own = last.split_once('-').filter(|(epoch, _)| *epoch == format!("{:08x}", self.epoch));
        let number = own.and_then(|(_, number)| number.parse::<u64>().ok());
        Place(number.filter(|it| *it <= *self.newest.borrow()).map_or(0, |it| it + 1))
    }

    /// Who waits for more.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// What the caller may see of what happened from a place on, as it is written, and the place
    /// behind it. A `resync` where some of it is gone.
    pub(crate) fn after(&self, place: Place, caller: &Caller) -> (String, Place) {
        let ring = self.ring.lock();
        let end = ring.first + ring.kept.len() as u64;
        if place.0 < ring.first {
            let id = format!("id: {:08x}-{}\n", self.epoch, end - 1);
            return (format!("{id}event: resync\ndata: {{}}\n\n"), Place(end));
        }
        let (mut text, mut count, mut at) = (String::new(), 0, place.0);
        while at < end && count < EVENTS_PER_WRITE {
            let told = &ring.kept[usize::try_from(at - ring.first).expect("within the ring")];
            if told.tenant.as_ref().is_none_or(|tenant| caller.views(tenant)) {
                text.push_str(&format!("id: {:08x}-{at}\n{}", self.epoch, told.text));
                count += 1;
            }
            at += 1;
        }
        (text, Place(at))
    }

    /// Whether something happened to a run from a place on, or may have, and the place behind it.
    pub(crate) fn concerns(&self, place: Place, run: RunId) -> (bool, Place) {
        let ring = self.ring.lock();
        let end = Place(ring.first + ring.kept.len() as u64);
        if place.0 < ring.first {
            return (true, end);
        }
        let from = usize::try_from(place.0 - ring.first).unwrap_or(usize::MAX);
        let concerned =
            ring.kept.iter().skip(from).any(|told| told.run.is_none_or(|other| other == run));
        (concerned, end)
    }

    fn tell(&self, all: impl Iterator<Item = Told>) {
        let newest = {
            let mut ring = self.ring.lock();
            for told in all {
                if ring.kept.len() == EVENTS_KEPT {
                    ring.kept.pop_front();
                    ring.first += 1;
                }
                ring.kept.push_back(told);
            }
            ring.first + ring.kept.len() as u64 - 1
        };
        self.newest.send_replace(newest);
    }
}

fn told(event: &JobEvent) -> Told {
    let data = serde_json::to_string(event).expect("events serialise");
    Told {
        tenant: Some(event.tenant.clone()),
        run: Some(event.run),
        text: format!("event: run\ndata: {data}\n\n").into(),
    }
}

fn resync() -> Told {
    Told { tenant: None, run: None, text: "event: resync\ndata: {}\n\n".into() }
}

#[cfg(test)]
mod tests {
    use zapjobs_model::{EventKind, JobType, QueueName, Timestamp};

    use super::*;

    fn event(tenant: &str) -> JobEvent {
        JobEvent {
            at: Timestamp::from_micros(0),
            tenant: TenantId::new(tenant).expect("a tenant"),
            run: RunId(uuid::Uuid::from_u128(1)),
            job_type: JobType::new("greet").expect("a job"),
            queue: QueueName::standard(),
            kind: EventKind::Started,
        }
    }

    fn tell(hub: &Hub, tenant: &str, count: usize) {
        hub.tell((0..count).map(|_| told(&event(tenant))));
    }

    #[test]
    fn a_client_that_comes_back_goes_on_where_it_was() {
        let (hub, caller) = (Hub::new(), Caller::anyone());
        let begin = hub.place(None);
        tell(&hub, "acme", 3);
        let (text, end) = hub.after(begin, &caller);
        assert_eq!((text.matches("event: run").count(), end), (3, Place(4)));
        let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
        let (rest, _) = hub.after(hub.place(Some(ids[1])), &caller);
        assert_eq!(rest.matches("event: run").count(), 1);
        assert_eq!(hub.after(hub.place(Some(ids[2])), &caller), (String::new(), Place(4)));
    }

    #[test]
    fn what_is_gone_is_told_as_one_resync() {
        let (hub, caller) = (Hub::new(), Caller::anyone());
        let begin = hub.place(None);
        tell(&hub, "acme", EVENTS_KEPT + 1);
        let (text, end) = hub.after(begin, &caller);
        assert!(text.contains("event: resync") && !text.contains("event: run"), "{text}");
        assert_eq!(hub.after(end, &caller).0, "");
        for odd in ["", "x", "00000000-1", &format!("{:08x}-999999", hub.epoch)] {
            let (text, _) = hub.after(hub.place(Some(odd)), &caller);
            assert!(text.contains("event: resync"), "{odd}");
        }
    }

    #[test]
    fn others_are_not_told() {
        let hub = Hub::new();
        let own = TenantId::new("own").expect("a tenant");
        let caller = Caller::new("t", "t", crate::access::Scope::Read, Some(own));
        let begin = hub.place(None);
        tell(&hub, "other", 1);
        assert_eq!(hub.after(begin, &caller), (String::new(), Place(2)));
        tell(&hub, "own", 1);
        assert!(hub.after(begin, &caller).0.contains("own"));
    }

    #[test]
    fn one_write_is_bounded() {
        let (hub, caller) = (Hub::new(), Caller::anyone());
        let begin = hub.place(None);
        tell(&hub, "acme", EVENTS_PER_WRITE * 2 + 1);
        let (text, place) = hub.after(begin, &caller);
        assert_eq!(text.matches("event: run").count(), EVENTS_PER_WRITE);
        assert_eq!(place, Place(EVENTS_PER_WRITE as u64 + 1));
    }
}
