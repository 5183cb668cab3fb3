//! Documents: small named records.

use std::collections::HashSet;

use async_trait::async_trait;
use zapjobs_model::{Document, DocumentKey, DocumentKind, DocumentName, TenantId};
use zapjobs_storage::{
    DOCUMENTS_DELETED_MAX, DOCUMENTS_MAX, DocumentPage, DocumentPageRequest, DocumentRange,
    Documents, Result, WriteResult, check_documents,
};

use crate::PostgresStorage;
use crate::error::{DbError, DbResult};
use crate::quarantine::is_of_record;
use crate::row::Columns;
use crate::session::Session;

/// In the order of keys, so that equal batches do not deadlock.
const INSERT: &str =
    "INSERT INTO {schema}.{prefix}documents (kind, tenant, name, revision, updated_at, body)
    SELECT kind, tenant, name, 1, {now}, body
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS t (kind, tenant, name, body)
    ORDER BY kind, tenant, name
    ON CONFLICT (kind, tenant, name) DO NOTHING RETURNING kind, tenant, name";
const UPDATE: &str = "WITH given AS MATERIALIZED (
        SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::int8[])
            AS t (kind, tenant, name, body, revision)),
    locked AS MATERIALIZED (
        SELECT d.kind, d.tenant, d.name, d.revision, g.body
        FROM {schema}.{prefix}documents d
        JOIN given g ON g.kind = d.kind AND g.tenant = d.tenant AND g.name = d.name
            AND g.revision = d.revision
        ORDER BY d.kind, d.tenant, d.name FOR UPDATE OF d)
    UPDATE {schema}.{prefix}documents d
    SET revision = locked.revision + 1, updated_at = {now}, body = locked.body
    FROM locked WHERE d.kind = locked.kind AND d.tenant = locked.tenant
        AND d.name = locked.name AND d.revision = locked.revision
    RETURNING d.kind, d.tenant, d.name";
const DELETE: &str = "DELETE FROM {schema}.{prefix}documents
    WHERE kind = $1 AND tenant = $2 AND name = $3 AND revision = $4";
const ONE: &str = "SELECT kind, tenant, name, revision, updated_at, body
    FROM {schema}.{prefix}documents WHERE kind = $1 AND tenant = $2 AND name = $3";
const PAGE: &str = "SELECT kind, tenant, name, revision, updated_at, body
    FROM {schema}.{prefix}documents
    WHERE kind = $1 AND (tenant, name) > ($2, $3) AND (tenant, name) < ($4, $5)
    ORDER BY tenant, name LIMIT $6";
const PAGE_BACK: &str = "SELECT kind, tenant, name, revision, updated_at, body
    FROM {schema}.{prefix}documents
    WHERE kind = $1 AND (tenant, name) > ($2, $3) AND (tenant, name) < ($4, $5)
    ORDER BY tenant DESC, name DESC LIMIT $6";
/// Those that another host deletes are passed over.
const DELETE_BEFORE: &str = "DELETE FROM {schema}.{prefix}documents d
    USING (SELECT tenant, name FROM {schema}.{prefix}documents
        WHERE kind = $1 AND name < $2 ORDER BY name, tenant LIMIT $3
        FOR UPDATE SKIP LOCKED) old
    WHERE d.kind = $1 AND d.tenant = old.tenant AND d.name = old.name";

