//! A stream into a file that counts what is written.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};

use super::quota::Quota;

/// A stream whose bytes count.
pub(super) struct Counted {
    inner: DynOutputStream,
    quota: Arc<Mutex<Quota>>,
    /// Bytes between the file's end and the place of the first write, which count as written.
    gap: u64,
}

impl Counted {
    pub(super) fn new(inner: DynOutputStream, quota: &Arc<Mutex<Quota>>, gap: u64) -> Self {
        Self { inner, quota: Arc::clone(quota), gap }
    }

    fn count(&mut self, bytes: usize) -> StreamResult<()> {
        let counted = self.quota.lock().write(self.gap.saturating_add(bytes as u64));
        counted.map_err(|limit| StreamError::LastOperationFailed(limit.into()))?;
        self.gap = 0;
        Ok(())
    }
}

#[async_trait::async_trait]
impl OutputStream for Counted {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.count(bytes.len())?;
        self.inner.write(bytes)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.count(bytes.len())?;
        self.inner.blocking_write_and_flush(bytes).await
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

#[async_trait::async_trait]
impl Pollable for Counted {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}
