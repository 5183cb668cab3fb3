//! How a plugin stands, from what hosts and operators wrote down of it.
//!
//! **Invariant:** no component is read for it. What serves is what the storage says; what waits,
//! and why, is what a host noted.

use std::collections::HashMap;

use zapjobs_model::{Digest, JobType, TenantId, Timestamp};
use zapjobs_storage::{Storage, StorageError};

use super::{Orders, PluginId, PluginRecord};
use crate::breaker::lease_name;

/// How a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It serves.
    Serving,
    /// It serves the version that an operator pinned.
    Pinned,
    /// Its file waits for approval. The version before may serve.
    Held,
    /// Its file is not taken. The version before may serve.
    Refused,
    /// Nothing serves it, and nobody noted why.
    Unserved,
    /// Its runs kept trapping.
    OutOfService,
    /// Its file is gone.
    Retired,
}

impl Standing {
    /// Every way to stand.
    pub const ALL: [Self; 7] = [
        Self::Serving,
        Self::Pinned,
        Self::Held,
        Self::Refused,
        Self::Unserved,
        Self::OutOfService,
        Self::Retired,
    ];

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Pinned => "pinned",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Unserved => "unserved",
            Self::OutOfService => "out-of-service",
            Self::Retired => "retired",
        }
    }
}

/// A plugin as it stands.
#[derive(Debug, Clone)]
pub struct PluginOverview {
    /// Which.
    pub id: PluginId,
    /// How it stands.
    pub standing: Standing,
    /// Why it, or its file, does not serve.
    pub reason: Option<String>,
    /// The code that serves.
    pub serving: Option<Digest>,
    /// The job types that it serves.
    pub jobs: Vec<JobType>,
    /// Until when it is out of service.
    pub out_of_service_until: Option<Timestamp>,
    /// What hosts remember of it.
    pub record: PluginRecord,
    /// What operators ordered.
    pub orders: Orders,
}

impl PluginOverview {
    /// What the notes and the storage say together.
    pub fn new(id: PluginId, record: PluginRecord, orders: Orders, served: &ServedCode) -> Self {
        let is_served = |digest: &Digest| served.jobs(&id.tenant, *digest).is_some();
        let candidates = [orders.pinned, record.current];
        let serving = candidates.into_iter().flatten().find(is_served);
        let jobs = serving.and_then(|it| served.jobs(&id.tenant, it)).unwrap_or_default().to_vec();
        let until = serving.and_then(|it| served.out_of_service_until(&id.tenant, it));
        let (standing, reason) = stands(&record, &orders, serving, until);
        Self { standing, reason, serving, jobs, out_of_service_until: until, id, record, orders }
    }
}

fn stands(
    record: &PluginRecord,
    orders: &Orders,
    serving: Option<Digest>,
    out_of_service_until: Option<Timestamp>,
) -> (Standing, Option<String>) {
    if record.retired_at.is_some() {
        return (Standing::Retired, None);
    }
    if let Some(until) = out_of_service_until {
        let reason = format!("its runs kept trapping: out of service until {until}");
        return (Standing::OutOfService, Some(reason));
    }
    if serving.is_some() && serving == orders.pinned {
        return (Standing::Pinned, None);
    }
    match (&record.turned_down, serving) {
        (Some(noted), _) if noted.held => (Standing::Held, Some(noted.reason.clone())),
        (Some(noted), _) => (Standing::Refused, Some(noted.reason.clone())),
        (None, Some(_)) => (Standing::Serving, None),
        (None, None) => {
            let reason = "no host serves it: either none has looked since, or another file \
                          provides its jobs";
            (Standing::Unserved, Some(reason.to_owned()))
        }
    }
}

/// What the storage says is served, by tenant and code.
#[derive(Debug, Clone, Default)]
pub struct ServedCode {
    jobs: HashMap<(TenantId, Digest), Vec<JobType>>,
    out_of_service: HashMap<(TenantId, Digest), Timestamp>,
}

impl ServedCode {
    /// What is served of one tenant, or of all.
    ///
    /// *Cost:* one query for the definitions, and one for each of them that is served.
    pub async fn of(
        storage: &dyn Storage,
        tenant: Option<&TenantId>,
    ) -> Result<Self, StorageError> {
        let mut served = Self::default();
        for definition in storage.definitions(tenant).await? {
            let (key, Some(digest)) = (definition.key, definition.digest) else { continue };
            let code = (key.tenant.clone(), digest);
            if let Some(lease) = storage.named_lease(&lease_name(&key, digest)).await? {
                served.out_of_service.insert(code.clone(), lease.expires_at);
            }
            served.jobs.entry(code).or_default().push(key.job_type);
        }
        Ok(served)
    }

    /// The job types that this code serves, if it serves any.
    pub fn jobs(&self, tenant: &TenantId, digest: Digest) -> Option<&[JobType]> {
        self.jobs.get(&(tenant.clone(), digest)).map(Vec::as_slice)
    }

    /// Until when this code is out of service, if it is.
    pub fn out_of_service_until(&self, tenant: &TenantId, digest: Digest) -> Option<Timestamp> {
        self.out_of_service.get(&(tenant.clone(), digest)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::TurnedDown;
    use super::*;

    const LATER: Timestamp = Timestamp::from_micros(7);

    fn of(record: &PluginRecord, pinned: u8, serving: u8, until: Option<Timestamp>) -> Standing {
        let digest = |number| (number != 0).then(|| Digest::of(&[number]));
        let orders = Orders { pinned: digest(pinned), ..Orders::default() };
        stands(record, &orders, digest(serving), until).0
    }

    #[test]
    fn what_an_operator_must_do_something_about_is_told_first() {
        let turned_down = |held| TurnedDown {
            digest: None,
            reason: "why".to_owned(),
            held,
            wants_more: Vec::new(),
        };
        let plain = PluginRecord::default();
        let held = PluginRecord { turned_down: Some(turned_down(true)), ..plain.clone() };
        let refused = PluginRecord { turned_down: Some(turned_down(false)), ..plain.clone() };
        let retired = PluginRecord { retired_at: Some(LATER), ..held.clone() };
        assert_eq!(of(&plain, 0, 1, None), Standing::Serving);
        assert_eq!(of(&plain, 1, 1, None), Standing::Pinned);
        assert_eq!(of(&plain, 2, 1, None), Standing::Serving, "what is pinned does not serve yet");
        assert_eq!(of(&plain, 0, 0, None), Standing::Unserved);
        assert_eq!(of(&held, 0, 1, None), Standing::Held);
        assert_eq!(of(&refused, 0, 1, None), Standing::Refused);
        assert_eq!(of(&held, 1, 1, None), Standing::Pinned, "the file is not asked for");
        assert_eq!(of(&held, 1, 1, Some(LATER)), Standing::OutOfService);
        assert_eq!(of(&retired, 0, 0, None), Standing::Retired);
    }
}
