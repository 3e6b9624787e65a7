//! Sends one mail.
//!
//! 1. Read the flow or the profile again. Drop the mail if it is expired or superseded.
//! 2. Find out whether the address has an account. Only this function and the mailbox owner learn the result (security 107).
//! 3. Count the mail by its recipient's keyed hash and its purpose. A notice over its limit waits, and those after it are merged into it.
//! 4. Derive code and link, decrypt the address, render the mail, send it, and record that it was sent.

use crate::account_mail;
use crate::new_device;
use crate::outgoing::{Addressee, DeliverError, Outgoing, addressee};
use latchkey::delivery::{Envelope, FormerAddressNews, MailRenderer, Mailer, Message, Sender};
use latchkey::domain::account::{AccountState, AccountStatus, Sealed};
use latchkey::domain::audit::EventKind;
use latchkey::domain::delivery::{Delivery, DropReason, MailOrder, MailPurpose, ProofMail, proof_mail};
use latchkey::domain::email_undo::valid_undos;
use latchkey::domain::flow::{Flow, FlowPurpose};
use latchkey::domain::id::{AccountId, FlowId};
use latchkey::domain::identifier::EmailAddress;
use latchkey::domain::mail_limit::MailLimit;
use latchkey::domain::recovery::is_outdated;
use latchkey::domain::registration::PendingRegistration;
use latchkey::domain::sign_in::methods::mail_code;
use latchkey::domain::time::Timestamp;
use latchkey::keys::locator::FlowLocator;
use latchkey::keys::{DataKey, KeyError, SealedField};
use latchkey::locale;
use latchkey::services::{Services, Tenant};
use latchkey::store::audit::event_of_mail;
use latchkey::store::delivery::{Counted, Deferral, happened_at};
use latchkey::store::flow::FlowSnapshot;
use latchkey::web::passkey::RelyingParty;
use latchkey::web::problem::chain;

/// What became of a delivery.
enum Outcome {
    Sent,
    Dropped(DropReason),
    /// Not before this time.
    Deferred(Timestamp),
}

/// Sends a delivery, drops it if it is outdated, or returns it with the time before which it must not be sent.
///
/// # Errors
/// If something failed that may succeed at a retry.
pub async fn deliver(
    services: &Services,
    renderer: &MailRenderer,
    mailer: &Mailer,
    delivery: &Delivery,
) -> Result<Option<Delivery>, DeliverError> {
    let now = services.clock.now();
    if delivery.due.is_some_and(|due| now < due) {
        return Ok(Some(delivery.clone()));
    }
    let tenant = services.tenant(&delivery.tenant).await?;
    let outgoing = match &delivery.order {
        MailOrder::Proof { flow, account, generation, resent } => {
            proof(&tenant, *flow, *account, *generation, *resent, now).await?.map(|mail| vec![mail])
        }
        MailOrder::PasswordChanged { account, flow } => password_changed(&tenant, *account, *flow, now).await?,
        MailOrder::NewDevice { account, session, at } => new_device::compose(&tenant, *account, *session, *at).await?,
        MailOrder::Account { account, about, at } => account_mail::compose(&tenant, *account, *about, *at, now).await?,
    };
    let outgoing = match outgoing {
        Ok(outgoing) => outgoing,
        Err(reason) => {
            end_deferral(&tenant, delivery, now).await?;
            log(delivery, None, &Outcome::Dropped(reason), now);
            return Ok(None);
        }
    };
    let mut due = None;
    // One event may be mailed to several addresses. A retry repeats only what is not noted as sent.
    for (number, outgoing) in outgoing.into_iter().enumerate() {
        let purpose = outgoing.purpose;
        // The others were sent before the notice began to wait.
        if delivery.due.is_some() && purpose.limit() != MailLimit::Deferred {
            continue;
        }
        let mail = Numbered { delivery, id: delivery.mail_id(number) };
        let outcome = send(&tenant, renderer, mailer, &mail, outgoing, now).await?;
        if let (Outcome::Dropped(DropReason::Merged), Some(account)) = (&outcome, delivery.account()) {
            // The user finds it in the history of the account.
            let at = happened_at(&delivery.event_id, now);
            if let Some(event) = event_of_mail(EventKind::NoticeMerged, account, &delivery.event_id, at) {
                tenant.store.put_audit(&event, tenant.config.retention.audit).await?;
            }
        }
        log(delivery, Some(purpose), &outcome, now);
        if let Outcome::Deferred(until) = outcome {
            due = Some(until);
        }
    }
    if due.is_none() {
        end_deferral(&tenant, delivery, now).await?;
    }
    Ok(due.map(|due| Delivery { due: Some(due), ..delivery.clone() }))
}

