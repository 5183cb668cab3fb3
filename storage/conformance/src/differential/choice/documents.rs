//! What becomes of documents.

use zapjobs_model::{Document, DocumentKey};
use zapjobs_storage::{DocumentOwner, DocumentPageRequest};

use super::{Chooser, Operation, TENANTS};
use crate::Fixture;
use crate::builders::{document_key, document_name, json, tenant};

/// Kinds of documents.
pub(crate) const KINDS: [&str; 2] = ["calendar", "audit"];
/// Their names; how they sort is promised.
const NAMES: [&str; 5] = ["a", "a, b", "a-b", "B", "ü"];

impl Chooser {
    pub(super) async fn document(&mut self, reference: &Fixture) -> Operation {
        let key = self.document_key();
        match self.random.below(10) {
            0 => Operation::Document(key),
            1 => Operation::DeleteDocument(self.known_document(reference).await),
            2 if self.random.once_in(2) => {
                let name = document_name(self.random.one_of(&NAMES));
                Operation::DeleteDocumentsBefore(key.kind, name, self.limit())
            }
            2..5 => Operation::Documents(DocumentPageRequest {
                owner: match self.random.below(4) {
                    0 => DocumentOwner::Installation,
                    1 => DocumentOwner::Tenant(tenant(self.random.one_of(&TENANTS))),
                    _ => DocumentOwner::Any,
                },
                after: self.random.once_in(2).then(|| self.document_key().into()),
                newest_first: self.random.once_in(2),
                limit: self.limit(),
                kind: key.kind,
            }),
            _ => {
                let mut documents = Vec::new();
                for _ in 0..1 + self.random.below(4) {
                    documents.push(self.known_document(reference).await);
                }
                Operation::PutDocuments(documents)
            }
        }
    }

    /// Most often of the revision that is stored.
    async fn known_document(&mut self, reference: &Fixture) -> Document {
        let key = self.document_key();
        let stored = reference.storage.document(&key).await.expect("it is read");
        let revision = match self.random.once_in(6) {
            true => self.random.below(4),
            false => stored.map_or(0, |stored| stored.revision),
        };
        let body = json(self.random.one_of(&["null", "{\"n\":1.0}", "[\"ä\"]"]));
        Document { revision, ..Document::new(key, body) }
    }

    fn document_key(&mut self) -> DocumentKey {
        let owner = self.random.one_of(&["", TENANTS[0], TENANTS[1]]);
        document_key(self.random.one_of(&KINDS), owner, self.random.one_of(&NAMES))
    }
}
