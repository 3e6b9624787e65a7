//! Mails after an event: which are sent, and whether they are still valid at sending. How many an address gets: [`super::mail_limit`].
//!
//! A [`Delivery`] carries ids only. The content (address, code, link) is read and derived when the mail is sent. So a queue never
//! holds personal data or a secret, and an outdated delivery is dropped instead of misleading its recipient.

use super::account::AccountStatus;
use super::audit::{Event, EventKind};
use super::flow::{Flow, FlowPurpose, FlowState};
use super::id::{AccountId, FlowId, SessionId, TenantId};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One mail to send: the content of a queue message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The tenant of the account.
    pub tenant: TenantId,
    /// The event that caused it; also the id of the mail, so that a duplicate is recognized.
    pub event_id: String,
    /// A deferred notice is not sent before this time.
    #[serde(rename = "due", default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The requested mail.
    #[serde(flatten)]
    pub order: MailOrder,
}

impl Delivery {
    /// The id of one of its mails, counted from 0. One event may cause several deliveries, and a delivery several mails: a mail is counted and
    /// noted as sent by its id, which begins with that of the event.
    #[must_use]
    pub fn mail_id(&self, number: usize) -> String {
        match (&self.order, number) {
            (MailOrder::Account { about: AccountMail::EmailChangeRequested, .. }, _) => format!("{}-requested", self.event_id),
            (_, 0) => self.event_id.clone(),
            (_, number) => format!("{}-{number}", self.event_id),
        }
    }
    /// The account that it is about, if it is about one.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self.order {
            MailOrder::Proof { .. } => None,
            MailOrder::PasswordChanged { account, .. }
            | MailOrder::NewDevice { account, .. }
            | MailOrder::Account { account, .. } => Some(account),
        }
    }
}

impl MailOrder {
    /// The purpose of its notice to the present address, which may be deferred.
    #[must_use]
    pub const fn notice(&self) -> Option<MailPurpose> {
        match self {
            Self::Proof { .. } => None,
            Self::PasswordChanged { .. } => Some(MailPurpose::PasswordChanged),
            Self::NewDevice { .. } => Some(MailPurpose::NewDevice),
            Self::Account { about, .. } => match about {
                AccountMail::EmailChangeRequested => Some(MailPurpose::AddressRequested),
                AccountMail::EmailChangeUndone => Some(MailPurpose::AddressRestored),
                AccountMail::AccountRestored => Some(MailPurpose::AccountRestored),
                // With the link that reports it: never deferred.
                AccountMail::PasskeyAdded
                | AccountMail::PasskeyRemoved
                | AccountMail::AuthenticatorAdded
                | AccountMail::AuthenticatorReplaced
                | AccountMail::AuthenticatorRemoved
                | AccountMail::RecoveryCodesRenewed
                | AccountMail::RecoveryCodeUsed
                | AccountMail::NotMeReported
                | AccountMail::RemovalCode
                | AccountMail::RemovalRequested
                | AccountMail::RemovalShortened
                | AccountMail::LostFactorsRemoved
                | AccountMail::WrongCodes
                | AccountMail::EmailChangeStarted
                | AccountMail::EmailChanged
                | AccountMail::DeletionRequested
                | AccountMail::AddressProofStarted
                | AccountMail::LinkRequested => None,
            },
        }
    }
}

/// The requested mail. Its exact content is decided when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MailOrder {
    /// The proof of a flow: a code and a link, or a notice if the address already has an account.
    Proof {
        /// The flow.
        flow: FlowId,
        /// The account of the flow (the owner of its data key).
        account: AccountId,
        /// The generation of the code. A code of an older generation is no longer sent.
        generation: u8,
        /// Whether the user requested it again.
        resent: bool,
    },
    /// The notice that a password was changed.
    PasswordChanged {
        /// The account.
        account: AccountId,
        /// The flow that changed it: the mail uses its locale.
        flow: Option<FlowId>,
    },
    /// The notice of a sign-in on a device that the account did not know.
    NewDevice {
        /// The account.
        account: AccountId,
        /// The session that it opened: the mail names its browser.
        session: SessionId,
        /// When it happened.
        at: Timestamp,
    },
    /// A notice about an existing account.
    Account {
        /// The account.
        account: AccountId,
        /// The subject of the notice.
        about: AccountMail,
        /// When the event happened. A mail about a later or outdated state is not sent.
        at: Timestamp,
    },
}

/// The subject of a mail to the owner of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountMail {
    /// The proof of a new address. Sent to that address.
    EmailChangeStarted,
    /// A change of address was requested. Sent to the present address.
    EmailChangeRequested,
    /// The address was changed. Sent to the former address.
    EmailChanged,
    /// The former address is restored.
    EmailChangeUndone,
    /// The account was closed.
    DeletionRequested,
    /// The account was restored.
    AccountRestored,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A code that proves the present address.
    AddressProofStarted,
    /// An authenticator app was added.
    AuthenticatorAdded,
    /// An authenticator app replaced another one.
    AuthenticatorReplaced,
    /// The authenticator app was removed.
    AuthenticatorRemoved,
    /// New recovery codes replaced the old ones.
    RecoveryCodesRenewed,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// The right password, and then several wrong codes.
    WrongCodes,
    /// The user disowned what happened since an event.
    NotMeReported,
    /// A code that starts the removal of lost second factors.
    RemovalCode,
    /// The delay of a removal runs. With what cancels it.
    RemovalRequested,
    /// An operator shortened the delay. With what cancels the removal.
    RemovalShortened,
    /// Lost second factors were removed after the delay.
    LostFactorsRemoved,
    /// The user asked for a link and its code again: those that restore a closed account, or undo a change of address.
    LinkRequested,
}

