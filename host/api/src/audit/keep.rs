//! Records are kept as documents of the installation, named by UUIDs of version 7.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zapjobs_model::{Document, DocumentKey, DocumentKind, DocumentName, Json, TenantId, Timestamp};
use zapjobs_storage::{
    DOCUMENTS_DELETED_MAX, DocumentOwner, DocumentPage, DocumentPageRequest, DocumentPlace,
    Storage, StorageError,
};

/// How long records are kept: 90 days.
pub(crate) const KEPT: Duration = Duration::from_secs(90 * 24 * 3_600);
/// Bytes of a target that a record holds at most.
const TARGET_BYTES_MAX: usize = 500;

/// A change that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Entry {
    /// Names the record.
    #[schema(value_type = String)]
    pub(crate) id: Uuid,
    /// When it was asked for.
    #[schema(value_type = String)]
    pub(crate) at: Timestamp,
    /// The token's id.
    pub(crate) token: String,
    /// What the token was called.
    pub(crate) token_name: String,
    /// Whose things it was about; null for all.
    #[schema(value_type = Option<String>)]
    pub(crate) tenant: Option<TenantId>,
    /// What: a method and a route, such as `POST /api/v1/runs/{id}/cancel`.
    pub(crate) action: String,
    /// To which: the path of the request.
    pub(crate) target: String,
    /// What came of it: the status of the answer.
    pub(crate) status: u16,
}

/// The records of a storage.
#[derive(Clone)]
pub(crate) struct Audit {
    storage: Arc<dyn Storage>,
}

impl Audit {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Records a change. Where the storage fails, the host's own log has it.
    pub(crate) async fn record(&self, mut entry: Entry) {
        let end = entry.target.floor_char_boundary(TARGET_BYTES_MAX);
        entry.target.truncate(end);
        let body = Json::of(&entry).expect("texts and a number serialise");
        let document = Document::new(key(name(&entry.id)), body);
        if let Err(error) = self.storage.put_documents(&[document]).await {
            tracing::error!(
                "a change was not recorded: failed to {error}: {} {} by {} with {}",
                entry.action,
                entry.target,
                entry.token,
                entry.status
            );
        }
    }

    /// Records of all, the newest first.
    pub(crate) async fn page(
        &self,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<DocumentPage, StorageError> {
        let after = after.map(|id| DocumentPlace { tenant: None, name: name(&id) });
        let owner = DocumentOwner::Installation;
        let request = DocumentPageRequest {
            after,
            newest_first: true,
            limit,
            ..DocumentPageRequest::of(kind(), owner)
        };
        self.storage.documents(&request).await
    }

    /// Forgets records older than [`KEPT`]; answers how many.
    pub(crate) async fn prune(&self) -> Result<usize, StorageError> {
        let before = first_name_at(self.storage.now().await?.minus(KEPT));
        let mut gone = 0;
        loop {
            let some = DOCUMENTS_DELETED_MAX;
            let went = self.storage.delete_documents_before(&kind(), &before, some).await?;
            gone += went;
            if went < some {
                return Ok(gone);
            }
        }
    }
}

/// The least name of a record made at this instant.
fn first_name_at(instant: Timestamp) -> DocumentName {
    let millis = u64::try_from(instant.as_micros() / 1_000).unwrap_or_default();
    name(&Uuid::from_u64_pair(millis << 16, 0))
}

fn kind() -> DocumentKind {
    DocumentKind::new("audit").expect("a short word")
}

fn key(name: DocumentName) -> DocumentKey {
    DocumentKey { kind: kind(), tenant: None, name }
}

fn name(id: &Uuid) -> DocumentName {
    DocumentName::new(id.to_string()).expect("an id is plain")
}
