//! Mails: their content, their recipient, and how they are sent.
//!
//! 1. `events` decides which mail to send, and to which address.
//! 2. [`MailRenderer`] renders it as HTML and as text, in the recipient's language, with the tenant's name and colour.
//! 3. [`Mailer`] sends it. In a deployed stack a delivery waits in the [`MailQueue`] between steps 1 and 2.

mod failure;
mod mailer;
mod message;
mod news;
mod queue;
mod render;
mod ses;

pub use failure::SendError;
pub use mailer::Mailer;
pub use message::{FormerAddressNews, LinkAndCode, Message, SecondFactorNews};
pub use queue::{MailQueue, QueueError};
pub use render::{Envelope, MailRenderer, RenderError, Sender};

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use serde::{Deserialize, Serialize};

/// The queue and the mailer of a deployed stack.
#[derive(Debug, Clone)]
pub struct MailChannel {
    /// The queue of deliveries.
    pub queue: MailQueue,
    /// Sends the mails.
    pub mailer: Mailer,
}

/// The reason of a failed call, as the error code of the service. Its error message is not used, because it may contain an e-mail address.
fn reason<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    let kind = match error {
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(_) => "not reached",
        SdkError::ResponseError(_) => "the response cannot be read",
        _ => "failed",
    };
    error.code().unwrap_or(kind).to_owned()
}

/// A mail as it is sent. The local gateway's mailbox shows its JSON. It contains personal data and secrets, so `Debug` does not print them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The id of the event that caused the mail. A mail that is delivered twice has the same id.
    pub id: String,
    /// The sender, as written in the tenant document.
    pub from: String,
    /// The only recipient.
    pub to: String,
    /// The subject, on one line.
    pub subject: String,
    /// The whole mail as plain text.
    pub text: String,
    /// The whole mail as HTML.
    pub html: String,
    /// When it was sent (RFC 3339).
    pub sent_at: String,
    /// The links in it.
    pub links: Vec<String>,
    /// The codes in it.
    pub codes: Vec<String>,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).finish_non_exhaustive()
    }
}
