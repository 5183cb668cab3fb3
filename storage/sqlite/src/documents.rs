//! Documents: small named records.

use async_trait::async_trait;
use rusqlite::params;
use zapjobs_model::{Document, DocumentKey, DocumentKind, DocumentName, TenantId, Timestamp};
use zapjobs_storage::{
    DOCUMENTS_DELETED_MAX, DOCUMENTS_MAX, DocumentPage, DocumentPageRequest, DocumentRange,
    Documents, Result, WriteResult, check_documents,
};

use crate::SqliteStorage;
use crate::db::Db;
use crate::error::{DbError, DbResult};
use crate::row::Columns;
use crate::writer::WriteKind;

/// Bytes of a document beside its body, about.
const DOCUMENT_BYTES: usize = 100;

const INSERT: &str =
    "INSERT INTO {prefix}documents (kind, tenant, name, revision, updated_at, body)
    VALUES (?1, ?2, ?3, 1, ?4, ?5) ON CONFLICT (kind, tenant, name) DO NOTHING";
const UPDATE: &str = "UPDATE {prefix}documents
    SET revision = revision + 1, updated_at = ?4, body = ?5
    WHERE kind = ?1 AND tenant = ?2 AND name = ?3 AND revision = ?6";
const DELETE: &str = "DELETE FROM {prefix}documents
    WHERE kind = ?1 AND tenant = ?2 AND name = ?3 AND revision = ?4";
const ONE: &str = "SELECT tenant, name, revision, updated_at, body FROM {prefix}documents
    WHERE kind = ?1 AND tenant = ?2 AND name = ?3";
const PAGE: &str = "SELECT tenant, name, revision, updated_at, body FROM {prefix}documents
    WHERE kind = ?1 AND (tenant, name) > (?2, ?3) AND (tenant, name) < (?4, ?5)
    ORDER BY tenant, name LIMIT ?6";
const PAGE_BACK: &str = "SELECT tenant, name, revision, updated_at, body FROM {prefix}documents
    WHERE kind = ?1 AND (tenant, name) > (?2, ?3) AND (tenant, name) < (?4, ?5)
    ORDER BY tenant DESC, name DESC LIMIT ?6";
const OLDEST: &str = "SELECT tenant, name
    FROM {prefix}documents INDEXED BY {prefix}documents_by_name
    WHERE kind = ?1 AND name < ?2 ORDER BY name, tenant LIMIT ?3";
const DELETE_ANY: &str =
    "DELETE FROM {prefix}documents WHERE kind = ?1 AND tenant = ?2 AND name = ?3";

