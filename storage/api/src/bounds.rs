//! The bounds of requests, the same for every driver: what exceeds them is refused as
//! `InvalidRequest`, and nothing is done.

use zapjobs_model::unique::KeyTaken;

use crate::{
    BATCH_MAX, ClaimRequest, ErrorKind, PAGE_MAX, Result, SPANS_MAX, Span, StatisticsRequest,
    StorageError, TENANT_SHARES_MAX, TenantSelection,
};

/// Refuses a batch of more than [`BATCH_MAX`] items.
pub fn check_batch(operation: &'static str, items: usize) -> Result<()> {
    within(operation, items <= BATCH_MAX, || {
        format!("{items} items in one batch: use at most {BATCH_MAX}")
    })
}

/// Refuses a page of no items, and one of more than [`PAGE_MAX`].
pub fn check_page(operation: &'static str, limit: usize) -> Result<()> {
    within(operation, (1..=PAGE_MAX).contains(&limit), || {
        format!("a page of {limit}: use 1 to {PAGE_MAX}")
    })
}

/// Refuses a claim of too many runs, with too many shares, or with a share that makes no sense.
pub fn check_claim(operation: &'static str, request: &ClaimRequest) -> Result<()> {
    check_batch(operation, request.limit)?;
    let TenantSelection::Shares(shares) = &request.tenants else { return Ok(()) };
    within(operation, shares.len() <= TENANT_SHARES_MAX, || {
        format!("{} tenants have a share: use at most {TENANT_SHARES_MAX}", shares.len())
    })?;
    if let Some(empty) = shares.iter().find(|share| share.limit == 0) {
        let message = format!("the share of tenant {} is 0: leave it out", empty.tenant);
        return Err(StorageError::new(ErrorKind::InvalidRequest, operation, message));
    }
    let mut tenants: Vec<_> = shares.iter().map(|share| &share.tenant).collect();
    tenants.sort();
    match tenants.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            let message = format!("tenant {} has two shares: give it one", pair[0]);
            Err(StorageError::new(ErrorKind::InvalidRequest, operation, message))
        }
        None => Ok(()),
    }
}

/// The refusal of a batch in which an idempotency key was used for another request.
pub fn key_taken(operation: &'static str, taken: KeyTaken) -> StorageError {
    StorageError::new(ErrorKind::Conflict, operation, taken.to_string())
}

/// Refuses statistics of no spans, and of more than [`SPANS_MAX`].
pub fn check_spans(operation: &'static str, request: &StatisticsRequest) -> Result<()> {
    let fits = request.span == Span::Total || (1..=SPANS_MAX).contains(&request.latest);
    within(operation, fits, || {
        format!("the latest {} spans were asked for: use 1 to {SPANS_MAX}", request.latest)
    })
}

fn within(operation: &'static str, fits: bool, problem: impl FnOnce() -> String) -> Result<()> {
    if fits {
        Ok(())
    } else {
        Err(StorageError::new(ErrorKind::InvalidRequest, operation, problem()))
    }
}
