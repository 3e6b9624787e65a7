//! A mail that is going to be sent, the person that it greets, and why it may not be sent.

use latchkey::delivery::{Message, QueueError, RenderError, SendError};
use latchkey::domain::delivery::MailPurpose;
use latchkey::domain::identifier::IdentifierHash;
use latchkey::domain::profile::Claims;
use latchkey::keys::{KeyError, SealedField};
use latchkey::services::{Tenant, TenantError};
use latchkey::store::StoreError;
use latchkey::store::account::ProfileSnapshot;

/// Why a mail was not sent. It is retried.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The tenant cannot be loaded.
    #[error("the tenant could not be loaded")]
    Tenant(#[from] TenantError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The keys failed.
    #[error("the keys failed")]
    Keys(#[from] KeyError),
    /// The mail could not be rendered.
    #[error("the mail could not be written")]
    Render(#[from] RenderError),
    /// Sealed data is malformed.
    #[error("{0}")]
    Malformed(&'static str),
    /// The delivery could not be queued.
    #[error("the delivery was not queued")]
    Queue(#[from] QueueError),
    /// The mailer failed.
    #[error("the mail was not sent")]
    Mailer(#[from] SendError),
}

/// A mail that is ready to be sent.
pub(crate) struct Outgoing {
    pub(crate) message: Message,
    pub(crate) to: String,
    pub(crate) name: Option<String>,
    pub(crate) locale: String,
    pub(crate) recipient: IdentifierHash,
    pub(crate) purpose: MailPurpose,
}

/// The recipient of a mail.
pub(crate) struct Addressee {
    /// The stored address.
    pub(crate) to: String,
    /// The name of the user.
    pub(crate) name: Option<String>,
    /// The language chosen at registration.
    pub(crate) locale: String,
}

/// The owner of an account.
pub(crate) fn addressee(tenant: &Tenant, owner: &ProfileSnapshot) -> Result<Addressee, DeliverError> {
    let plain = tenant.keys.data()?.unwrap(&owner.data_key)?.open(SealedField::Profile, &owner.profile.claims)?;
    let Claims(claims) = serde_json::from_slice(&plain).map_err(|_| DeliverError::Malformed("a profile is malformed"))?;
    let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let to = text("email").ok_or(DeliverError::Malformed("a profile without an address"))?;
    let name = text("given_name").or_else(|| text("name"));
    Ok(Addressee { to, name, locale: text("locale").unwrap_or_default() })
}
