//! Tokens are kept as documents of the installation, each by its id.

use std::sync::Arc;
use std::time::Duration;

use rand::TryRngCore;
use zapjobs_model::{Document, DocumentKey, DocumentKind, DocumentName, Json, TenantId, Timestamp};
use zapjobs_storage::{
    DocumentOwner, DocumentPageRequest, ErrorKind, Storage, StorageError, WriteResult,
};

use super::rules::{self, ID_BYTES, InvalidToken, Presented, Refused, SECRET_BYTES};
use super::{Shown, TokenRecord};
use crate::access::Scope;

/// How often a change is decided anew because another write came in between.
const TRIES_MAX: usize = 20;

/// The tokens of a storage.
#[derive(Clone)]
pub struct Tokens {
    storage: Arc<dyn Storage>,
}

/// A token that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is called.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// The tenant that it is bound to; all where absent.
    pub tenant: Option<TenantId>,
    /// How long it is good; for ever where absent.
    pub life: Option<Duration>,
}

/// Why a token was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be.
    #[error(transparent)]
    Invalid(#[from] InvalidToken),
    /// There is none.
    #[error("there is no token {0}: `zapjobs tokens list` names those there are")]
    NotFound(String),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(String),
    /// The storage failed.
    #[error("failed to {0}")]
    Storage(#[from] StorageError),
}

impl Tokens {
    /// The tokens of this storage.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Makes a token. It is shown this once.
    pub async fn create(&self, new: NewToken) -> Result<(TokenRecord, Shown), TokenError> {
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        let mut random = rand::rngs::OsRng;
        let drawn =
            random.try_fill_bytes(&mut id).and_then(|()| random.try_fill_bytes(&mut secret));
        drawn.map_err(|error| TokenError::Random(error.to_string()))?;
        let now = self.storage.now().await?;
        let NewToken { name, scope, tenant, life } = new;
        let (record, shown) = rules::make(id, secret, &name, scope, tenant, life, now)?;
        let document = Document::new(key(&record.id), body(&record));
        match self.storage.put_documents(&[document]).await?.as_slice() {
            [WriteResult::Written] => Ok((record, shown)),
            _ => Err(TokenError::Random("an id came twice".to_owned())),
        }
    }

    /// All tokens, by id; expired and revoked ones too.
    pub async fn list(&self) -> Result<Vec<TokenRecord>, TokenError> {
        let mut request = DocumentPageRequest::of(kind(), DocumentOwner::Installation);
        let mut records = Vec::new();
        loop {
            let page = self.storage.documents(&request).await?;
            for document in &page.documents {
                records.push(record(document)?);
            }
            request.after = page.next;
            if request.after.is_none() {
                return Ok(records);
            }
        }
    }

    /// The token with this id.
    pub async fn find(&self, id: &str) -> Result<TokenRecord, TokenError> {
        let found = self.stored(id).await?.ok_or_else(|| TokenError::NotFound(id.to_owned()))?;
        Ok(found.1)
    }

    /// Takes a token's rights away, from the next request on. Doing it again changes nothing.
    pub async fn revoke(&self, id: &str) -> Result<TokenRecord, TokenError> {
        for _ in 0..TRIES_MAX {
            let found = self.stored(id).await?;
            let (document, found) = found.ok_or_else(|| TokenError::NotFound(id.to_owned()))?;
            if found.revoked_at.is_some() {
                return Ok(found);
            }
            let now = self.storage.now().await?;
            let revoked = TokenRecord { revoked_at: Some(now), ..found };
            if self.write(&document, &revoked).await? == WriteResult::Written {
                return Ok(revoked);
            }
        }
        let message = "it was written by others all the time: try again";
        Err(StorageError::new(ErrorKind::Busy, "revoke a token", message).into())
    }

    /// Who shows a token; notes its use. `None` where there is no such token.
    pub(crate) async fn verify(
        &self,
        shown: &Presented,
    ) -> Result<Option<Result<TokenRecord, Refused>>, TokenError> {
        let Some((document, mut found)) = self.stored(&shown.id).await? else { return Ok(None) };
        let now = self.storage.now().await?;
        if let Err(refused) = found.check(shown, now) {
            return Ok(Some(Err(refused)));
        }
        if found.notes_use(now) {
            found.last_used_at = Some(now);
            // Somebody else noted a use, or revoked it: what was read counts for this request.
            if let Err(error) = self.write(&document, &found).await {
                tracing::warn!("the use of token {} was not noted: failed to {error}", found.id);
            }
        }
        Ok(Some(Ok(found)))
    }

    async fn stored(&self, id: &str) -> Result<Option<(Document, TokenRecord)>, TokenError> {
        let Ok(name) = DocumentName::new(id) else { return Ok(None) };
        let key = DocumentKey { kind: kind(), tenant: None, name };
        let Some(document) = self.storage.document(&key).await? else { return Ok(None) };
        let record = record(&document)?;
        Ok(Some((document, record)))
    }

    async fn write(
        &self,
        document: &Document,
        record: &TokenRecord,
    ) -> Result<WriteResult, StorageError> {
        let document = Document { body: body(record), ..document.clone() };
        Ok(self.storage.put_documents(&[document]).await?[0])
    }
}

fn kind() -> DocumentKind {
    DocumentKind::new("api-token").expect("a short word")
}

fn key(id: &str) -> DocumentKey {
    let name = DocumentName::new(id).expect("digits are plain");
    DocumentKey { kind: kind(), tenant: None, name }
}

fn body(record: &TokenRecord) -> Json {
    Json::of(record).expect("texts serialise")
}

fn record(document: &Document) -> Result<TokenRecord, StorageError> {
    serde_json::from_str(document.body.as_str()).map_err(|error| {
        let message = format!("{} cannot be read: {error}", document.key);
        StorageError::new(ErrorKind::Corrupt, "read a token", message)
    })
}

/// The present instant, for what is shown of tokens.
pub(super) async fn now(tokens: &Tokens) -> Result<Timestamp, StorageError> {
    tokens.storage.now().await
}
