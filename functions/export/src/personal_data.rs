//! Loads all data stored about the user, and decrypts it.

use latchkey::domain::account::Sealed;
use latchkey::domain::export::{MAX_HISTORY, PersonalData};
use latchkey::domain::linked_identity::LinkedIdentity;
use latchkey::domain::passkey::Passkey;
use latchkey::domain::session::Session;
use latchkey::domain::time::Timestamp;
use latchkey::keys::{DataKey, KeyError, SealedField};
use latchkey::store::export::AccountSnapshot;
use latchkey::web::{AccountCredential, Principal, Problem, TenantHandle};
use serde::de::DeserializeOwned;

/// The user and all data stored about them at this moment. `None` if the session or token is no longer valid. It makes four concurrent
/// requests; the data that they return also decides whether access is allowed.
pub(crate) async fn load(
    handle: &TenantHandle,
    presented: &AccountCredential,
    as_of: Timestamp,
) -> Result<Option<(Principal, PersonalData)>, Problem> {
    let at_most = u16::try_from(MAX_HISTORY + 1).unwrap_or(u16::MAX);
    let found = handle.tenant.store.find_account_snapshot(presented.account(), as_of, at_most).await?;
    let Some(everything) = found else { return Ok(None) };
    let snapshot = everything.principal(presented.session(), presented.grant());
    let Some(principal) = presented.admit(snapshot, handle.now()) else { return Ok(None) };
    Ok(Some((principal, open(handle, everything)?)))
}

fn open(handle: &TenantHandle, everything: AccountSnapshot) -> Result<PersonalData, Problem> {
    let AccountSnapshot { authentication, profile, data_key, links, sessions, grants, consents, passkeys, terms, history } =
        everything;
    let (Some(profile), Some(data_key)) = (profile, data_key) else {
        tracing::error!("an account without profile or data key");
        return Err(Problem::internal());
    };
    let key = handle.tenant.keys.data()?.unwrap(&data_key)?;
    let address = |field, sealed: &Sealed| -> Result<String, Problem> { text(key.open(field, sealed)?) };
    let former = profile.email_undos.iter().map(|undo| address(SealedField::FormerEmail, &undo.address));
    let pending = profile.email_change.as_ref().map(|change| address(SealedField::PendingEmail, &change.address));
    let device = |session: &Session| session.device.as_ref().map(|sealed| json(&key, SealedField::SessionDevice, sealed));
    let with_device = |session: Session| -> Result<_, Problem> {
        let device = device(&session).transpose()?;
        Ok((session, device))
    };
    let named = |link: LinkedIdentity| -> Result<_, Problem> {
        let named = json(&key, SealedField::LinkedIdentity, &link.named)?;
        Ok((link, named))
    };
    let named_passkey = |passkey: Passkey| -> Result<_, Problem> {
        let name = passkey.name.as_ref().map(|name| address(SealedField::PasskeyName, name)).transpose()?;
        Ok((passkey, name))
    };
    Ok(PersonalData {
        passkeys: passkeys.into_iter().map(named_passkey).collect::<Result<_, _>>()?,
        links: links.into_iter().map(named).collect::<Result<_, _>>()?,
        claims: json(&key, SealedField::Profile, &profile.claims)?,
        pending_email: pending.transpose()?,
        former_emails: former.collect::<Result<_, _>>()?,
        sessions: sessions.into_iter().map(with_device).collect::<Result<_, _>>()?,
        authentication,
        profile,
        grants,
        consents,
        terms,
        history,
    })
}

fn json<T: DeserializeOwned>(key: &DataKey, field: SealedField, sealed: &Sealed) -> Result<T, Problem> {
    let plain = key.open(field, sealed)?;
    serde_json::from_slice(&plain).map_err(|_| unreadable())
}

fn text(plain: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(plain).map_err(|_| unreadable())
}

fn unreadable() -> Problem {
    tracing::error!("what was sealed does not read");
    KeyError::DoesNotOpen("a sealed value").into()
}
