//! Documents: small named records for whoever needs some.

use async_trait::async_trait;
use zapjobs_model::document::DOCUMENT_BYTES_MAX;
use zapjobs_model::{Document, DocumentKey, DocumentKind, DocumentName, TenantId};

use crate::{ErrorKind, Result, StorageError, WriteResult};

/// Documents in one batch, and in one answer at most: a longer batch is refused, and a greater
/// limit counts as that.
pub const DOCUMENTS_MAX: usize = 200;
/// Documents that one call of [`Documents::delete_documents_before`] deletes at most; a greater
/// limit counts as that.
pub const DOCUMENTS_DELETED_MAX: usize = 1_000;

/// Documents. A storage keeps them by their revisions, and reads no body.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Stores documents, each if the revision that it carries is the stored one's, or is 0 and
    /// none is stored. What is stored carries the next revision, and the store's now as
    /// `updated_at`. Durable before it returns. Answers stand in the order of the batch. A batch
    /// of more than [`DOCUMENTS_MAX`], or with a body of more than
    /// [`zapjobs_model::document::DOCUMENT_BYTES_MAX`], is refused as `InvalidRequest`.
    ///
    /// *Atomicity:* each by itself, as if one after the other; all made durable together.
    /// *On conflict:* a document that was written meanwhile is left as it is and answered
    /// [`WriteResult::Conflict`].
    async fn put_documents(&self, documents: &[Document]) -> Result<Vec<WriteResult>>;

    /// The document with this key, if there is one.
    ///
    /// *Cost:* one look-up, so that it may stand before each request of a kind.
    async fn document(&self, key: &DocumentKey) -> Result<Option<Document>>;

    /// Documents of a kind in the order of owner, then name, by bytes; the installation comes
    /// before all tenants. `newest_first` turns the order round: where names are times, such as
    /// UUIDs of version 7, it is that of time for one owner. One that cannot be read is passed
    /// over and told in the host's own log.
    ///
    /// *Cost:* grows with what is answered, not with the number of documents.
    async fn documents(&self, request: &DocumentPageRequest) -> Result<DocumentPage>;

    /// Deletes a document of this revision. One that is not there is answered
    /// [`WriteResult::Conflict`] too.
    async fn delete_document(&self, key: &DocumentKey, revision: u64) -> Result<WriteResult>;

    /// Deletes documents of a kind, whosever they are, whose names sort before this one by
    /// bytes; those with the least names first, at most `limit`, up to
    /// [`DOCUMENTS_DELETED_MAX`]. Answers how many went: fewer than the limit where no more are
    /// left. For records whose names are times and that are kept for a time.
    ///
    /// *Cost:* grows with what is deleted, not with the number of documents or tenants.
    async fn delete_documents_before(
        &self,
        kind: &DocumentKind,
        name: &DocumentName,
        limit: usize,
    ) -> Result<usize>;
}

/// Whose documents are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DocumentOwner {
    /// Everybody's.
    #[default]
    Any,
    /// Those that are no tenant's.
    Installation,
    /// This tenant's.
    Tenant(TenantId),
}

/// A place among the documents of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DocumentPlace {
    /// Whose document stands there; the installation's where absent.
    pub tenant: Option<TenantId>,
    /// Its name.
    pub name: DocumentName,
}

impl From<DocumentKey> for DocumentPlace {
    fn from(key: DocumentKey) -> Self {
        Self { tenant: key.tenant, name: key.name }
    }
}

/// Which documents to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentPageRequest {
    /// Of this kind.
    pub kind: DocumentKind,
    /// Whose.
    pub owner: DocumentOwner,
    /// Only those behind this place, in the order that is asked for.
    pub after: Option<DocumentPlace>,
    /// Whether the greatest come first.
    pub newest_first: bool,
    /// How many at most, up to [`DOCUMENTS_MAX`].
    pub limit: usize,
}

impl DocumentPageRequest {
    /// The first of all documents of a kind of one owner, in order.
    pub const fn of(kind: DocumentKind, owner: DocumentOwner) -> Self {
        Self { kind, owner, after: None, newest_first: false, limit: DOCUMENTS_MAX }
    }
}

/// Some documents, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocumentPage {
    /// The documents.
    pub documents: Vec<Document>,
    /// Ask for those behind it; absent at the end.
    pub next: Option<DocumentPlace>,
}

/// Where the documents of a request lie: between two pairs of tenant and name, without them. The
/// installation's tenant is empty here, and so is a name that stands before all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRange {
    /// Before the first.
    pub from: [String; 2],
    /// Behind the last.
    pub to: [String; 2],
}

impl DocumentPageRequest {
    /// Where what is asked for lies; `None` where there can be nothing.
    pub fn range(&self) -> Option<DocumentRange> {
        // The least that a tenant's name may go on with is a hyphen; all names are ASCII.
        let (first, last) = match &self.owner {
            DocumentOwner::Any => (String::new(), "\u{7f}".to_owned()),
            DocumentOwner::Installation => (String::new(), "-".to_owned()),
            DocumentOwner::Tenant(tenant) => (tenant.to_string(), format!("{tenant}-")),
        };
        let [mut from, mut to] = [[first, String::new()], [last, String::new()]];
        if let Some(DocumentPlace { tenant, name }) = &self.after {
            let tenant = tenant.as_ref().map_or("", TenantId::as_str);
            let place = [tenant.to_owned(), name.to_string()];
            if self.newest_first {
                to = to.min(place);
            } else {
                from = from.max(place);
            }
        }
        (from < to).then_some(DocumentRange { from, to })
    }
}

/// Refuses a batch that is too long, and one with a body that is.
pub fn check_documents(operation: &'static str, documents: &[Document]) -> Result<()> {
    let refuse =
        |message: String| Err(StorageError::new(ErrorKind::InvalidRequest, operation, message));
    if documents.len() > DOCUMENTS_MAX {
        let count = documents.len();
        return refuse(format!("{count} documents in one batch: use at most {DOCUMENTS_MAX}"));
    }
    for Document { key, body, .. } in documents {
        let bytes = body.as_str().len();
        if bytes > DOCUMENT_BYTES_MAX {
            return refuse(format!("{key} has {bytes} bytes: use at most {DOCUMENT_BYTES_MAX}"));
        }
    }
    Ok(())
}
