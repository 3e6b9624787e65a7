//! How mails leave.

use super::failure::NotSent;
use super::{Mail, ses};
use tokio::sync::mpsc;

/// How mails leave.
#[derive(Debug, Clone)]
pub enum Mailer {
    /// To the process's own mailbox: whoever pumps the stream takes the mails out of the receiver, and keeps them before it
    /// acknowledges the records that they came from.
    Mailbox(mpsc::UnboundedSender<Mail>),
    /// Through Amazon SES.
    Ses(aws_sdk_sesv2::Client),
}

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
    pub async fn send(&self, mail: Mail) -> Result<(), NotSent> {
        match self {
            Self::Mailbox(mailbox) => {
                mailbox.send(mail).map_err(|_| NotSent::Unavailable("nobody reads the mailbox".to_owned()))
            }
            Self::Ses(client) => ses::send(client, &mail).await,
        }
    }

    /// Whether a mail that was handed over is on its way. One in a mailbox is not yet kept, and is needed again if the process dies.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Mailbox(_) => false,
            Self::Ses(_) => true,
        }
    }
}
