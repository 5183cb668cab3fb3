//! Documents that keep a value of ours: read, written and listed.
//!
//! **Invariant:** a person's order wins: it is written over whatever is stored, and a document is
//! deleted only as it was looked at.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zapjobs_model::{Document, DocumentKey, DocumentKind, DocumentName, Json, TenantId};
use zapjobs_storage::{
    DocumentOwner, DocumentPageRequest, ErrorKind, Result, Storage, StorageError, WriteResult,
};

/// How often a write is tried anew because another came in between.
pub(crate) const TRIES_MAX: usize = 20;

/// A document's value, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept<T> {
    pub(crate) value: T,
    pub(crate) document: Document,
}

/// The key of a tenant's document whose name keeps to stricter rules than a document's.
pub(crate) fn key(kind: &'static str, tenant: &TenantId, name: &str) -> DocumentKey {
    DocumentKey {
        kind: DocumentKind::new(kind).expect("a kind that this crate names is a good one"),
        tenant: Some(tenant.clone()),
        name: DocumentName::new(name).expect("the name was checked by stricter rules"),
    }
}

/// What the body of a document says.
pub(crate) fn value<T: DeserializeOwned>(document: &Document) -> Result<T> {
    serde_json::from_str(document.body.as_str()).map_err(|error| {
        let message = format!("the {} cannot be used: {error}: put it anew", document.key);
        StorageError::new(ErrorKind::Corrupt, "read a document", message)
    })
}

pub(crate) async fn read<T: DeserializeOwned>(
    storage: &dyn Storage,
    key: &DocumentKey,
) -> Result<Option<Kept<T>>> {
    let Some(document) = storage.document(key).await? else { return Ok(None) };
    Ok(Some(Kept { value: value(&document)?, document }))
}

/// All values of a kind and tenant, by name. One that cannot be used is passed over and told in
/// the log.
pub(crate) async fn all<T: DeserializeOwned>(
    storage: &dyn Storage,
    kind: &'static str,
    tenant: &TenantId,
) -> Result<Vec<Kept<T>>> {
    let kind = DocumentKind::new(kind).expect("a kind that this crate names is a good one");
    let mut request = DocumentPageRequest::of(kind, DocumentOwner::Tenant(tenant.clone()));
    let mut all = Vec::new();
    loop {
        let page = storage.documents(&request).await?;
        for document in page.documents {
            match value(&document) {
                Ok(value) => all.push(Kept { value, document }),
                Err(error) => tracing::error!(%error, "passed over a document"),
            }
        }
        request.after = page.next;
        if request.after.is_none() {
            return Ok(all);
        }
    }
}

/// Writes a value over what is stored. Answers its revision.
pub(crate) async fn write(
    storage: &dyn Storage,
    key: &DocumentKey,
    value: &impl Serialize,
) -> Result<u64> {
    let body = Json::of(value).expect("values that are kept serialise");
    for _ in 0..TRIES_MAX {
        let revision = storage.document(key).await?.map_or(0, |stored| stored.revision);
        let document = Document { revision, ..Document::new(key.clone(), body.clone()) };
        if storage.put_documents(&[document]).await? == [WriteResult::Written] {
            return Ok(revision + 1);
        }
    }
    Err(contended("store a document", key))
}

/// Deletes a document of whatever revision. Answers whether there was one.
pub(crate) async fn delete(storage: &dyn Storage, key: &DocumentKey) -> Result<bool> {
    for _ in 0..TRIES_MAX {
        let Some(stored) = storage.document(key).await? else { return Ok(false) };
        if storage.delete_document(key, stored.revision).await? == WriteResult::Written {
            return Ok(true);
        }
    }
    Err(contended("delete a document", key))
}

/// Why a change was given up.
pub(crate) fn contended(operation: &'static str, key: &impl Display) -> StorageError {
    let message = format!("{key} was changed by others {TRIES_MAX} times meanwhile: try again");
    StorageError::new(ErrorKind::Conflict, operation, message)
}
