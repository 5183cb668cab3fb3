//! Keys: hashes of what was chosen of a request.
//!
//! **Invariant:** every part is preceded by its length, and every kind of key by a name of its
//! own, so that no two choices hash the same bytes. The tenant is in each: tenants never meet.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::canonical::{at, canonical};
use super::{Fingerprint, UniqueBy, UniqueKey};
use crate::{JobType, Json, TenantId};

/// The key of a unique run.
pub(super) fn unique_key(
    tenant: &TenantId,
    job_type: &JobType,
    by: &UniqueBy,
    input: &Json,
) -> UniqueKey {
    let mut hash = Hash::new("unique").part(tenant.as_str()).part(job_type.as_str());
    hash = match by {
        UniqueBy::Input => hash.part("input").part(&canonical(input.as_str())),
        UniqueBy::Text(text) => hash.part("text").part(text),
        UniqueBy::Fields(pointers) => {
            let mut pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
            pointers.sort_unstable();
            pointers.dedup();
            let mut hash = hash.part("fields");
            for pointer in pointers {
                // What is absent differs from null: it has no part.
                hash = hash.part(pointer);
                hash = match at(input.as_str(), pointer) {
                    Some(value) => hash.part("is").part(&canonical(value)),
                    None => hash.part("absent"),
                };
            }
            hash
        }
    };
    UniqueKey(hash.end())
}

/// The key of a request that may be repeated: one for all job types of a tenant.
pub(super) fn idempotency_key(tenant: &TenantId, text: &str) -> UniqueKey {
    UniqueKey(Hash::new("idempotency").part(tenant.as_str()).part(text).end())
}

/// What makes a repeated request the same: the job and its input.
pub(super) fn fingerprint(job_type: &JobType, input: &Json) -> Fingerprint {
    let hash = Hash::new("fingerprint").part(job_type.as_str());
    Fingerprint(hash.part(&canonical(input.as_str())).end())
}

struct Hash(Sha256);

impl Hash {
    fn new(kind: &str) -> Self {
        Self(Sha256::new()).part("zapjobs").part(kind)
    }

    fn part(mut self, part: &str) -> Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    /// The first 16 bytes.
    fn end(self) -> Uuid {
        let hash: [u8; 32] = self.0.finalize().into();
        let (first, _) = hash.split_at(16);
        Uuid::from_slice(first).expect("a UUID has 16 bytes")
    }
}
