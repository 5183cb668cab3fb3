//! Small named records that are kept for whoever needs some: calendars, templates, tokens.
//!
//! **Invariant:** a document is written over the revision that it was decided on, and what it
//! says is the business of whoever keeps it: a storage reads no body.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DocumentKind, DocumentName, Json, TenantId, Timestamp};

/// Bytes of one document's body at most: 256 KiB.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 10;

/// Names a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentKey {
    /// What it is for.
    pub kind: DocumentKind,
    /// Whose it is; the installation's where absent.
    pub tenant: Option<TenantId>,
    /// What it is called, among those of its kind and owner.
    pub name: DocumentName,
}

impl fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            Some(tenant) => write!(f, "{} {tenant}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its name.
    pub key: DocumentKey,
    /// Rises with each write; 0 of one that is not stored yet.
    pub revision: u64,
    /// What it says, up to [`DOCUMENT_BYTES_MAX`].
    pub body: Json,
    /// When it was written, by the store's clock.
    pub updated_at: Timestamp,
}

impl Document {
    /// A document that is to be stored where none is.
    pub fn new(key: DocumentKey, body: Json) -> Self {
        Self { key, revision: 0, body, updated_at: Timestamp::from_micros(0) }
    }
}