#[async_trait]
impl Documents for SqliteStorage {
    async fn put_documents(&self, documents: &[Document]) -> Result<Vec<WriteResult>> {
        const OPERATION: &str = "store documents";
        check_documents(OPERATION, documents)?;
        let bytes = documents.iter().map(|one| DOCUMENT_BYTES + one.body.as_str().len()).sum();
        let documents = documents.to_vec();
        self.write(WriteKind::new(OPERATION, bytes), move |tx| {
            documents.iter().map(|one| put(tx.db, one, tx.now)).collect()
        })
        .await
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<Document>> {
        let key = key.clone();
        self.read("read a document", move |db| {
            let mut statement = db.prepare(ONE)?;
            let mut rows = statement.query(stored_key(&key))?;
            let row = rows.next()?;
            row.map(|row| read(&key.kind, &mut Columns::new(row))).transpose()
        })
        .await
    }

    async fn documents(&self, request: &DocumentPageRequest) -> Result<DocumentPage> {
        const OPERATION: &str = "list documents";
        let limit = request.limit.min(DOCUMENTS_MAX);
        let Some(DocumentRange { from, to }) = request.range() else {
            return self.read(OPERATION, |_| Ok(DocumentPage::default())).await;
        };
        let sql = if request.newest_first { PAGE_BACK } else { PAGE };
        let kind = request.kind.clone();
        self.read(OPERATION, move |db| {
            let mut statement = db.prepare(sql)?;
            let given = params![kind.as_str(), from[0], from[1], to[0], to[1], limit as i64];
            let mut rows = statement.query(given)?;
            let (mut page, mut seen) = (DocumentPage::default(), 0);
            while let Some(row) = rows.next()? {
                let mut place = Columns::new(row);
                let key = read_key(&kind, &mut place)?;
                match read(&kind, &mut Columns::new(row)) {
                    Ok(document) => page.documents.push(document),
                    Err(error) if crate::quarantine::is_of_record(&error) => {
                        tracing::error!(?error, document = %key, "passed over an unreadable one");
                    }
                    Err(error) => return Err(error),
                }
                seen += 1;
                page.next = Some(key.into()).filter(|_| seen == limit);
            }
            Ok(page)
        })
        .await
    }

    async fn delete_document(&self, key: &DocumentKey, revision: u64) -> Result<WriteResult> {
        let key = key.clone();
        self.write(WriteKind::new("delete a document", 0), move |tx| {
            let [kind, tenant, name] = stored_key(&key);
            let given = params![kind, tenant, name, revision.cast_signed()];
            Ok(written(tx.db.prepare(DELETE)?.execute(given)?))
        })
        .await
    }

    async fn delete_documents_before(
        &self,
        kind: &DocumentKind,
        name: &DocumentName,
        limit: usize,
    ) -> Result<usize> {
        let (kind, name) = (kind.clone(), name.clone());
        let limit = limit.min(DOCUMENTS_DELETED_MAX);
        self.write(WriteKind::new("delete old documents", 0), move |tx| {
            let mut statement = tx.db.prepare(OLDEST)?;
            let given = params![kind.as_str(), name.as_str(), limit as i64];
            let rows = statement.query_map(given, |row| Ok((row.get(0)?, row.get(1)?)))?;
            let oldest = rows.collect::<rusqlite::Result<Vec<(String, String)>>>()?;
            for (tenant, name) in &oldest {
                tx.db.prepare(DELETE_ANY)?.execute(params![kind.as_str(), tenant, name])?;
            }
            Ok(oldest.len())
        })
        .await
    }
}

fn put(db: &Db, document: &Document, now: Timestamp) -> DbResult<WriteResult> {
    let [kind, tenant, name] = stored_key(&document.key);
    let (now, body) = (now.as_micros(), document.body.as_str());
    let rows = match document.revision {
        0 => db.prepare(INSERT)?.execute(params![kind, tenant, name, now, body])?,
        before => {
            let before = before.cast_signed();
            db.prepare(UPDATE)?.execute(params![kind, tenant, name, now, body, before])?
        }
    };
    Ok(written(rows))
}

fn written(rows: usize) -> WriteResult {
    if rows == 0 { WriteResult::Conflict } else { WriteResult::Written }
}

/// The installation's tenant is empty.
fn stored_key(key: &DocumentKey) -> [&str; 3] {
    let tenant = key.tenant.as_ref().map_or("", TenantId::as_str);
    [key.kind.as_str(), tenant, key.name.as_str()]
}

fn read_key(kind: &DocumentKind, columns: &mut Columns<'_>) -> DbResult<DocumentKey> {
    let tenant: String = columns.value()?;
    let tenant = match tenant.as_str() {
        "" => None,
        name => Some(TenantId::new(name).map_err(|error| DbError::corrupt(error.to_string()))?),
    };
    Ok(DocumentKey { kind: kind.clone(), tenant, name: columns.name(DocumentName::new)? })
}

fn read(kind: &DocumentKind, columns: &mut Columns<'_>) -> DbResult<Document> {
    Ok(Document {
        key: read_key(kind, columns)?,
        revision: columns.bits()?,
        updated_at: columns.time()?,
        body: columns.json("body")?,
    })
}
