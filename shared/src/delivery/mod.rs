//! Mails: what is said to whom, and how it leaves.
//!
//! 1. `events` decides that something is to be said and to which address.
//! 2. [`MailRenderer`] writes it, as HTML and as text, in the reader's language and the tenant's name and colour.
//! 3. [`Mailer`] takes it away. Deployed, a delivery waits in the [`MailQueue`] between 1 and 2.

mod failure;
mod mailer;
mod message;
mod queue;
mod render;
mod ses;

pub use failure::NotSent;
pub use mailer::Mailer;
pub use message::Message;
pub use queue::{MailQueue, NotQueued};
pub use render::{Envelope, MailRenderer, RenderError, Sender};

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use serde::{Deserialize, Serialize};

/// How mails of a deployed stack travel.
#[derive(Debug, Clone)]
pub struct MailChannel {
    /// Where they wait.
    pub queue: MailQueue,
    /// How they leave.
    pub mailer: Mailer,
}

/// Why a service did not do what it was asked, by its code: what it says in words may quote an address.
fn reason<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    let kind = match error {
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(_) => "not reached",
        SdkError::ResponseError(_) => "the answer does not read",
        _ => "failed",
    };
    error.code().unwrap_or(kind).to_owned()
}

/// A mail as it leaves. Its JSON is what the local gateway's mailbox shows. Personal data and secrets: it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The id of the event that it follows: the same mail, delivered twice, has the same id.
    pub id: String,
    /// The sender, as the tenant document has it.
    pub from: String,
    /// The one address that it goes to.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The whole mail as plain text.
    pub text: String,
    /// The whole mail as HTML.
    pub html: String,
    /// When it was handed over (RFC 3339).
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
