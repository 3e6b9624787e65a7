//! The notice of a sign-in on a device that the account did not know.
//!
//! 1. It goes to the present address alone. A former address was told of the change itself, and its mails have no limit: a thief who knows the
//!    password could fill that mailbox by deleting cookies.
//! 2. It is sent even if its session has ended: a thief may sign out at once.

use crate::account_mail::{not_me, notice};
use crate::outgoing::{DeliverError, Outgoing};
use latchkey::delivery::Message;
use latchkey::domain::delivery::{DropReason, MailPurpose};
use latchkey::domain::id::{AccountId, SessionId};
use latchkey::domain::session::Session;
use latchkey::domain::time::Timestamp;
use latchkey::keys::{DataKey, SealedField};
use latchkey::services::Tenant;
use serde::Deserialize;

/// The part of a session's sealed device that the mail names.
#[derive(Deserialize)]
struct Device {
    words: String,
}

/// Composes the mail, or returns the reason why there is none. The name of the browser comes from a fixed list: a caller cannot write
/// into the mail.
///
/// # Errors
/// If something failed that may succeed at a retry.
pub(crate) async fn compose(
    tenant: &Tenant,
    account: AccountId,
    session: SessionId,
    at: Timestamp,
) -> Result<Result<Vec<Outgoing>, DropReason>, DeliverError> {
    if !tenant.config.sign_in.new_device_mail {
        return Ok(Err(DropReason::SwitchedOff));
    }
    let Some((owner, session)) = tenant.store.find_session_owner(account, session).await? else {
        return Ok(Err(DropReason::NoAccount));
    };
    // A closed account is restored by its own mail, and a disabled one by support.
    if !owner.authentication.is_active() {
        return Ok(Err(DropReason::Outdated));
    }
    let key = tenant.keys.data()?.unwrap(&owner.data_key)?;
    let browser = session.and_then(|session| browser(&session, &key)).filter(|words| words != "Unknown browser");
    let (not_me, until) = not_me(tenant, &owner, at)?;
    let message = Message::NewDevice { browser, at, not_me, until };
    Ok(Ok(vec![notice(tenant, &owner, MailPurpose::NewDevice, message)?]))
}

fn browser(session: &Session, key: &DataKey) -> Option<String> {
    let plain = key.open(SealedField::SessionDevice, session.device.as_ref()?).ok()?;
    serde_json::from_slice::<Device>(&plain).ok().map(|device| device.words)
}
