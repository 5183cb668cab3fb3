//! The schema of a storage that has one, as an operator looks after it.

use async_trait::async_trait;
use zapjobs_model::Timestamp;

use crate::Result;

/// One migration, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStep {
    /// Its number: the schema's version once it is applied.
    pub version: u32,
    /// What it is called.
    pub name: String,
    /// When it was applied; `None` if it is not.
    pub applied_at: Option<Timestamp>,
}

/// Looks after a schema. Nothing here needs an open storage, and nothing opens one.
#[async_trait]
pub trait SchemaAdmin: Send + Sync {
    /// Where it is, for people; without secrets.
    fn location(&self) -> String;

    /// Every migration that this program knows, in order. Writes nothing.
    ///
    /// Fails with `Schema` where a newer program, or a different build, made the schema.
    async fn steps(&self) -> Result<Vec<SchemaStep>>;

    /// The SQL that [`SchemaAdmin::up`] would run; empty where nothing is missing. Writes
    /// nothing.
    async fn plan(&self) -> Result<String>;

    /// Applies all that is missing, in order. Answers what it applied.
    ///
    /// *Atomicity:* all or none.
    async fn up(&self) -> Result<Vec<SchemaStep>>;

    /// Undoes the migrations above `version`, newest first, **with what they hold**. Answers
    /// what it undid.
    ///
    /// *Atomicity:* all or none.
    async fn down(&self, version: u32) -> Result<Vec<SchemaStep>>;

    /// Deletes everything: all runs, and the schema itself.
    async fn drop_all(&self) -> Result<()>;
}
