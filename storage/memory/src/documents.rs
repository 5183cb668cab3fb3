//! Documents.

use std::collections::BTreeMap;

use async_trait::async_trait;
use zapjobs_model::{Document, DocumentKey, DocumentKind, DocumentName, Timestamp};
use zapjobs_storage::{
    DOCUMENTS_DELETED_MAX, DOCUMENTS_MAX, DocumentOwner, DocumentPage, DocumentPageRequest,
    DocumentPlace, Documents, Result, WriteResult, check_documents,
};

use crate::MemoryStorage;

/// Documents by key: by kind, then owner, then name.
#[derive(Default)]
pub(crate) struct DocumentTable(BTreeMap<DocumentKey, Document>);

impl DocumentTable {
    /// The revision that is stored; 0 where there is none.
    fn revision(&self, key: &DocumentKey) -> u64 {
        self.0.get(key).map_or(0, |row| row.revision)
    }

    fn put(&mut self, document: &Document, now: Timestamp) -> WriteResult {
        if self.revision(&document.key) != document.revision {
            return WriteResult::Conflict;
        }
        let revision = document.revision + 1;
        let row = Document { revision, updated_at: now, ..document.clone() };
        self.0.insert(row.key.clone(), row);
        WriteResult::Written
    }

    fn of_kind(&self, kind: &DocumentKind) -> impl DoubleEndedIterator<Item = &Document> {
        self.0.values().filter(move |row| row.key.kind == *kind)
    }

    fn page(&self, request: &DocumentPageRequest) -> DocumentPage {
        let limit = request.limit.min(DOCUMENTS_MAX);
        let wanted = |row: &&Document| {
            let is_owned = match &request.owner {
                DocumentOwner::Any => true,
                DocumentOwner::Installation => row.key.tenant.is_none(),
                DocumentOwner::Tenant(tenant) => row.key.tenant.as_ref() == Some(tenant),
            };
            let place = DocumentPlace::from(row.key.clone());
            let is_behind = request.after.as_ref().is_none_or(|after| match request.newest_first {
                true => place < *after,
                false => place > *after,
            });
            is_owned && is_behind
        };
        let rows = self.of_kind(&request.kind).filter(wanted);
        let documents: Vec<Document> = match request.newest_first {
            true => rows.rev().take(limit).cloned().collect(),
            false => rows.take(limit).cloned().collect(),
        };
        let is_full = limit > 0 && documents.len() == limit;
        let next = documents.last().filter(|_| is_full).map(|last| last.key.clone().into());
        DocumentPage { documents, next }
    }

    fn delete_before(&mut self, kind: &DocumentKind, name: &DocumentName, limit: usize) -> usize {
        let before = self.of_kind(kind).filter(|row| row.key.name < *name);
        let mut keys: Vec<DocumentKey> = before.map(|row| row.key.clone()).collect();
        keys.sort_by(|a, b| (&a.name, &a.tenant).cmp(&(&b.name, &b.tenant)));
        keys.truncate(limit);
        keys.iter().for_each(|key| {
            self.0.remove(key);
        });
        keys.len()
    }
}

#[async_trait]
impl Documents for MemoryStorage {
    async fn put_documents(&self, documents: &[Document]) -> Result<Vec<WriteResult>> {
        const OPERATION: &str = "store documents";
        check_documents(OPERATION, documents)?;
        self.work(OPERATION, |work| {
            let (table, now) = (&mut work.state.documents, work.now);
            Ok(documents.iter().map(|document| table.put(document, now)).collect())
        })
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<Document>> {
        self.work("read a document", |work| Ok(work.state.documents.0.get(key).cloned()))
    }

    async fn documents(&self, request: &DocumentPageRequest) -> Result<DocumentPage> {
        self.work("list documents", |work| Ok(work.state.documents.page(request)))
    }

    async fn delete_document(&self, key: &DocumentKey, revision: u64) -> Result<WriteResult> {
        self.work("delete a document", |work| {
            let table = &mut work.state.documents;
            if !table.0.contains_key(key) || table.revision(key) != revision {
                return Ok(WriteResult::Conflict);
            }
            table.0.remove(key);
            Ok(WriteResult::Written)
        })
    }

    async fn delete_documents_before(
        &self,
        kind: &DocumentKind,
        name: &DocumentName,
        limit: usize,
    ) -> Result<usize> {
        let limit = limit.min(DOCUMENTS_DELETED_MAX);
        self.work("delete old documents", |work| {
            Ok(work.state.documents.delete_before(kind, name, limit))
        })
    }
}
