//! Where operators are told of a directory's plugins, and where they give orders, from within a
//! host that serves it.
//!
//! **Invariant:** orders are given for plugins that hosts have a record of, one at a time; files
//! are read and written away from the async threads.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use zapjobs_model::{Digest, Limits, TenantId};
use zapjobs_storage::{Storage, StorageError};

use super::{
    OrderError, PluginId, PluginOptions, PluginOverview, ServedCode, VersionStore, blocking,
};

/// The plugins of a directory, for operators. Cloning shares it.
#[derive(Debug, Clone)]
pub struct PluginDesk {
    store: Arc<VersionStore>,
    limits: Limits,
    asks_for_signatures: bool,
    /// An order is read, changed and written.
    orders: Arc<Mutex<()>>,
}

/// What an operator wants. A text names a version by its digest or the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginOrder {
    /// Let a version serve: the one that waits unless another is named.
    Approve(Option<String>),
    /// Pin a version: the one before the present one unless another is named.
    RollBack(Option<String>),
    /// Let the file in the directory serve again.
    Unpin,
    /// Put code into service again that kept trapping.
    Reset,
}

/// Which plugins, by tenant and name.
#[derive(Debug, Clone)]
pub struct PluginPageRequest {
    /// Those of one tenant; of all where absent.
    pub tenant: Option<TenantId>,
    /// Those behind this one.
    pub after: Option<PluginId>,
    /// How many at most.
    pub limit: usize,
}

/// A page of plugins.
#[derive(Debug, Clone)]
pub struct PluginPage {
    /// By tenant and name.
    pub plugins: Vec<PluginOverview>,
    /// Where the next page begins.
    pub next: Option<PluginId>,
}

/// Why nothing is told, or no order taken.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// Hosts have no record of it.
    #[error("there is no plugin {} of the tenant {}", .0.name, .0.tenant)]
    Unknown(PluginId),
    /// The order makes no sense now, or cannot be written.
    #[error(transparent)]
    Order(OrderError),
    /// The records cannot be read.
    #[error("the records of plugins cannot be read: {0}")]
    Unreadable(io::Error),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}

impl PluginDesk {
    pub(super) fn new(store: Arc<VersionStore>, options: &PluginOptions) -> Self {
        Self {
            store,
            limits: options.limits,
            asks_for_signatures: !options.trusted_keys.is_empty(),
            orders: Arc::new(Mutex::new(())),
        }
    }

    /// What an attempt may use unless a manifest narrows it.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether only components with a signature that counts serve.
    pub const fn asks_for_signatures(&self) -> bool {
        self.asks_for_signatures
    }

    /// Bytes of the code that is kept under each of these digests, in their order.
    pub async fn kept_bytes(&self, digests: Vec<Digest>) -> Vec<Option<u64>> {
        let store = Arc::clone(&self.store);
        blocking(move || digests.into_iter().map(|digest| store.bytes(digest)).collect()).await
    }

    /// A page of plugins, those whose files are gone included as long as they are remembered.
    pub async fn plugins(
        &self,
        storage: &dyn Storage,
        request: PluginPageRequest,
    ) -> Result<PluginPage, DeskError> {
        let served = ServedCode::of(storage, request.tenant.as_ref()).await?;
        let store = Arc::clone(&self.store);
        let page = blocking(move || {
            let PluginPageRequest { tenant, after, limit } = request;
            let mut ids = store.plugins()?;
            ids.retain(|id| tenant.as_ref().is_none_or(|it| *it == id.tenant));
            ids.retain(|id| after.as_ref().is_none_or(|it| id > it));
            let has_more = ids.len() > limit;
            ids.truncate(limit);
            let next = ids.last().filter(|_| has_more).cloned();
            let plugins = ids.into_iter().map(|id| overview(&store, id, &served)).collect();
            Ok(PluginPage { plugins, next })
        });
        page.await.map_err(DeskError::Unreadable)
    }

    /// How a plugin stands.
    pub async fn plugin(
        &self,
        storage: &dyn Storage,
        id: PluginId,
    ) -> Result<PluginOverview, DeskError> {
        let served = ServedCode::of(storage, Some(&id.tenant)).await?;
        let store = Arc::clone(&self.store);
        blocking(move || match store.knows(&id) {
            true => Ok(overview(&store, id, &served)),
            false => Err(DeskError::Unknown(id)),
        })
        .await
    }

    /// Writes an order down for the hosts that watch the directory. Answers the version that it is
    /// about.
    pub async fn order(
        &self,
        id: PluginId,
        order: PluginOrder,
    ) -> Result<Option<Digest>, DeskError> {
        let (store, orders) = (Arc::clone(&self.store), Arc::clone(&self.orders));
        blocking(move || {
            let _one_at_a_time = orders.lock();
            if !store.knows(&id) {
                return Err(DeskError::Unknown(id));
            }
            store.obey(&id, order).map_err(DeskError::Order)
        })
        .await
    }
}

impl VersionStore {
    /// Writes an order down. Answers the version that it is about.
    pub fn obey(&self, id: &PluginId, order: PluginOrder) -> Result<Option<Digest>, OrderError> {
        let named =
            |text: Option<String>| text.map(|text| self.record(id).digest_of(&text)).transpose();
        match order {
            PluginOrder::Approve(text) => self.approve(id, named(text)?).map(Some),
            PluginOrder::RollBack(text) => self.roll_back(id, named(text)?).map(Some),
            PluginOrder::Unpin => self.unpin(id).map(Some),
            PluginOrder::Reset => self.reset(id).map(|()| None),
        }
    }
}

fn overview(store: &VersionStore, id: PluginId, served: &ServedCode) -> PluginOverview {
    let (record, orders) = (store.record(&id), store.orders(&id));
    PluginOverview::new(id, record, orders, served)
}
