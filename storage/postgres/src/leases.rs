//! Leases by name.

use async_trait::async_trait;
use zapjobs_model::WorkerId;
use zapjobs_storage::{Coordinator, NamedLease, NamedLeaseRequest, Result};

use crate::PostgresStorage;
use crate::error::invalid;
use crate::row::Columns;
use crate::storage::span_micros;
use crate::text::to_stored;

/// Bytes of a lease's name at most.
const NAME_BYTES_MAX: usize = 100;

/// Writes nothing, and so answers nothing, while another holds it.
const ACQUIRE: &str = "INSERT INTO {schema}.{prefix}named_leases AS held
        (name, owner, fence, expires_at)
    VALUES ($2, $3, 1, {now+$4})
    ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at,
        fence = CASE WHEN held.owner = excluded.owner AND held.expires_at > {now}
            THEN held.fence ELSE held.fence + 1 END
    WHERE held.owner IS NULL OR held.owner = excluded.owner OR held.expires_at <= {now}
    RETURNING fence, expires_at";
const HOLDER: &str = "SELECT fence, expires_at, owner FROM {schema}.{prefix}named_leases
    WHERE name = $2 AND owner IS NOT NULL AND expires_at > {now}";
// The row stays, and with it the fence.
const RELEASE: &str = "UPDATE {schema}.{prefix}named_leases SET owner = NULL
    WHERE name = $2 AND owner = $3 AND expires_at > {now}";

#[async_trait]
impl Coordinator for PostgresStorage {
    async fn acquire(&self, request: NamedLeaseRequest) -> Result<Option<NamedLease>> {
        const OPERATION: &str = "acquire a named lease";
        let NamedLeaseRequest { name, owner, ttl } = request;
        if name.len() > NAME_BYTES_MAX {
            let bytes = name.len();
            return Err(invalid(
                OPERATION,
                format!("the lease's name has {bytes} bytes, {NAME_BYTES_MAX} are allowed"),
            ));
        }
        let mut session = self.session(OPERATION).await?;
        let query = self.query(ACQUIRE).bind(to_stored(&name).into_owned());
        let row = session.row(query.bind(owner.0).bind(span_micros(ttl))).await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::new(&row);
        let fence = session.told(columns.bits())?;
        let expires_at = session.told(columns.time())?;
        Ok(Some(NamedLease { name, owner, fence, expires_at }))
    }

    async fn named_lease(&self, name: &str) -> Result<Option<NamedLease>> {
        let mut session = self.session("read a named lease").await?;
        let row = session.row(self.query(HOLDER).bind(to_stored(name).into_owned())).await?;
        let Some(row) = row else { return Ok(None) };
        let mut columns = Columns::new(&row);
        let fence = session.told(columns.bits())?;
        let expires_at = session.told(columns.time())?;
        let owner = WorkerId(session.told(columns.value())?);
        Ok(Some(NamedLease { name: name.to_owned(), owner, fence, expires_at }))
    }

    async fn release(&self, name: &str, owner: WorkerId) -> Result<bool> {
        let mut session = self.session("release a named lease").await?;
        let query = self.query(RELEASE).bind(to_stored(name).into_owned()).bind(owner.0);
        Ok(session.change(query).await? > 0)
    }
}