/// Mails are limited by purpose ([`MailPurpose::limit`]): no purpose uses up the limit of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailPurpose {
    /// Codes that prove a new address, and notices in their place to an address that has an account.
    Registration,
    /// Password-reset codes.
    Recovery,
    /// Codes to sign in with.
    SignInCode,
    /// The only way back: the links that undo a change of address or restore a closed account.
    WayBack,
    /// Notice: the password was changed.
    PasswordChanged,
    /// Notice: a change of address was requested.
    AddressRequested,
    /// Notice: a former address is in force again.
    AddressRestored,
    /// Notice: the closed account was restored.
    AccountRestored,
    /// Codes that prove the present address before a factor is added.
    AddressProof,
    /// What happened to second factors and passkeys, with the link and the code that report that it was not the user. Strangers cause one of them
    /// at most: that of five wrong codes in a row after the right password.
    NotMe,
    /// Codes that start the removal of lost second factors, and what cancels it.
    LostFactor,
    /// Notice: a sign-in on a new device, with the link and the code that report that it was not the user.
    NewDevice,
}

/// What to send now for the proof of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofMail {
    /// Send the code and the link.
    Code(MailPurpose),
    /// Tell the owner of the address that they already have an account.
    AlreadyRegistered,
    /// Tell the owner of the address that the account is closed, and how to restore it.
    Closed,
    /// Tell the owner of the address that the account is disabled.
    Disabled(MailPurpose),
    /// Send nothing.
    Drop(DropReason),
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// The flow does not exist, or is used, ended or expired.
    DeadFlow,
    /// A newer code was requested: it has its own mail.
    Superseded,
    /// A password reset for an address without an account. The caller gets the same answer.
    NoAccount,
    /// The state that it is about has changed.
    Outdated,
    /// It is merged into a deferred notice of the same kind.
    Merged,
    /// It was sent already: this delivery is a duplicate.
    AlreadySent,
    /// The tenant document switches it off.
    SwitchedOff,
}

impl DropReason {
    /// Its name as a metric dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeadFlow => "dead_flow",
            Self::Superseded => "superseded",
            Self::NoAccount => "no_account",
            Self::Outdated => "outdated",
            Self::Merged => "merged",
            Self::AlreadySent => "already_sent",
            Self::SwitchedOff => "switched_off",
        }
    }
}

impl MailPurpose {
    /// Its name in keys and as a metric dimension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Recovery => "recovery",
            Self::SignInCode => "sign_in_code",
            Self::WayBack => "way_back",
            Self::PasswordChanged => "password_changed",
            Self::AddressRequested => "address_requested",
            Self::AddressRestored => "address_restored",
            Self::AccountRestored => "account_restored",
            Self::AddressProof => "address_proof",
            Self::NotMe => "not_me",
            Self::LostFactor => "lost_factor",
            Self::NewDevice => "new_device",
        }
    }
}

/// The item that carries an event, as far as its mails need it.
#[derive(Debug, Clone)]
pub enum Carrier {
    /// A flow.
    Flow(Box<Flow>),
    /// A session, by its id.
    Session(SessionId),
    /// Another item.
    Other,
}

