//! Mails: what is said to whom, and how it leaves.
//!
//! 1. `events` decides that something is to be said and to which address.
//! 2. [`MailRenderer`] writes it, as HTML and as text, in the reader's language and the tenant's name and colour.
//! 3. [`Mailer`] takes it away.

mod message;
mod render;

pub use message::Message;
pub use render::{Envelope, MailRenderer, RenderError, Sender};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

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

/// How mails leave. The deployed way (SES) joins here with the deployment.
#[derive(Debug, Clone)]
pub enum Mailer {
    /// To the process's own mailbox: whoever pumps the stream takes the mails out of the receiver, and keeps them before it
    /// acknowledges the records that they came from.
    Mailbox(mpsc::UnboundedSender<Mail>),
}

/// A mail could not be handed over; it may be later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the mailer does not take mail")]
pub struct MailerUnavailable;

impl Mailer {
    /// A mailer into a mailbox, and the mailbox's end of it.
    #[must_use]
    pub fn mailbox() -> (Self, mpsc::UnboundedReceiver<Mail>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self::Mailbox(sender), receiver)
    }
    /// Hands a mail over.
    ///
    /// # Errors
    /// When nobody takes it.
    pub async fn send(&self, mail: Mail) -> Result<(), MailerUnavailable> {
        match self {
            Self::Mailbox(mailbox) => mailbox.send(mail).map_err(|_| MailerUnavailable),
        }
    }
}
