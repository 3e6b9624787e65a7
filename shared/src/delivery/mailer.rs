//! Sends mails.

use super::failure::SendError;
use super::{Mail, ses};
use tokio::sync::mpsc;

/// Sends mails.
#[derive(Debug, Clone)]
pub enum Mailer {
    /// To a mailbox in this process. The reader of the stream takes the mails from the receiver, and stores them before it
    /// acknowledges the records of the stream.
    Mailbox(mpsc::UnboundedSender<Mail>),
    /// Through Amazon SES.
    Ses(aws_sdk_sesv2::Client),
}

impl Mailer {
    /// A mailer to a mailbox, and the receiver of the mailbox.
    #[must_use]
    pub fn mailbox() -> (Self, mpsc::UnboundedReceiver<Mail>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self::Mailbox(sender), receiver)
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// If the mail was not accepted.
    pub async fn send(&self, mail: Mail) -> Result<(), SendError> {
        match self {
            Self::Mailbox(mailbox) => {
                mailbox.send(mail).map_err(|_| SendError::Unavailable("the mailbox has no reader".to_owned()))
            }
            Self::Ses(client) => ses::send(client, &mail).await,
        }
    }

    /// Returns whether a sent mail is stored. A mail in a mailbox is not, so it must be sent again if the process ends.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Mailbox(_) => false,
            Self::Ses(_) => true,
        }
    }
}