/// The deliveries of an event.
#[must_use]
pub fn deliveries(tenant: &TenantId, event: &Event, carrier: &Carrier) -> Vec<Delivery> {
    let (flow, session) = match carrier {
        Carrier::Flow(flow) => (Some(flow.as_ref()), None),
        Carrier::Session(session) => (None, Some(*session)),
        Carrier::Other => (None, None),
    };
    let about = |about| event.account.map(|account| MailOrder::Account { account, about, at: event.at });
    let orders = match event.kind {
        EventKind::RegistrationStarted | EventKind::RecoveryStarted | EventKind::SignInCodeStarted => {
            [flow.map(|flow| proof(flow, false)), None]
        }
        // Without a flow it is about the account.
        EventKind::CodeResent => [flow.map(|flow| proof(flow, true)).or_else(|| about(AccountMail::LinkRequested)), None],
        EventKind::EmailChangeStarted => [about(AccountMail::EmailChangeStarted), about(AccountMail::EmailChangeRequested)],
        EventKind::EmailChanged => [about(AccountMail::EmailChanged), None],
        EventKind::EmailChangeUndone => [about(AccountMail::EmailChangeUndone), None],
        EventKind::DeletionRequested => [about(AccountMail::DeletionRequested), None],
        EventKind::AccountRestored => [about(AccountMail::AccountRestored), None],
        EventKind::PasskeyAdded => [about(AccountMail::PasskeyAdded), None],
        EventKind::PasskeyRemoved => [about(AccountMail::PasskeyRemoved), None],
        EventKind::PasswordReset | EventKind::PasswordChanged => {
            [event.account.map(|account| MailOrder::PasswordChanged { account, flow: event.flow }), None]
        }
        EventKind::FlowDisowned
        | EventKind::CodeRefused
        | EventKind::AccountCreated
        | EventKind::AccountImported
        | EventKind::SignInFailed
        | EventKind::SecondStepFailed
        | EventKind::SecondStepsUnlocked
        | EventKind::SignedOut
        | EventKind::ConsentGranted
        | EventKind::GrantRevoked
        | EventKind::AccessTokenRevoked
        | EventKind::RefreshReuse
        | EventKind::CodeReplayed
        | EventKind::ProfileChanged
        | EventKind::EmailChangeRefused
        | EventKind::EmailChangeEnded
        | EventKind::SessionEnded
        | EventKind::ConsentWithdrawn
        | EventKind::TermsAccepted
        | EventKind::TermsWithdrawn
        | EventKind::PasskeyRefused
        | EventKind::DeviceRemembered
        | EventKind::DevicesForgotten
        | EventKind::DataExported
        | EventKind::AccountErased
        | EventKind::ErasureDeferred
        | EventKind::LegalHoldPlaced
        | EventKind::LegalHoldLifted
        | EventKind::NoticeMerged
        | EventKind::AddressProofRefused
        | EventKind::RemovalCodeRefused
        | EventKind::RemovalCancelled
        | EventKind::RolesChanged => [None, None],
        EventKind::SignedIn => {
            let new = event.account.zip(session).filter(|_| event.is_new_device);
            [new.map(|(account, session)| MailOrder::NewDevice { account, session, at: event.at }), None]
        }
        EventKind::AddressProofStarted => [about(AccountMail::AddressProofStarted), None],
        EventKind::AuthenticatorAdded => [about(AccountMail::AuthenticatorAdded), None],
        EventKind::AuthenticatorReplaced => [about(AccountMail::AuthenticatorReplaced), None],
        EventKind::AuthenticatorRemoved => [about(AccountMail::AuthenticatorRemoved), None],
        EventKind::RecoveryCodesRenewed => [about(AccountMail::RecoveryCodesRenewed), None],
        EventKind::RecoveryCodeUsed => [about(AccountMail::RecoveryCodeUsed), None],
        EventKind::SecondStepsBlocked => [about(AccountMail::WrongCodes), None],
        EventKind::NotMeReported => [about(AccountMail::NotMeReported), None],
        EventKind::RemovalCodeRequested => [about(AccountMail::RemovalCode), None],
        EventKind::RemovalRequested => [about(AccountMail::RemovalRequested), None],
        EventKind::RemovalShortened => [about(AccountMail::RemovalShortened), None],
        EventKind::LostFactorsRemoved => [about(AccountMail::LostFactorsRemoved), None],
    };
    let delivery = |order| Delivery { tenant: tenant.clone(), event_id: event.id.clone(), due: None, order };
    orders.into_iter().flatten().map(delivery).collect()
}

fn proof(flow: &Flow, resent: bool) -> MailOrder {
    MailOrder::Proof { flow: flow.id, account: flow.account, generation: flow.generation, resent }
}

/// Whether the proof of this generation is still to be sent, and as which mail. `owner` is the status of the account that has the
/// address, if there is one.
#[must_use]
pub fn proof_mail(flow: &Flow, generation: u8, owner: Option<AccountStatus>, now: Timestamp) -> ProofMail {
    if flow.state != FlowState::Open || flow.expires_at <= now {
        return ProofMail::Drop(DropReason::DeadFlow);
    }
    if flow.generation != generation {
        return ProofMail::Drop(DropReason::Superseded);
    }
    let purpose = match flow.purpose {
        FlowPurpose::Registration => MailPurpose::Registration,
        FlowPurpose::Recovery => MailPurpose::Recovery,
        FlowPurpose::SignIn => MailPurpose::SignInCode,
    };
    match (flow.purpose, owner) {
        (_, Some(AccountStatus::ErasureDue { .. })) => ProofMail::Closed,
        (_, Some(AccountStatus::Disabled { .. })) => ProofMail::Disabled(purpose),
        (FlowPurpose::Registration, Some(AccountStatus::Active)) => ProofMail::AlreadyRegistered,
        (FlowPurpose::Recovery | FlowPurpose::SignIn, Some(AccountStatus::Active)) => ProofMail::Code(purpose),
        // The address of an erased account is about to be released.
        (FlowPurpose::Registration, None | Some(AccountStatus::Erased { .. })) => ProofMail::Code(purpose),
        // No account here. The legacy directory may know the address, and only its owner learns whether it does.
        (FlowPurpose::Recovery, None) if flow.payload.is_some() => ProofMail::Code(purpose),
        (FlowPurpose::Recovery | FlowPurpose::SignIn, None | Some(AccountStatus::Erased { .. })) => {
            ProofMail::Drop(DropReason::NoAccount)
        }
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
