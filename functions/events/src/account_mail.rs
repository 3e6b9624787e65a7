//! Mails about an existing account. A mail about an outdated state is dropped.

use crate::outgoing::{Addressee, DeliverError, Outgoing, addressee};
use latchkey::delivery::{FormerAddressNews, LinkAndCode, Message, SecondFactorNews};
use latchkey::domain::account::{AccountStatus, LinkSeed};
use latchkey::domain::address_proof;
use latchkey::domain::delivery::{AccountMail, DropReason, MailPurpose};
use latchkey::domain::email_change::{EMAIL_CHANGE_LIFETIME, pending};
use latchkey::domain::email_undo::valid_undos;
use latchkey::domain::id::AccountId;
use latchkey::domain::lost_factor;
use latchkey::domain::not_me;
use latchkey::domain::profile::EmailUndo;
use latchkey::domain::time::{Span, Timestamp};
use latchkey::keys::{AccountLink, SealedField};
use latchkey::services::Tenant;
use latchkey::store::account::ProfileSnapshot;

/// Composes the mails, or returns the reason why there is none. News of the account go to its address, and to each former address that can
/// take the account back.
///
/// # Errors
/// If something failed that may succeed at a retry.
pub(crate) async fn compose(
    tenant: &Tenant,
    account: AccountId,
    about: AccountMail,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<Vec<Outgoing>, DropReason>, DeliverError> {
    let Some(owner) = tenant.store.find_profile(account).await? else { return Ok(Err(DropReason::NoAccount)) };
    let (first, news) = match about {
        AccountMail::EmailChangeStarted => {
            return Ok(change_started(tenant, &owner, at, now).await?.map(|mail| vec![mail]));
        }
        AccountMail::LinkRequested => return link_requested(tenant, &owner, now),
        AccountMail::EmailChanged => return changed(tenant, &owner, at, now),
        AccountMail::EmailChangeRequested => return Ok(change_requested(tenant, &owner, at, now)?.map(|mail| vec![mail])),
        AccountMail::EmailChangeUndone => {
            let first = notice(tenant, &owner, MailPurpose::AddressRestored, Message::EmailChangeUndone)?;
            (first, FormerAddressNews::EmailChangeUndone)
        }
        AccountMail::DeletionRequested => match closed(&owner) {
            Some((since, due, seed)) if since == at => {
                let message = Message::DeletionRequested { restoration: restoration(tenant, &owner, &seed)?, due };
                (notice(tenant, &owner, MailPurpose::WayBack, message)?, FormerAddressNews::DeletionRequested)
            }
            Some(_) | None => return Ok(Err(DropReason::Outdated)),
        },
        // Without a point once the account is closed again.
        AccountMail::AccountRestored if !owner.authentication.is_active() => return Ok(Err(DropReason::Outdated)),
        AccountMail::AddressProofStarted => return Ok(address_proof(tenant, &owner, at, now)?.map(|mail| vec![mail])),
        AccountMail::AuthenticatorAdded => second_factor(tenant, &owner, at, SecondFactorNews::Added)?,
        AccountMail::AuthenticatorReplaced => second_factor(tenant, &owner, at, SecondFactorNews::Replaced)?,
        AccountMail::AuthenticatorRemoved => second_factor(tenant, &owner, at, SecondFactorNews::Removed)?,
        AccountMail::RecoveryCodesRenewed => second_factor(tenant, &owner, at, SecondFactorNews::NewCodes)?,
        AccountMail::WrongCodes => second_factor(tenant, &owner, at, SecondFactorNews::WrongCodes)?,
        AccountMail::RecoveryCodeUsed => second_factor(tenant, &owner, at, SecondFactorNews::CodeUsed)?,
        AccountMail::RemovalCode => return Ok(removal_code(tenant, &owner, at, now)?.map(|mail| vec![mail])),
        AccountMail::RemovalRequested => {
            let Some(request) = lost_factor::pending(&owner.authentication, now).filter(|request| request.asked_at == at)
            else {
                return Ok(Err(DropReason::Outdated));
            };
            let cancel = event_link(tenant, &owner, AccountLink::RemovalCancel, at)?;
            let message = Message::RemovalRequested { cancel, due: request.due_at() };
            (notice(tenant, &owner, MailPurpose::LostFactor, message)?, FormerAddressNews::RemovalRequested)
        }
        AccountMail::RemovalShortened => {
            let Some(request) = lost_factor::pending(&owner.authentication, now) else { return Ok(Err(DropReason::Outdated)) };
            // The same link and code as in the mail about the request.
            let cancel = event_link(tenant, &owner, AccountLink::RemovalCancel, request.asked_at)?;
            let message = Message::RemovalShortened { cancel, due: request.due_at() };
            (notice(tenant, &owner, MailPurpose::LostFactor, message)?, FormerAddressNews::RemovalRequested)
        }
        AccountMail::LostFactorsRemoved => {
            let (not_me, until) = not_me(tenant, &owner, at)?;
            let first = notice(tenant, &owner, MailPurpose::NotMe, Message::LostFactorsRemoved { not_me, until })?;
            (first, FormerAddressNews::RemovalRequested)
        }
        AccountMail::NotMeReported => {
            let (not_me, until) = not_me(tenant, &owner, at)?;
            let first = notice(tenant, &owner, MailPurpose::NotMe, Message::NotMeReported { not_me, until })?;
            (first, FormerAddressNews::NotMeReported)
        }
        AccountMail::AccountRestored => {
            let first = notice(tenant, &owner, MailPurpose::AccountRestored, Message::AccountRestored)?;
            (first, FormerAddressNews::AccountRestored)
        }
        AccountMail::PasskeyAdded => {
            let (not_me, until) = not_me(tenant, &owner, at)?;
            let first = notice(tenant, &owner, MailPurpose::NotMe, Message::PasskeyAdded { not_me, until })?;
            (first, FormerAddressNews::PasskeyAdded)
        }
        AccountMail::PasskeyRemoved => {
            let (not_me, until) = not_me(tenant, &owner, at)?;
            let first = notice(tenant, &owner, MailPurpose::NotMe, Message::PasskeyRemoved { not_me, until })?;
            (first, FormerAddressNews::PasskeyRemoved)
        }
    };
    let mut mails = vec![first];
    for undo in valid_undos(&owner.authentication, &owner.profile, now) {
        mails.push(to_former_address(tenant, &owner, undo, news)?);
    }
    Ok(Ok(mails))
}

/// A code for the present address.
fn address_proof(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<Outgoing, DropReason>, DeliverError> {
    let Some(seed) = address_proof::started_at(&owner.authentication, &owner.profile, at, now) else {
        return Ok(Err(DropReason::Superseded));
    };
    let account = owner.authentication.account;
    let code = tenant.keys.proof()?.account_code(AccountLink::AddressProof, account, &seed)?;
    let message = Message::AddressProofCode { code, lifetime: (at + address_proof::LIFETIME).since(now) };
    notice(tenant, owner, MailPurpose::AddressProof, message).map(Ok)
}

fn second_factor(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
    news: SecondFactorNews,
) -> Result<(Outgoing, FormerAddressNews), DeliverError> {
    let (not_me, until) = not_me(tenant, owner, at)?;
    let message = Message::SecondFactor { news, codes_left: owner.authentication.factors.recovery_codes, not_me, until };
    Ok((notice(tenant, owner, MailPurpose::NotMe, message)?, FormerAddressNews::SecondFactor))
}

/// The link and the code that report the event of this time, and their expiry.
pub(crate) fn not_me(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
) -> Result<(LinkAndCode, Timestamp), DeliverError> {
    Ok((event_link(tenant, owner, AccountLink::NotMe, at)?, at + not_me::LIFETIME))
}

/// A link about the event of this time, and its code.
fn event_link(tenant: &Tenant, owner: &ProfileSnapshot, link: AccountLink, at: Timestamp) -> Result<LinkAndCode, DeliverError> {
    let (account, keys) = (owner.authentication.account, tenant.keys.proof()?);
    let code = keys.account_code(link, account, &LinkSeed::of_event(at, keys.current_version()))?;
    Ok(LinkAndCode { token: tenant.keys.event_link(link, account, at)?, code })
}

/// The code that starts the removal of lost factors, if it was requested a moment ago. This function does not read the attempt: whether a newer
/// code was requested shows when it is typed.
fn removal_code(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<Outgoing, DropReason>, DeliverError> {
    let (lifetime, keys) = ((at + lost_factor::CODE_LIFETIME).since(now), tenant.keys.proof()?);
    if lifetime <= Span::ZERO || !owner.authentication.is_active() {
        return Ok(Err(DropReason::Outdated));
    }
    let seed = LinkSeed::of_event(at, keys.current_version());
    let code = keys.account_code(AccountLink::RemovalCode, owner.authentication.account, &seed)?;
    notice(tenant, owner, MailPurpose::LostFactor, Message::RemovalCode { code, lifetime }).map(Ok)
}

/// The user proved the password of a closed account, or opened a link of a release that mailed no code.
fn link_requested(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    now: Timestamp,
) -> Result<Result<Vec<Outgoing>, DropReason>, DeliverError> {
    let undos = valid_undos(&owner.authentication, &owner.profile, now);
    if let Some(first) = closed_mail(tenant, owner)? {
        // The person who closed the account may be the one who changed its address: the former address gets its way back again, too.
        let former = undos.map(|undo| to_former_address(tenant, owner, undo, FormerAddressNews::DeletionRequested));
        return std::iter::once(Ok(first)).chain(former).collect::<Result<_, _>>().map(Ok);
    }
    undos.map(|undo| email_changed(tenant, owner, undo)).collect::<Result<_, _>>().map(Ok)
}

/// The mail to the address of a closed account, with the way back. `None` if the account is not closed.
pub(crate) fn closed_mail(tenant: &Tenant, owner: &ProfileSnapshot) -> Result<Option<Outgoing>, DeliverError> {
    let Some((_, due, seed)) = closed(owner) else { return Ok(None) };
    let message = Message::AccountClosed { restoration: restoration(tenant, owner, &seed)?, due };
    notice(tenant, owner, MailPurpose::WayBack, message).map(Some)
}

/// Since when the account is closed, when it is erased, and the seed of its restoration.
fn closed(owner: &ProfileSnapshot) -> Option<(Timestamp, Timestamp, LinkSeed)> {
    match owner.authentication.status {
        AccountStatus::ErasureDue { since, due, seed } => Some((since, due, seed)),
        AccountStatus::Active | AccountStatus::Disabled { .. } | AccountStatus::Erased { .. } => None,
    }
}

fn restoration(tenant: &Tenant, owner: &ProfileSnapshot, seed: &LinkSeed) -> Result<LinkAndCode, DeliverError> {
    link_and_code(tenant, AccountLink::Restoration, owner, seed)
}

fn link_and_code(
    tenant: &Tenant,
    link: AccountLink,
    owner: &ProfileSnapshot,
    seed: &LinkSeed,
) -> Result<LinkAndCode, DeliverError> {
    let account = owner.authentication.account;
    let code = tenant.keys.proof()?.account_code(link, account, seed)?;
    Ok(LinkAndCode { token: tenant.keys.account_link(link, account, seed)?, code })
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
        if let Some(closed) = closed_mail(tenant, &other)? {
            return Ok(Ok(closed));
        }
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

/// To the former address, with what undoes this change. Older former addresses are told, too.
fn changed(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<Vec<Outgoing>, DropReason>, DeliverError> {
    let undos: Vec<&EmailUndo> = valid_undos(&owner.authentication, &owner.profile, now).collect();
    let Some(position) = undos.iter().rposition(|undo| undo.changed_at == at) else { return Ok(Err(DropReason::Outdated)) };
    let (older, this) = (undos.iter().take(position), undos.iter().skip(position).take(1));
    let mails = this.map(|undo| email_changed(tenant, owner, undo));
    let mails = mails.chain(older.map(|undo| to_former_address(tenant, owner, undo, FormerAddressNews::EmailChanged)));
    mails.collect::<Result<_, _>>().map(Ok)
}

fn email_changed(tenant: &Tenant, owner: &ProfileSnapshot, undo: &EmailUndo) -> Result<Outgoing, DeliverError> {
    let message = Message::EmailChanged {
        undo: link_and_code(tenant, AccountLink::EmailUndo, owner, &undo.seed)?,
        until: undo_until(owner, undo),
    };
    mail_to_former(tenant, owner, undo, message)
}

/// News of an account to an address that it used before.
pub(crate) fn to_former_address(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    undo: &EmailUndo,
    news: FormerAddressNews,
) -> Result<Outgoing, DeliverError> {
    let message = Message::FormerAddress {
        news,
        undo: link_and_code(tenant, AccountLink::EmailUndo, owner, &undo.seed)?,
        until: undo_until(owner, undo),
    };
    mail_to_former(tenant, owner, undo, message)
}

fn mail_to_former(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    undo: &EmailUndo,
    message: Message,
) -> Result<Outgoing, DeliverError> {
    let Addressee { name, .. } = addressee(tenant, owner)?;
    let to = open(tenant, owner, SealedField::FormerEmail, &undo.address)?;
    let (locale, recipient) = (undo.locale.clone(), undo.identifier);
    Ok(Outgoing { message, to, name, locale, recipient, purpose: MailPurpose::WayBack })
}

/// A closed account can be taken back until its erasure.
fn undo_until(owner: &ProfileSnapshot, undo: &EmailUndo) -> Timestamp {
    closed(owner).map_or(undo.expires_at, |(_, due, _)| due)
}

/// To the current address.
pub(crate) fn notice(
    tenant: &Tenant,
    owner: &ProfileSnapshot,
    purpose: MailPurpose,
    message: Message,
) -> Result<Outgoing, DeliverError> {
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
