//! Leases by name.

use async_trait::async_trait;
use zapjobs_model::{Timestamp, WorkerId};
use zapjobs_storage::{Coordinator, NamedLease, NamedLeaseRequest, Result};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{invalid, unexpected};
use crate::script::{Call, SCRIPTS};
use crate::storage::micros;

/// Bytes of a lease's name at most.
const NAME_BYTES_MAX: usize = 100;

#[async_trait]
impl Coordinator for RedisStorage {
    async fn acquire(&self, request: NamedLeaseRequest) -> Result<Option<NamedLease>> {
        const OPERATION: &str = "acquire the lease";
        let NamedLeaseRequest { name, owner, ttl } = request;
        if name.len() > NAME_BYTES_MAX {
            let message =
                format!("its name has {} bytes, {NAME_BYTES_MAX} are allowed", name.len());
            return Err(invalid(OPERATION, message));
        }
        let mut call = Call::new(&SCRIPTS.acquire, 1);
        call.arg(self.keys.lease(&name));
        call.arg(self.given_now()).arg(owner.to_string()).arg(micros(ttl));
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        if answer.list()?.is_empty() {
            return Ok(None);
        }
        lease(name, owner, answer.at(0)?, answer.at(1)?).map(Some)
    }

    async fn release(&self, name: &str, owner: WorkerId) -> Result<bool> {
        const OPERATION: &str = "release the lease";
        let mut call = Call::new(&SCRIPTS.release, 1);
        call.arg(self.keys.lease(name)).arg(self.given_now()).arg(owner.to_string());
        let answer = self.call(OPERATION, &call).await?;
        Ok(Answer::of(OPERATION, &answer).number()? == 1)
    }

    async fn named_lease(&self, name: &str) -> Result<Option<NamedLease>> {
        const OPERATION: &str = "read the lease";
        let mut call = Call::new(&SCRIPTS.named_lease, 1);
        call.arg(self.keys.lease(name)).arg(self.given_now());
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        if answer.list()?.is_empty() {
            return Ok(None);
        }
        let owner = answer.at(0)?.text()?.parse().map_err(|_| unexpected(OPERATION))?;
        lease(name.to_owned(), owner, answer.at(1)?, answer.at(2)?).map(Some)
    }
}

fn lease(
    name: String,
    owner: WorkerId,
    fence: Answer<'_>,
    expires_at: Answer<'_>,
) -> Result<NamedLease> {
    let fence = u64::try_from(fence.number()?).map_err(|_| unexpected(fence.operation))?;
    let expires_at = Timestamp::from_micros(expires_at.number()?);
    Ok(NamedLease { name, owner, fence, expires_at })
}