#[async_trait]
impl Documents for PostgresStorage {
    async fn put_documents(&self, documents: &[Document]) -> Result<Vec<WriteResult>> {
        const OPERATION: &str = "store documents";
        check_documents(OPERATION, documents)?;
        let mut session = self.session(OPERATION).await?;
        session.begin().await?;
        let (mut answers, mut rest) = (Vec::with_capacity(documents.len()), documents);
        while !rest.is_empty() {
            // Up to the second of two with one key: a statement writes a row once.
            let mut seen = HashSet::with_capacity(rest.len());
            let repeated = rest.iter().position(|document| !seen.insert(&document.key));
            let (distinct, later) = rest.split_at(repeated.unwrap_or(rest.len()));
            answers.extend(self.write_documents(&mut session, distinct).await?);
            rest = later;
        }
        session.commit().await?;
        Ok(answers)
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<Document>> {
        let [kind, tenant, name] = stored_key(key);
        let mut session = self.session("read a document").await?;
        let row = session.row(self.query(ONE).bind(kind).bind(tenant).bind(name)).await?;
        session.told(row.as_ref().map(|row| read(&mut Columns::new(row))).transpose())
    }

    async fn documents(&self, request: &DocumentPageRequest) -> Result<DocumentPage> {
        let mut session = self.session("list documents").await?;
        let limit = request.limit.min(DOCUMENTS_MAX);
        let Some(DocumentRange { from: [from_tenant, from_name], to: [to_tenant, to_name] }) =
            request.range()
        else {
            return Ok(DocumentPage::default());
        };
        let sql = if request.newest_first { PAGE_BACK } else { PAGE };
        let query = self.query(sql).bind(request.kind.as_str().to_owned());
        let query = query.bind(from_tenant).bind(from_name).bind(to_tenant).bind(to_name);
        let rows = session.rows(query.bind(limit as i64)).await?;
        let mut page = DocumentPage::default();
        for (at, row) in rows.iter().enumerate() {
            let key = session.told(read_key(&mut Columns::new(row)))?;
            match read(&mut Columns::new(row)) {
                Ok(document) => page.documents.push(document),
                Err(error) if is_of_record(&error) => {
                    tracing::error!(?error, document = %key, "passed over an unreadable document");
                }
                Err(error) => return session.told(Err(error)),
            }
            page.next = Some(key.into()).filter(|_| at + 1 == limit);
        }
        Ok(page)
    }

    async fn delete_document(&self, key: &DocumentKey, revision: u64) -> Result<WriteResult> {
        let [kind, tenant, name] = stored_key(key);
        let query = self.query(DELETE).bind(kind).bind(tenant).bind(name);
        let mut session = self.session("delete a document").await?;
        let is_gone = session.change(query.bind(revision.cast_signed())).await? > 0;
        Ok(if is_gone { WriteResult::Written } else { WriteResult::Conflict })
    }

    async fn delete_documents_before(
        &self,
        kind: &DocumentKind,
        name: &DocumentName,
        limit: usize,
    ) -> Result<usize> {
        let limit = limit.min(DOCUMENTS_DELETED_MAX) as i64;
        let query = self.query(DELETE_BEFORE).bind(kind.as_str().to_owned());
        let query = query.bind(name.as_str().to_owned()).bind(limit);
        let mut session = self.session("delete old documents").await?;
        Ok(session.change(query).await? as usize)
    }
}

impl PostgresStorage {
    /// Writes documents with different keys over the revisions that they carry.
    async fn write_documents(
        &self,
        session: &mut Session<'_>,
        documents: &[Document],
    ) -> Result<Vec<WriteResult>> {
        let (new, known): (Vec<_>, Vec<_>) =
            documents.iter().partition(|document| document.revision == 0);
        let mut written = HashSet::new();
        for (sql, documents) in [(INSERT, new), (UPDATE, known)] {
            let Some(first) = documents.first() else { continue };
            let is_new = first.revision == 0;
            let [mut kinds, mut tenants, mut names, mut bodies] = [const { Vec::new() }; 4];
            for document in &documents {
                let [kind, tenant, name] = stored_key(&document.key);
                kinds.push(kind);
                tenants.push(tenant);
                names.push(name);
                bodies.push(document.body.as_str().to_owned());
            }
            let query = self.query(sql).bind(kinds).bind(tenants).bind(names).bind(bodies);
            let revisions = documents.iter().map(|document| document.revision.cast_signed());
            let query = if is_new { query } else { query.bind(revisions.collect::<Vec<_>>()) };
            let rows = session.rows(query).await?;
            let keys = rows.iter().map(|row| read_key(&mut Columns::new(row)));
            written.extend(session.told(keys.collect::<DbResult<Vec<_>>>())?);
        }
        let answer = |document: &Document| match written.contains(&document.key) {
            true => WriteResult::Written,
            false => WriteResult::Conflict,
        };
        Ok(documents.iter().map(answer).collect())
    }
}

/// The installation's tenant is empty.
fn stored_key(key: &DocumentKey) -> [String; 3] {
    let tenant = key.tenant.as_ref().map_or("", TenantId::as_str);
    [key.kind.as_str(), tenant, key.name.as_str()].map(str::to_owned)
}

fn read_key(columns: &mut Columns<'_>) -> DbResult<DocumentKey> {
    let kind = columns.name(DocumentKind::new)?;
    let tenant = match columns.text()?.as_str() {
        "" => None,
        name => Some(TenantId::new(name).map_err(|error| DbError::corrupt(error.to_string()))?),
    };
    Ok(DocumentKey { kind, tenant, name: columns.name(DocumentName::new)? })
}

fn read(columns: &mut Columns<'_>) -> DbResult<Document> {
    Ok(Document {
        key: read_key(columns)?,
        revision: columns.bits()?,
        updated_at: columns.time()?,
        body: columns.json("body")?,
    })
}