/// A deferred notice that was sent, or dropped because it has no point any more, waits no longer. Its mark is at the address that the account
/// had when it was deferred: the present one, or one that the account used before.
async fn end_deferral(tenant: &Tenant, delivery: &Delivery, now: Timestamp) -> Result<(), DeliverError> {
    let (Some(_), Some(purpose), Some(account)) = (delivery.due, delivery.order.notice(), delivery.account()) else {
        return Ok(());
    };
    let Some(owner) = tenant.store.find_profile(account).await? else { return Ok(()) };
    let former = owner.profile.email_undos.iter().map(|undo| undo.identifier);
    for recipient in std::iter::once(owner.authentication.identifier).chain(former) {
        tenant.store.end_deferral(&recipient, purpose, &delivery.mail_id(0), now).await?;
    }
    Ok(())
}

/// One line, which is a metric, too: the step `mail`, by purpose and outcome.
fn log(delivery: &Delivery, purpose: Option<MailPurpose>, outcome: &Outcome, now: Timestamp) {
    let outcome = match outcome {
        Outcome::Sent => "sent",
        Outcome::Deferred(_) => "deferred",
        Outcome::Dropped(reason) => reason.as_str(),
    };
    let (tenant, event_id) = (&delivery.tenant, &delivery.event_id);
    let method = purpose.map_or("none", MailPurpose::as_str);
    tracing::info!(%tenant, event_id, step = "mail", method, outcome, Steps = 1_u64, at = now.millis(), "mail {outcome}");
}

/// One of the mails of a delivery.
struct Numbered<'d> {
    delivery: &'d Delivery,
    id: String,
}

async fn send(
    tenant: &Tenant,
    renderer: &MailRenderer,
    mailer: &Mailer,
    mail: &Numbered<'_>,
    outgoing: Outgoing,
    now: Timestamp,
) -> Result<Outcome, DeliverError> {
    let (recipient, purpose, id) = (&outgoing.recipient, outgoing.purpose, mail.id.as_str());
    let counted = match mail.delivery.due {
        None => tenant.store.count_mail(recipient, purpose, id, now).await?,
        Some(_) => tenant.store.count_deferred(recipient, purpose, id, now).await?,
    };
    match counted {
        Counted::ToSend => {}
        Counted::Sent => return Ok(Outcome::Dropped(DropReason::AlreadySent)),
        Counted::LimitReached { until } => match tenant.store.defer_mail(recipient, purpose, id, now).await? {
            Deferral::Waits => return Ok(Outcome::Deferred(until)),
            Deferral::Merged => return Ok(Outcome::Dropped(DropReason::Merged)),
        },
    }
    let sender = Sender { config: &tenant.config, issuer: &tenant.issuer };
    let envelope = Envelope { id, to: &outgoing.to, now };
    let mail = renderer.render(&sender, &outgoing.message, &outgoing.locale, outgoing.name.as_deref(), envelope)?;
    mailer.send(mail).await?;
    if mailer.is_final()
        && let Err(error) = tenant.store.note_mail_sent(recipient, purpose, id, now).await
    {
        // The mail was sent. If this were reported as a failure, the mail would be sent again.
        tracing::warn!(id, error = chain(&error), "a repetition of this mail would not be noticed");
    }
    Ok(Outcome::Sent)
}

async fn proof(
    tenant: &Tenant,
    flow: FlowId,
    account: AccountId,
    generation: u8,
    resent: bool,
    now: Timestamp,
) -> Result<Result<Outgoing, DropReason>, DeliverError> {
    let Some(FlowSnapshot { flow, data_key }) = tenant.store.find_flow(flow, account).await? else {
        return Ok(Err(DropReason::DeadFlow));
    };
    let owner = match tenant.store.find_account(&flow.identifier).await? {
        Some(account) => tenant.store.find_profile(account).await?,
        None => None,
    };
    let status = owner.as_ref().map(|owner| owner.authentication.status);
    let (message, purpose) = match (proof_mail(&flow, generation, status, now), &owner) {
        (ProofMail::Code(MailPurpose::Recovery | MailPurpose::SignInCode), Some(owner))
            if is_outdated(&flow, &owner.authentication) =>
        {
            return Ok(Err(DropReason::Outdated));
        }
        (ProofMail::Code(MailPurpose::SignInCode), Some(owner)) if !mail_code::is_for(&owner.authentication) => {
            return Ok(Err(DropReason::NoAccount));
        }
        (ProofMail::Code(purpose), _) => (code_message(tenant, &flow, resent, now)?, purpose),
        (ProofMail::AlreadyRegistered, _) => (Message::AlreadyRegistered, MailPurpose::Registration),
        (ProofMail::Closed, Some(owner)) => {
            let mail = account_mail::closed_mail(tenant, owner)?;
            return Ok(mail.map(|mail| Outgoing { locale: flow.locale, ..mail }).ok_or(DropReason::Outdated));
        }
        (ProofMail::Disabled(purpose), _) => (Message::AccountDisabled, purpose),
        (ProofMail::Closed, None) => return Ok(Err(DropReason::NoAccount)),
        (ProofMail::Drop(reason), _) => return Ok(Err(reason)),
    };
    let owner = owner.filter(|owner| !matches!(owner.authentication.status, AccountStatus::Erased { .. }));
    let (to, name) = match owner {
        // A mail to an account owner goes to the stored, verified address, whatever was typed (security 90).
        Some(owner) => {
            let Addressee { to, name, .. } = addressee(tenant, &owner)?;
            (to, name)
        }
        None => {
            let sealed = flow.payload.as_ref().ok_or(DeliverError::Malformed("a flow without its payload"))?;
            let data_key = data_key.as_ref().ok_or(DeliverError::Malformed("a flow without its data key"))?;
            let key = tenant.keys.data()?.unwrap(data_key)?;
            // The address is not verified yet: do not repeat a typed name to its owner (security 110).
            (typed_address(&key, flow.purpose, sealed)?, None)
        }
    };
    Ok(Ok(Outgoing { message, to, name, locale: flow.locale, recipient: flow.identifier, purpose }))
}

