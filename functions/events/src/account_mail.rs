//! Mails about an existing account. A mail about an outdated state is dropped.

use crate::outgoing::{Addressee, DeliverError, Outgoing, addressee};
use latchkey::delivery::Message;
use latchkey::domain::account::AccountStatus;
use latchkey::domain::delivery::{AccountMail, DropReason, MailPurpose};
use latchkey::domain::email_change::{EMAIL_CHANGE_LIFETIME, pending};
use latchkey::domain::id::AccountId;
use latchkey::domain::time::Timestamp;
use latchkey::keys::{AccountLink, SealedField};
use latchkey::services::Tenant;
use latchkey::store::account::ProfileSnapshot;

/// Composes the mail, or returns the reason why there is none.
///
/// # Errors
/// If something failed that may succeed at a retry.
pub(crate) async fn compose(
    tenant: &Tenant,
    account: AccountId,
    about: AccountMail,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<Outgoing, DropReason>, DeliverError> {
    let Some(owner) = tenant.store.find_profile(account).await? else { return Ok(Err(DropReason::NoAccount)) };
    match about {
        AccountMail::EmailChangeStarted => change_started(tenant, &owner, at, now).await,
        AccountMail::EmailChanged => changed(tenant, &owner, at, now),
        AccountMail::EmailChangeRequested => change_requested(tenant, &owner, at, now),
        AccountMail::EmailChangeUndone => {
            notice(tenant, &owner, MailPurpose::AddressRestored, Message::EmailChangeUndone).map(Ok)
        }
        AccountMail::DeletionRequested => deletion_requested(tenant, &owner, at),
        // Without a point once the account is closed again.
        AccountMail::AccountRestored if !owner.authentication.is_active() => Ok(Err(DropReason::Outdated)),
        AccountMail::AccountRestored => notice(tenant, &owner, MailPurpose::AccountRestored, Message::AccountRestored).map(Ok),
    }
}

/// The code for a new address. If the address already has an account, its owner gets a notice instead; only the owner learns this (security
/// 107).
async fn change_started(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<Outgoing, DropReason>, DeliverError> {
    let Some(change) = pending(&owner.authentication, &owner.profile, now).filter(|_| owner.authentication.is_active()) else {
        return Ok(Err(DropReason::DeadFlow));
    };
    if change.expires_at != at + EMAIL_CHANGE_LIFETIME {
        return Ok(Err(DropReason::Superseded));
    }
    let (recipient, purpose) = (change.identifier, MailPurpose::Registration);
    if let Some(other) = tenant.store.find_account(&change.identifier).await? {
        let Some(other) = tenant.store.find_profile(other).await? else { return Ok(Err(DropReason::NoAccount)) };
        return Ok(Ok(Outgoing { recipient, purpose, ..notice(tenant, &other, purpose, Message::AddressInUse)? }));
    }
    let (account, seed) = (owner.authentication.account, &change.seed);
    let message = Message::EmailChangeCode {
        code: tenant.keys.proof()?.account_code(AccountLink::EmailChange, account, seed)?,
        token: tenant.keys.account_link(AccountLink::EmailChange, account, seed)?,
        lifetime: change.expires_at.since(now),
    };
    let to = open(tenant, owner, SealedField::PendingEmail, &change.address)?;
    // The address is not verified yet: do not reveal the account's name to its owner (security 110).
    Ok(Ok(Outgoing { message, to, name: None, locale: change.locale.clone(), recipient, purpose }))
}

/// To the present address: nothing has changed yet.
fn change_requested(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<Outgoing, DropReason>, DeliverError> {
    match pending(&owner.authentication, &owner.profile, now) {
        Some(change) if change.expires_at == at + EMAIL_CHANGE_LIFETIME => {
            notice(tenant, owner, MailPurpose::AddressRequested, Message::EmailChangeRequested).map(Ok)
        }
        Some(_) => Ok(Err(DropReason::Superseded)),
        None => Ok(Err(DropReason::Outdated)),
    }
}

/// To the former address, with the link that undoes this change.
fn changed(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<Outgoing, DropReason>, DeliverError> {
    let of_this_change = |undo: &&latchkey::domain::profile::EmailUndo| undo.changed_at == at && now < undo.expires_at;
    let Some(undo) = owner.profile.email_undos.iter().find(of_this_change) else { return Ok(Err(DropReason::Outdated)) };
    let token = tenant.keys.account_link(AccountLink::EmailUndo, owner.authentication.account, &undo.seed)?;
    let Addressee { name, .. } = addressee(tenant, owner)?;
    Ok(Ok(Outgoing {
        message: Message::EmailChanged { token, until: undo.expires_at },
        to: open(tenant, owner, SealedField::FormerEmail, &undo.address)?,
        name,
        locale: undo.locale.clone(),
        recipient: undo.identifier,
        purpose: MailPurpose::WayBack,
    }))
}

fn deletion_requested(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
) -> Result<Result<Outgoing, DropReason>, DeliverError> {
    match owner.authentication.status {
        AccountStatus::ErasureDue { since, due, seed } if since == at => {
            let token = tenant.keys.account_link(AccountLink::Restoration, owner.authentication.account, &seed)?;
            notice(tenant, owner, MailPurpose::WayBack, Message::DeletionRequested { token, due }).map(Ok)
        }
        AccountStatus::ErasureDue { .. }
        | AccountStatus::Active
        | AccountStatus::Disabled { .. }
        | AccountStatus::Erased { .. } => Ok(Err(DropReason::Outdated)),
    }
}

/// To the current address.
fn notice(tenant: &Tenant, owner: &ProfileSnapshot, purpose: MailPurpose, message: Message) -> Result<Outgoing, DeliverError> {
    let Addressee { to, name, locale } = addressee(tenant, owner)?;
    let recipient = owner.authentication.identifier;
    Ok(Outgoing { message, to, name, locale, recipient, purpose })
}

fn open(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    field: SealedField,
    sealed: &latchkey::domain::account::Sealed,
) -> Result<String, DeliverError> {
    let plain = tenant.keys.data()?.unwrap(&owner.data_key)?.open(field, sealed)?;
    String::from_utf8(plain).map_err(|_| DeliverError::Malformed("a sealed address is malformed"))
}
