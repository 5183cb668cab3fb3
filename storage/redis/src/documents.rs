//! Documents: each a hash, and two indexes for each kind.

use async_trait::async_trait;
use zapjobs_model::{Document, DocumentKey, DocumentKind, DocumentName, Json, TenantId, Timestamp};
use zapjobs_storage::{
    DOCUMENTS_DELETED_MAX, DOCUMENTS_MAX, DocumentPage, DocumentPageRequest, DocumentRange,
    Documents, Result, WriteResult, check_documents,
};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, unexpected};
use crate::script::{Call, SCRIPTS};

/// Documents that one script writes or reads at most.
const SCRIPT_MAX: usize = 50;

#[async_trait]
impl Documents for RedisStorage {
    async fn put_documents(&self, documents: &[Document]) -> Result<Vec<WriteResult>> {
        const OPERATION: &str = "store documents";
        check_documents(OPERATION, documents)?;
        self.check_open(OPERATION)?;
        let mut results = Vec::with_capacity(documents.len());
        for documents in documents.chunks(SCRIPT_MAX) {
            let mut call = Call::new(&SCRIPTS.document_put, 3 * documents.len());
            for Document { key, .. } in documents {
                self.put_indexes(&mut call, &key.kind);
                call.arg(self.document_key(key));
            }
            call.arg(self.given_now());
            for Document { key, revision, body, .. } in documents {
                call.arg(place_name(key)).arg(time_name(key)).arg(revision).arg(body.as_str());
            }
            let answer = self.call(OPERATION, &call).await?;
            for answer in Answer::of(OPERATION, &answer).items()? {
                results.push(written(answer.number()? == 1));
            }
        }
        Ok(results)
    }

    async fn document(&self, key: &DocumentKey) -> Result<Option<Document>> {
        const OPERATION: &str = "read a document";
        let mut call = Call::new(&SCRIPTS.document_read, 1);
        call.arg(self.document_key(key));
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        if answer.list()?.is_empty() {
            return Ok(None);
        }
        let unreadable = || corrupt(OPERATION, format!("the {key} is unreadable"));
        read(key, answer).map(Some).ok_or_else(unreadable)
    }

    async fn documents(&self, request: &DocumentPageRequest) -> Result<DocumentPage> {
        const OPERATION: &str = "list documents";
        self.check_open(OPERATION)?;
        let limit = request.limit.min(DOCUMENTS_MAX);
        let (mut page, mut request, mut seen) = (DocumentPage::default(), request.clone(), 0);
        while seen < limit {
            let wanted = (limit - seen).min(SCRIPT_MAX);
            let found = self.document_slice(OPERATION, &request, wanted, &mut page).await?;
            seen += found;
            request.after = page.next.clone();
            if found < wanted {
                page.next = None;
                break;
            }
        }
        Ok(page)
    }

    async fn delete_document(&self, key: &DocumentKey, revision: u64) -> Result<WriteResult> {
        const OPERATION: &str = "delete a document";
        let mut call = Call::new(&SCRIPTS.document_delete, 3);
        self.put_indexes(&mut call, &key.kind);
        call.arg(self.document_key(key)).arg(place_name(key)).arg(time_name(key)).arg(revision);
        let answer = self.call(OPERATION, &call).await?;
        Ok(written(Answer::of(OPERATION, &answer).number()? == 1))
    }

    async fn delete_documents_before(
        &self,
        kind: &DocumentKind,
        name: &DocumentName,
        limit: usize,
    ) -> Result<usize> {
        const OPERATION: &str = "delete old documents";
        let mut call = Call::new(&SCRIPTS.document_prune, 2);
        self.put_indexes(&mut call, kind);
        call.arg(format!("({name}\0")).arg(limit.min(DOCUMENTS_DELETED_MAX));
        call.arg(self.keys.named(&format!("document:{kind}:")));
        let answer = self.call(OPERATION, &call).await?;
        Answer::of(OPERATION, &answer).count()
    }
}

impl RedisStorage {
    /// The indexes of a kind, as all scripts take them.
    fn put_indexes(&self, call: &mut Call, kind: &DocumentKind) {
        call.arg(self.keys.named(&format!("documents:{kind}")));
        call.arg(self.keys.named(&format!("documents-by-name:{kind}")));
    }

    fn document_key(&self, key: &DocumentKey) -> String {
        self.keys.named(&format!("document:{}:{}", key.kind, place_name(key)))
    }

    /// Adds the next documents to a page. Answers how many there were, with those unreadable.
    async fn document_slice(
        &self,
        operation: &'static str,
        request: &DocumentPageRequest,
        limit: usize,
        page: &mut DocumentPage,
    ) -> Result<usize> {
        let Some(DocumentRange { from, to }) = request.range() else { return Ok(0) };
        // A name that is empty ends a range: then the tenant alone stands behind all before it.
        let to = if to[1].is_empty() { to[0].clone() } else { to.join(",") };
        let mut call = Call::new(&SCRIPTS.document_page, 1);
        call.arg(self.keys.named(&format!("documents:{}", request.kind)));
        call.arg(format!("({}", from.join(","))).arg(format!("({to}")).arg(limit);
        call.arg(if request.newest_first { "back" } else { "" });
        call.arg(self.keys.named(&format!("document:{}:", request.kind)));
        let answer = self.call(operation, &call).await?;
        let items = Answer::of(operation, &answer);
        for item in items.items()? {
            let name = item.at(0)?.text()?;
            let key = read_name(&request.kind, name).ok_or_else(|| unexpected(operation))?;
            match read(&key, item.at(1)?) {
                Some(document) => page.documents.push(document),
                None => tracing::error!(document = %key, "passed over an unreadable document"),
            }
            page.next = Some(key.into());
        }
        Ok(items.list()?.len())
    }
}

fn written(is_written: bool) -> WriteResult {
    if is_written { WriteResult::Written } else { WriteResult::Conflict }
}

/// A document's name in the index of places. The comma sorts before all that a tenant's name may
/// hold, so that names stand in the order of owners and then of names.
fn place_name(key: &DocumentKey) -> String {
    format!("{},{}", key.tenant.as_ref().map_or("", TenantId::as_str), key.name)
}

/// A document's name in the index of names: no name holds a zero.
fn time_name(key: &DocumentKey) -> String {
    format!("{}\0{}", key.name, key.tenant.as_ref().map_or("", TenantId::as_str))
}

fn read_name(kind: &DocumentKind, text: &str) -> Option<DocumentKey> {
    let (tenant, name) = text.split_once(',')?;
    let tenant = match tenant {
        "" => None,
        tenant => Some(TenantId::new(tenant).ok()?),
    };
    Some(DocumentKey { kind: kind.clone(), tenant, name: DocumentName::new(name).ok()? })
}

/// A document of its revision, instant and body.
fn read(key: &DocumentKey, answer: Answer<'_>) -> Option<Document> {
    let number = |place| answer.at(place).and_then(Answer::number).ok();
    Some(Document {
        key: key.clone(),
        revision: u64::try_from(number(0)?).ok()?,
        updated_at: Timestamp::from_micros(number(1)?),
        body: Json::parse(answer.at(2).and_then(Answer::text).ok()?).ok()?,
    })
}