/// The address that a flow stores until it is verified.
fn typed_address(key: &DataKey, purpose: FlowPurpose, sealed: &Sealed) -> Result<String, DeliverError> {
    match purpose {
        FlowPurpose::Registration => {
            let plain = key.open(SealedField::PendingRegistration, sealed)?;
            let pending: Result<PendingRegistration, _> = serde_json::from_slice(&plain);
            Ok(pending.map_err(|_| DeliverError::Malformed("a pending registration is malformed"))?.email)
        }
        FlowPurpose::SignIn => Err(DeliverError::Malformed("a sign-in stores no address")),
        // As typed. The mail goes to the canonical form, because a look-alike is treated as its owner (security 106).
        FlowPurpose::Recovery => String::from_utf8(key.open(SealedField::RecoveryAddress, sealed)?)
            .ok()
            .and_then(|typed| EmailAddress::parse(&typed).ok())
            .map(|email| email.as_str().to_owned())
            .ok_or(DeliverError::Malformed("the address of a password reset is malformed")),
    }
}

fn code_message(tenant: &Tenant, flow: &Flow, resent: bool, now: Timestamp) -> Result<Message, KeyError> {
    let proof = tenant.keys.proof()?;
    let (code, token) = (proof.code(flow)?, proof.link(flow)?);
    let lifetime = flow.expires_at.since(now);
    let id = tenant.keys.locator()?.flow_id(&FlowLocator { account: flow.account, flow: flow.id });
    Ok(match flow.purpose {
        FlowPurpose::Registration => Message::RegistrationCode { flow: id, code, token, lifetime, resent },
        FlowPurpose::Recovery => Message::PasswordResetCode { flow: id, code, token, lifetime, resent },
        FlowPurpose::SignIn => Message::SignInCode { code, lifetime, resent },
    })
}

async fn password_changed(
    tenant: &Tenant,
    account: AccountId,
    flow: Option<FlowId>,
    now: Timestamp,
) -> Result<Result<Vec<Outgoing>, DropReason>, DeliverError> {
    let Some(owner) = tenant.store.find_profile(account).await? else {
        return Ok(Err(DropReason::NoAccount));
    };
    let locale = match flow {
        Some(flow) => tenant.store.find_flow_locale(flow).await?,
        None => None,
    };
    let changed = Message::PasswordChanged { factors: Vec::new() };
    let own = account_mail::notice(tenant, &owner, MailPurpose::PasswordChanged, changed)?;
    let locale = locale.unwrap_or_else(|| own.locale.clone());
    // After a reset by mail.
    let factors = if flow.is_some() { remaining_factors(tenant, &owner.authentication, &locale) } else { Vec::new() };
    let mut mails = vec![Outgoing { locale, message: Message::PasswordChanged { factors }, ..own }];
    // The person who changed the address may be the one who changed the password: the former address is told, too.
    for undo in valid_undos(&owner.authentication, &owner.profile, now) {
        mails.push(account_mail::to_former_address(tenant, &owner, undo, FormerAddressNews::PasswordChanged)?);
    }
    Ok(Ok(mails))
}

/// What the account has besides its password, in words. Passkeys are counted: this function has no permission for them, and a thief may have
/// given them names, which do not belong into a mail of ours.
fn remaining_factors(tenant: &Tenant, account: &AccountState, locale: &str) -> Vec<String> {
    let factors = account.factors;
    let mut words = locale::second_factors(locale, factors.totp.is_some(), factors.recovery_codes);
    if factors.passkeys > 0 && RelyingParty::of(tenant).is_some() {
        words.push(locale::message(locale, "factor-passkeys", [("count", u32::from(factors.passkeys).into())]));
    }
    words
}
