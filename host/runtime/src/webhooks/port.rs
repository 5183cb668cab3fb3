//! What sends messages. The runtime knows no network: whoever starts the service brings one.

use async_trait::async_trait;
use zapjobs_model::webhook::WebhookUrl;

/// A message that is ready to be sent, as a `POST` of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub url: WebhookUrl,
    /// Its id, the same each time it is sent: the header `webhook-id`.
    pub id: String,
    /// When it is sent, in seconds since 1970: the header `webhook-timestamp`.
    pub seconds: i64,
    /// By what the receiver knows that it is ours: the header `webhook-signature`.
    pub signature: String,
    /// What it says.
    pub body: String,
}

/// Why a message had no answer, in a few words and without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SendError(pub String);

/// Sends messages.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Sends a message and answers the status of the receiver's answer. It follows no redirects,
    /// reads no body, connects only to addresses that are allowed, and takes a bounded time.
    async fn send(&self, message: Message) -> Result<u16, SendError>;
}
