//! How mails leave.

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

/// A mail was not handed over. It never says more than a code: SES's own words quote addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Not now. When no answer came, it may have been sent all the same.
    #[error("the mailer does not take mail now: {0}")]
    Unavailable(String),
    /// Not as things are: the sender is not verified, sending is suspended, the address is refused. It comes again in vain until
    /// somebody mends that, and ends in the dead letters.
    #[error("the mailer refuses this mail: {0}")]
    Refused(String),
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
